"""Whether a value stands in the source, and which words of the source prove it.

A claim without a span in the text is a hallucination, however plausible. A quote is believed when
it stands in the text and says the value; else the text itself is searched. Letters are compared
without case, accents and spacing, numbers and dates in any notation (`printed`). Left out: whether
the words mean this field; an order date is proof for an invoice date.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from stage2_extractor.printed import (
    LOOKALIKES,
    PLAIN,
    mended,
    numbers,
    says_currency,
    says_date,
)
from stage2_extractor.records import Invoice, LineItem

# Fields whose value is a judgement about the document and not a copy from it.
JUDGED = ("document_type",)
SMALL_COUNT = 12  # up to here a quantity may be a word, or the one thing that is described
SHORT = 4  # letters; what is shorter stands in nearly every text, spaces left out
FOLDS = {ord(chr(sign).casefold()): digit for sign, digit in LOOKALIKES.items()}


class Source:
    """A text, read once for all the claims that are made about it."""

    def __init__(self, text: str) -> None:
        self.lines = [line.strip() for line in text.splitlines()]
        self.normal = normal(text)
        self.folded = folded(text)

    @cached_property
    def numbers(self) -> list[set[Decimal]]:
        """What each line states, scanned digits included."""
        return [numbers(line) | numbers(mended(line)) for line in self.lines]

    @cached_property
    def every_number(self) -> set[Decimal]:
        return set().union(*self.numbers)

    def proof(self, name: str, value: Any, quote: str | None) -> str | None:
        """The words that state `value`: the quote if it is true, else a line, else None."""
        if quote and _stands(normal(quote), self.normal) and says(quote, name, value):
            return quote
        if isinstance(value, Decimal):
            stated = (abs(value) in found for found in self.numbers)
            return next((line for line, yes in zip(self.lines, stated, strict=True) if yes), None)
        copied = isinstance(value, str) and name != "currency"
        if copied and not self._spans(value):
            return None
        line = next((line for line in self.lines if says(line, name, value)), None)
        return value if copied and line is None else line

    def proof_of_row(self, row: LineItem, quote: str | None) -> str | None:
        """The quote if it is of the text; else the row's own words, if most of them stand there."""
        words = [folded(word) for word in row.description.split() if len(word) > 2]
        told = not words or sum(word in self.folded for word in words) * 2 > len(words)
        if not told or (row.amount is not None and abs(row.amount) not in self.every_number):
            return None
        return quote if quote and _stands(normal(quote), self.normal) else row.description

    def has_cell(self, name: str, value: Decimal | None) -> bool:
        """Whether a quantity or a unit price stands there; a small count may be words."""
        if value is None or abs(value) in self.every_number:
            return True
        small = value == value.to_integral_value() and 0 < value <= SMALL_COUNT
        return name == "quantity" and small

    def _spans(self, value: str) -> bool:
        """Letters that go over the end of a line, or are spaced in another way."""
        return _stands(normal(value), self.normal) or _holds(value, self.folded)


def unsupported(invoice: Invoice, quotes: Mapping[str, str | None], text: str) -> dict[str, Any]:
    """Claims that have no span in `text`, with what was claimed.

    Named are fields, rows (`lines.0`), and single values of a row (`lines.0.unit_price`).
    """
    return weigh(invoice, quotes, text)[1]


def weigh(
    invoice: Invoice, quotes: Mapping[str, str | None], text: str
) -> tuple[dict[str, str | None], dict[str, Any]]:
    """The words that prove each claim, and the claims that nothing proves."""
    source = Source(text)
    proofs: dict[str, str | None] = {}
    invented: dict[str, Any] = {}
    for name in Invoice.model_fields:
        if name == "lines":
            continue
        value, quote = getattr(invoice, name), quotes.get(name)
        if value is None or name in JUDGED:
            true = value is not None and quote and _stands(normal(quote), source.normal)
            proofs[name] = quote if true else None
            continue
        proofs[name] = source.proof(name, value, quote)
        if proofs[name] is None:
            invented[name] = value
    for place, row in enumerate(invoice.lines):
        key = f"lines.{place}"
        proofs[key] = source.proof_of_row(row, quotes.get(key))
        if proofs[key] is None:
            invented[key] = row.model_dump()
            continue
        for cell in ("quantity", "unit_price"):
            if not source.has_cell(cell, getattr(row, cell)):
                invented[f"{key}.{cell}"] = getattr(row, cell)
    return proofs, invented


def says(words: str, name: str, value: Any) -> bool:
    """Whether `words` state `value`, scanned digits like `l2.4O` included."""
    match value:
        case Decimal():
            return abs(value) in numbers(words) or abs(value) in numbers(mended(words))
        case date():
            return says_date(words, value) or says_date(mended(words), value)
        case str() if name == "currency":
            return says_currency(words, value)
        case _:
            return _stands(normal(str(value)), normal(words)) or _holds(str(value), folded(words))


def folded(text: str) -> str:
    """Only letters and digits, without case and accents, scanned look-alikes made one."""
    return re.sub(r"[\W_]+", "", normal(text).translate(FOLDS))


def normal(text: str) -> str:
    """Text without case, accents, and with single spaces."""
    letters = unicodedata.normalize("NFKD", text.translate(PLAIN))
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(plain.casefold().split())


def _stands(words: str, source: str) -> bool:
    """`words` in `source`, not as a part of a longer word or number."""
    before = r"(?<!\w)" if re.match(r"\w", words) else ""
    after = r"(?!\w)" if re.search(r"\w$", words) else ""
    return bool(words) and re.search(before + re.escape(words) + after, source) is not None


def _holds(value: str, source: str) -> bool:
    """The letters of `value` in `source`, which is folded; too few ASCII ones prove nothing."""
    letters = folded(value)
    return letters in source and (len(letters) >= SHORT or not letters.isascii())
