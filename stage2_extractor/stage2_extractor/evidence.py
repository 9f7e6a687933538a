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
NUMBER = re.compile(r"\d[\d.,'\u2019\u00a0\u202f ]*")


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
        if not _row_stands(line.description, line.amount, text, source):
            found[f"lines.{place}"] = line.model_dump()
    return found


def says(words: str, name: str, value: Any) -> bool:
    """Whether `words` state `value`."""
    match value:
        case Decimal():
            return abs(value) in {abs(number) for number in numbers(words)}
        case date():
            return _says_date(words, value)
        case str() if name == "currency":
            return _says_currency(words, value)
        case _:
            return _squeezed(str(value)) in _squeezed(words)


def numbers(words: str) -> set[Decimal]:
    """Every number that the digits in `words` can mean: `1.234` is 1234 and also 1.234."""
    found: set[Decimal] = set()
    for match in NUMBER.finditer(words):
        run = match[0].rstrip(".,'\u2019 \u00a0\u202f")
        for piece in {run, *run.split(" ")}:
            found |= _readings(piece)
    return found


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
        return normal(value) in source
    return any(says(line, name, value) for line in text.splitlines())


def _row_stands(description: str, amount: Decimal | None, text: str, source: str) -> bool:
    words = [word for word in normal(description).split() if len(word) > 2]
    told = not words or sum(word in source for word in words) * 2 > len(words)
    return told and (amount is None or any(says(t, "", amount) for t in text.splitlines()))


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
    runs = [int(run) for run in re.findall(r"\d+", words)]
    year = value.year in runs or value.year % 100 in runs or value.year % 1000 in runs
    month = value.month in runs or bool(re.search(r"[^\W\d_]{3,}", words))
    return year and month and value.day in runs


def _says_currency(words: str, code: str) -> bool:
    plain = words.casefold()
    signs = (sign for sign, codes in CURRENCY_SIGNS.items() if code.upper() in codes)
    return code.casefold() in plain or any(sign in plain for sign in signs)


def _squeezed(text: str) -> str:
    return re.sub(r"[\W_]+", "", normal(text))
