"""Whether a value stands in the source: the quote must be there and must say the value.

A claim without a span in the text is a hallucination, however plausible. Letters are compared
without case, accents and spacing, numbers by value in any notation, dates by day and year.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from stage2_extractor.records import Invoice

# Fields whose value is a judgement about the document and not a copy from it.
JUDGED = ("document_type",)
CURRENCY_SIGNS = {
    "€": ("EUR",),
    "£": ("GBP",),
    "$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN"),
    "¥": ("JPY", "CNY"),
    "円": ("JPY",),
    "元": ("CNY",),
    "₹": ("INR",),
    "zł": ("PLN",),
    "r$": ("BRL",),
    "kr": ("SEK", "NOK", "DKK"),
    "fr.": ("CHF",),
    "sfr": ("CHF",),
    "kč": ("CZK",),
    "ft": ("HUF",),
    "₺": ("TRY",),
    "₽": ("RUB",),
    "rs": ("INR",),
}
# A number as printed; a space inside it groups three digits, or else begins the next number.
NUMBER = re.compile(r"\d+(?:[.,'\u2019]\d+|[ \u00a0\u202f]\d{3}(?!\d))*")
# Letters that a scan makes of digits, and back: both sides are folded before they are compared.
LOOKALIKES = str.maketrans("OoQlIi|SsBZz", "000111155822")
ERA = 2018  # Reiwa 1 was 2019


def unsupported(invoice: Invoice, quotes: Mapping[str, str | None], text: str) -> dict[str, Any]:
    """Fields and rows whose value has no span in `text`, with the value that was claimed."""
    source = normal(text)
    found: dict[str, Any] = {}
    for name in Invoice.model_fields:
        value = getattr(invoice, name)
        if name == "lines" or value is None or name in JUDGED:
            continue
        if not _supports(quotes.get(name), name, value, text, source):
            found[name] = value
    for place, line in enumerate(invoice.lines):
        if not _row_stands(line.description, line.amount, text):
            found[f"lines.{place}"] = line.model_dump()
    return found


def says(words: str, name: str, value: Any) -> bool:
    """Whether `words` state `value`, scanned digits like `l2.4O` included."""
    match value:
        case Decimal():
            return abs(value) in numbers(words) | numbers(words.translate(LOOKALIKES))
        case date():
            return _says_date(words, value) or _says_date(words.translate(LOOKALIKES), value)
        case str() if name == "currency":
            return _says_currency(words, value)
        case _:
            return folded(str(value)) in folded(words)


def numbers(words: str) -> set[Decimal]:
    """Every number that the digits in `words` can mean: `1.234` is 1234 and also 1.234."""
    found: set[Decimal] = set()
    for match in NUMBER.finditer(words):
        for piece in {match[0], *re.split(r"\s", match[0])}:
            found |= _readings(piece)
    return found


def folded(text: str) -> str:
    """Only letters and digits, without case and accents, scanned look-alikes made one."""
    return re.sub(r"[\W_]+", "", normal(text.translate(LOOKALIKES)))


def normal(text: str) -> str:
    """Text without case, accents, and with single spaces."""
    letters = unicodedata.normalize("NFKD", text)
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(plain.casefold().split())


def _supports(quote: str | None, name: str, value: Any, text: str, source: str) -> bool:
    """The quote if there is one in the text, else the whole text, must say the value."""
    if quote and normal(quote) in source and says(quote, name, value):
        return True
    if isinstance(value, str) and name != "currency":
        return normal(value) in source or folded(value) in folded(text)
    return any(says(line, name, value) for line in text.splitlines())


def _row_stands(description: str, amount: Decimal | None, text: str) -> bool:
    """Most words of the description and the amount stand somewhere in the text."""
    source = folded(text)
    words = [folded(word) for word in description.split() if len(word) > 2]
    told = not words or sum(word in source for word in words) * 2 > len(words)
    return told and (amount is None or any(says(line, "", amount) for line in text.splitlines()))


def _readings(piece: str) -> set[Decimal]:
    digits = re.sub(r"['\u2019\u00a0\u202f ]", "", piece)
    forms = {digits.replace(",", "").replace(".", "")}  # all separators group thousands
    for mark in ".,":
        head, dot, tail = digits.rpartition(mark)
        if dot and mark not in head.replace(mark, "", 0):
            forms.add(re.sub(r"[.,]", "", head) + "." + tail)
    found = set()
    for form in forms:
        try:
            found.add(Decimal(form))
        except InvalidOperation:
            continue
    return found


def _says_date(words: str, value: date) -> bool:
    """Day and year stand there as numbers; the month as a number or as a word."""
    runs = [int(run) for run in re.findall(r"\d{1,4}", words)]
    years = {value.year, value.year % 100, value.year - ERA}
    month = value.month in runs or bool(re.search(r"[^\W\d_]{3,}", words))
    return bool(years & set(runs)) and month and value.day in runs


def _says_currency(words: str, code: str) -> bool:
    plain = words.casefold()
    signs = (sign for sign, codes in CURRENCY_SIGNS.items() if code.upper() in codes)
    return code.casefold() in plain or any(sign in plain for sign in signs)
