"""Reads numbers, dates, times, currencies and yes or no from text, with the place of each.

Left out: numbers in words, units, relative dates ("next Friday"), and a date or number whose
writing is ambiguous beyond what the rest of the text shows.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass

Scalar = str | int | float | bool

_NUMBER = re.compile(
    r"(?:(?<![\w.,/:-])(?P<minus>[-\u2212]\s?|\()(?:[$\u20ac\u00a3\u00a5]\s?)?"
    r"|(?<=[$\u20ac\u00a3\u00a5])|(?<![\w.,/:-]))"
    r"(?P<digits>\d{1,3}(?:[.,'\u2019\u00a0\u202f]\d{3})+(?:[.,]\d+)?(?!\d)"
    r"|\d{1,3}(?: \d{3})+,\d{1,2}(?!\d)|\d+(?:[.,]\d+)?)"
    r"(?![\d:/]|[.,-]\d|[A-Za-z]*\d|-[A-Za-z])(?P<after>\)|-(?=\s|$))?"
)
_MONTHS = (
    "jan|ene", "feb|fev|f\u00e9v", "mar|m\u00e4r|mrz|maa", "apr|avr|abr", "may|mai|mei|mag",
    "jun|juin|giu", "jul|juil|lug", "aug|ago|ao\u00fb", "sep|set", "oct|okt|ott|out", "nov",
    "dec|dez|d\u00e9c|dic",
)  # fmt: skip
_MONTH = "(?P<month>(?:" + "|".join(_MONTHS) + r")[^\W\d_]*)\.?"
_DATES = (
    re.compile(r"(?<!\d)(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?!\d)"),
    re.compile(
        r"(?<![\d.])(?P<a>\d{1,2})(?P<sep>[/.-])(?P<b>\d{1,2})(?P=sep)(?P<y>\d{4}|\d{2})"
        r"(?!\d|\.\d)"
    ),
    re.compile(
        rf"(?<!\w)(?P<d>\d{{1,2}})(?:st|nd|rd|th|\.)?[\s-]+(?:of |de )?{_MONTH}"
        r"[\s,-]+(?:de )?(?P<y>\d{4})",
        re.I,
    ),
    re.compile(rf"(?<!\w){_MONTH}\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y>\d{{4}})", re.I),
)
_MONTH_FIRST = re.compile(r"month[- ]first|mm/dd|m/d/y", re.I)
_TIME = re.compile(
    r"(?<![\d:])(?P<h>[01]?\d|2[0-3]):(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d))?"
    r"(?:\s?(?P<half>[ap])\.?m\b)?",
    re.I,
)
_SYMBOLS = {
    "US$": "USD", "CA$": "CAD", "C$": "CAD", "AU$": "AUD", "A$": "AUD", "NZ$": "NZD", "HK$": "HKD",
    "R$": "BRL", "\u20ac": "EUR", "$": "USD", "\u00a3": "GBP", "\u00a5": "JPY", "\u20b9": "INR",
    "\u20a9": "KRW", "z\u0142": "PLN", "\u20ba": "TRY", "\u20aa": "ILS", "Fr.": "CHF",
    "K\u010d": "CZK",
}  # fmt: skip
_CODES = (
    "USD EUR GBP JPY CHF CAD AUD NZD CNY HKD SGD INR KRW BRL MXN ZAR SEK NOK DKK PLN CZK HUF RON "
    "BGN TRY ILS AED SAR THB IDR MYR PHP TWD ARS CLP COP UAH"
)
_CURRENCY_WORDS = {
    "euro": "EUR", "us dollar": "USD", "dollar": "USD", "pound": "GBP", "sterling": "GBP",
    "yen": "JPY", "swiss franc": "CHF", "rupee": "INR", "yuan": "CNY",
}  # fmt: skip
_CURRENCY = re.compile(
    rf"(?P<code>(?<![A-Za-z])(?:{'|'.join(_CODES.split())})(?![A-Za-z]))"
    rf"|(?P<symbol>{'|'.join(re.escape(s) for s in _SYMBOLS)})"
    rf"|(?P<word>(?i:\b(?:{'|'.join(_CURRENCY_WORDS)})s?\b))"
)
EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
URL = re.compile(r"\bhttps?://[^\s<>\"')\]]+|\bwww\.[^\s<>\"')\]]+")
CODE = re.compile(r"(?<![\w@.-])#?(?=[A-Za-z/_-]*\d)[A-Za-z0-9]+(?:[-_/][A-Za-z0-9]+)*(?![\w@])")
_LONGEST_NUMBER = 30
_YES = re.compile(
    r"^\W*(?:yes|true|y|on|enabled|checked|x|ja|oui|si|1)\b|\[x\]|\u2611|\u2713", re.I
)
_NO = re.compile(r"^\W*(?:no|false|n|off|disabled|none|nein|non|0|not)\b|\[ \]|\u2610|\u2717", re.I)


@dataclass(frozen=True, slots=True)
class Found:
    """A value and where it stands in the text it was read from."""

    value: Scalar
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Habits:
    """How a text writes: decimal comma or point, day or month first."""

    comma: bool = False
    day_first: bool = True


def habits(text: str, rules: str = "") -> Habits:
    """Read from the text; the rules of the prompt decide where the text leaves it open."""
    commas = len(re.findall(r"\d,\d{1,2}(?!\d)", text))
    points = len(re.findall(r"\d\.\d{1,2}(?![\d.])", text))
    pairs = [(int(m["a"]), int(m["b"])) for m in _DATES[1].finditer(text) if m["sep"] != "."]
    if any(first > 12 for first, _ in pairs):
        day_first = True
    elif any(second > 12 for _, second in pairs) or re.search(
        r"month[- ]first|mm/dd|m/d/y", rules, re.I
    ):
        day_first = False
    elif re.search(r"day[- ]first|dd/mm|d/m/y", rules, re.I):
        day_first = True
    else:
        day_first = not re.search(r"(?<![A-Z])\$|\bUSD\b", text)
    return Habits(commas > points, day_first)


def numbers(text: str, how: Habits = Habits()) -> list[Found]:
    """Numbers that stand alone: parts of dates, times and codes are none."""
    taken = {at for f in (*dates(text, how), *times(text)) for at in range(f.start, f.end)}
    found: list[Found] = []
    for match in _NUMBER.finditer(text):
        start, end = match.span("digits")
        if start in taken or end - start > _LONGEST_NUMBER:
            continue
        value = _number(match["digits"], how)
        paren = match["minus"] == "(" and match["after"] == ")"
        if paren or (match["minus"] or "(")[0] in "-\u2212" or match["after"] == "-":
            value = -value
        found.append(Found(value, match.start(), match.end()))
    return found


def _number(digits: str, how: Habits) -> int | float:
    marks = re.findall(r"[.,]", digits)
    plain = re.sub(r"[ '\u2019\u00a0\u202f]", "", digits)
    if not marks:
        return int(plain)
    last = marks[-1]
    tail = len(plain) - plain.rindex(last) - 1
    several = len(marks) > 1 and len(set(marks)) == 1
    decimal = "," if how.comma else "."
    if several or (tail == 3 and len(set(marks)) == 1 and last != decimal):
        return int(re.sub(r"[.,]", "", plain))
    head, fraction = plain.rsplit(last, 1)
    return float(re.sub(r"[.,]", "", head) + "." + fraction)


def dates(text: str, how: Habits = Habits()) -> list[Found]:
    """Dates as ISO strings, in the order of the text."""
    found: dict[int, Found] = {}
    if sum(map(str.isdigit, text[:40])) < 4 and len(text) <= 40:
        return []  # most lines: no date has fewer digits, and four patterns are slow
    for way in _DATES:
        for match in way.finditer(text):
            iso = _iso(match.groupdict(), how)
            if iso:
                found.setdefault(match.start(), Found(iso, match.start(), match.end()))
    return [found[at] for at in sorted(found)]


def _iso(parts: dict[str, str | None], how: Habits) -> str:
    year = int(parts["y"] or 0)
    year += 2000 if year < 70 else 1900 if year < 100 else 0
    if parts.get("a"):
        first, second = int(parts["a"] or 0), int(parts["b"] or 0)
        day, month = (first, second) if how.day_first or parts["sep"] == "." else (second, first)
        if month > 12:
            day, month = month, day
    else:
        day, month = int(parts["d"] or 0), int(parts.get("m") or 0)
        month = month or _month(parts.get("month") or "")
    try:
        return datetime.date(year, month, day).isoformat()
    except ValueError:
        return ""


def months(text: str) -> list[Found]:
    """Months as `2026-03`, written so or as `March 2026`."""
    found = [Found(m[0], m.start(), m.end()) for m in re.finditer(r"\b\d{4}-\d{2}\b", text)]
    for m in re.finditer(rf"(?<!\w){_MONTH}\s+(?P<y>\d{{4}})", text, re.I):
        found.append(Found(f"{m['y']}-{_month(m['month']):02}", m.start(), m.end()))
    return found


def _month(name: str) -> int:
    matches = (at for at, way in enumerate(_MONTHS, 1) if re.match(way, name, re.I))
    return next(matches, 0)


def times(text: str) -> list[Found]:
    found = _TIME.finditer(text) if ":" in text else ()
    return [Found(_clock(m), m.start(), m.end()) for m in found]


def _clock(match: re.Match[str]) -> str:
    hour = int(match["h"])
    if match["half"]:
        hour = hour % 12 + (12 if match["half"].lower() == "p" else 0)
    return f"{hour:02}:{match['m']}:{match['s'] or '00'}"


def currencies(text: str) -> Iterator[Found]:
    """ISO 4217 codes for the codes, symbols and words of common currencies."""
    for match in _CURRENCY.finditer(text):
        word = (match["word"] or "").lower().removesuffix("s")
        code = match["code"] or _SYMBOLS.get(match["symbol"] or "") or _CURRENCY_WORDS.get(word, "")
        if code:
            yield Found(code, match.start(), match.end())


def boolean(text: str) -> bool | None:
    return True if _YES.search(text) else False if _NO.search(text) else None
