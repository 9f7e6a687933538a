"""Reads the rows of a list without heads: words, and the number at the end of the line.

How many and the price of one are read from `2 x 1.50` or `3 h @ 40`, on the line or on the next
one; `40 x 60` that does not multiply to the amount is a measure. Left out: rows in sentences, and
lists without a number in every row.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from shared.offline.skills import currencies, dates, reading, values
from shared.offline.skills.dates import Habits
from shared.offline.skills.fields import Field
from shared.offline.skills.folding import mended
from shared.offline.skills.lines import Line
from shared.offline.words import name_terms

_SIGN = r"(?:[$\u20ac\u00a3\u00a5\u20b9\uffe5]|[A-Z]{3}|Rs\.?|kr\.?)?\s?"
_NUMBER = r"-?\d[\d.,'\u2019]*"
_EACH = re.compile(
    rf"(?P<many>{_NUMBER})\s?(?P<unit>[^\W\d_]{{1,7}}\.?)?\s*"
    rf"(?:@|[x\u00d7*]|\bat\b|\b[\u00e0a]\b|\bje\b)\s*"
    rf"{_SIGN}(?P<each>{_NUMBER})(?:\s?/\s?[^\W\d_]+|\s?[^\W\d_]{{1,3}}\b)?",
    re.I,
)  # fmt: skip
_AT = re.compile(rf"(?:^|\s)@\s?{_SIGN}(?P<each>{_NUMBER})")
_LEADING = re.compile(r"^\s*(?P<many>\d{1,3})\s*(?:[x\u00d7]\s*)?(?=[^\W\d_]{2})")
_POSITION = re.compile(r"^\s*(?:\d{1,2}[.)]|[-*\u2022])\s+")
_TAIL = re.compile(r"\s+[A-Z*#]{1,2}\s*$")
_ENDING = re.compile(
    r"[\s\u203b*.=_\u00a5$\u20ac\u00a3\u20b9-]+$|(?:\s(?:EUR|USD|GBP|CHF|kr\.?|Rs\.?))+\s*$"
)
_CENT = 0.01
_MANY = frozenset(("quantity", "count", "unit", "hour", "piec", "numb"))
_ONE = frozenset(("unit", "pric", "rat", "each"))


def read(
    page: Sequence[Line], columns: Sequence[Field], how: Habits, ends: set[int]
) -> list[tuple[dict[str, Any], Line]]:
    numeric = [c for c in columns if c.kind in ("number", "integer")]
    texts = [c for c in columns if c.kind == "text"]
    if not numeric or not texts:
        return []
    money = any(reading.is_money(column) for column in numeric)
    best: list[tuple[dict[str, Any], Line]] = []
    run: list[tuple[dict[str, Any], Line]] = []
    lead: tuple[str, Line] | None = None
    for at, line in enumerate(page):
        if at in ends or (run and line.number > page[at - 1].number + 2):
            best, run, lead = max(best, run, key=len), [], None
            if at in ends:
                continue
        row = _row(line, numeric, texts[0], how, money, lead)
        if row:
            run.append((row, lead[1] if lead and row[texts[0].name] == lead[0] else line))
            lead = None
        else:
            words = _POSITION.sub("", line.text).strip()
            lead = (words, line) if _leads(line, how) else None
    return max(best, run, key=len)


def _leads(line: Line, how: Habits) -> bool:
    """Words whose numbers may stand on the next line."""
    plain = len(line.parts) == 1 and not re.search(r"[:;]", line.text)
    return plain and not dates.dates(line.text, how)


def _row(
    line: Line, numeric: Sequence[Field], words: Field, how: Habits, money: bool,
    lead: tuple[str, Line] | None,
) -> dict[str, Any] | None:  # fmt: skip
    text = mended(_TAIL.sub("", line.text))
    if dates.dates(text, how) or dates.times(text) or re.match(r"^[^\d:]{1,40}:\s", text):
        return None
    found = values.numbers(text, how)
    if not found or (money and not _is_money(text, found[-1].start, found[-1].end)):
        return None
    if money and re.search(r"[^\W\d_]{2}|%", _without_currency(text[found[-1].end :])):
        return None
    each = _each(text, found[-1], how)
    many, price = _many(numeric), _price(numeric)
    amount = numeric[-1] if numeric[-1] not in (many, price) else None
    row: dict[str, Any] = {}
    end = found[-1].start
    if amount or len(numeric) == 1:
        _put(row, numeric[-1], float(found[-1].value))
    if each:
        end = min(end, each.start())
        for column, part in ((many, "many"), (price, "each")):
            read = values.numbers(each[part].rstrip(".,"), how)
            if column and read:
                _put(row, column, float(read[0].value))
    elif at := _AT.search(text):
        end = min(end, at.start())
        read = values.numbers(at["each"], how)
        if price and read:
            _put(row, price, float(read[0].value))
    told = line.text[:end]
    leading = _LEADING.match(told) if many else None
    if leading and many and many.name not in row:
        _put(row, many, float(leading["many"]))
        told = told[leading.end() :]
    told = _clean(told)
    if not re.search(r"[^\W\d_]{2}", told):
        if lead is None or not each:
            return None
        told = lead[0]
    return {words.name: told, **row} if row else None


def _each(text: str, last: dates.Found, how: Habits) -> re.Match[str] | None:
    """How many at which price: what multiplies to the amount, else what looks like a price."""
    found = list(_EACH.finditer(text))
    for match in found:
        factors = [values.numbers(match[part].rstrip(".,"), how) for part in ("many", "each")]
        if all(factors):
            many, each = (float(factor[0].value) for factor in factors)
            if abs(many * each - float(last.value)) < _CENT / 2:
                return match
    return next((match for match in found if match.end() >= last.end or _priced(match)), None)


def _priced(match: re.Match[str]) -> bool:
    """Not `40 x 60`: a fraction, a currency, or a word for "each" between the two numbers."""
    between = match.string[match.end("many") : match.start("each")]
    fraction = re.search(r"[.,]\d\d\W*$", match["each"])
    return bool(fraction) or bool(re.search(r"[^\sx\u00d7*]", between, re.I))


def _without_currency(text: str) -> str:
    named = next(currencies.currencies(text), None)
    return text[: named.start] + text[named.end :] if named else text


def _clean(text: str) -> str:
    bare = _ENDING.sub("", text)
    return re.sub(r"\s+", " ", _POSITION.sub("", bare)).strip(" |\t-,;")


def _is_money(text: str, start: int, end: int) -> bool:
    near = text[max(0, start - 4) : start] + " " + text[end : end + 4]
    fraction = re.search(r"[.,]\d\d\W*$", text[start:end])
    return bool(fraction) or bool(list(currencies.currencies(near)))


def _put(row: dict[str, Any], column: Field, value: float) -> None:
    if value == int(value):
        row[column.name] = int(value)
    elif column.kind == "number":
        row[column.name] = value


def _many(numeric: Sequence[Field]) -> Field | None:
    terms = [(c, set(name_terms(c.name))) for c in numeric]
    return next((c for c, t in terms if t & _MANY and not t & (_ONE - {"unit"})), None)


def _price(numeric: Sequence[Field]) -> Field | None:
    several = numeric[:-1] if len(numeric) > 1 else []
    return next((c for c in several if set(name_terms(c.name)) & (_ONE - {"unit"})), None)
