"""Reads dates, months and times from text in the European languages and Japanese.

Left out: relative dates ("next Friday"), calendars other than the Gregorian and Reiwa, and which
part of `03/04/2026` is the day where neither the text nor the rules of the prompt show it.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass

Scalar = str | int | float | bool

# Beginnings of the names of months, longest first where one begins another.
_MONTHS = (
    "jan|ene|gen|stycz|led(?:n|en)|tammi|ian|sij",
    "feb|fev|f\u00e9v|lut|\u00fanor|helmi|velj",
    "mar|m\u00e4r|mrz|maa|b\u0159ez",
    "apr|avr|abr|kwie|dub(?:n|en)|huht|trav|\u00e1pr",
    "may|mai|mei|mag|maj|maio|kv\u011bt|touko|m\u00e1j|svib",
    "jun|juin|giu|cze|\u010derven|\u010dervna|kes\u00e4|iun|j\u00fan|lip(?:nj|anj)",
    "jul|juil|lug|lip|\u010dervenec|\u010dervence|hein|iul|j\u00fal|srp(?:nj|anj)",
    "aug|ago|ao\u00fb|aou|sier|srp|elo|kolo",
    "sep|set|wrze|z\u00e1\u0159|syys|szept|ruj",
    "oct|okt|ott|out|pa\u017a|\u0159\u00edj|loka",
    "nov|lis|marras|stud",
    "dec|dez|d\u00e9c|dic|gru|pros|joulu|des",
)
_NAMED = "(?P<month>(?:" + "|".join(_MONTHS) + r")[^\W\d_]*)\.?"
_DATES = (
    re.compile(
        r"(?<!\d)(?P<y>\d{4})\s?[-/.\u5e74]\s?(?P<m>\d{1,2})\s?[-/.\u6708]\s?(?P<d>\d{1,2})(?!\d)"
    ),
    re.compile(
        r"(?:\u4ee4\u548c|\bR\.?)\s?(?P<era>\d{1,2})[\u5e74./-]\s?(?P<m>\d{1,2})"
        r"[\u6708./-]\s?(?P<d>\d{1,2})(?!\d)"
    ),
    re.compile(
        r"(?<![\d.])(?P<a>\d{1,2})(?P<sep>[/.-]) ?(?P<b>\d{1,2})(?P=sep) ?(?P<y>\d{4}|\d{2})"
        r"(?!\d|\.\d)"
    ),
    re.compile(
        rf"(?<!\w)(?P<d>\d{{1,2}})(?:st|nd|rd|th|er|\.|\u00ba|\u00aa)?[\s.-]{{1,3}}"
        rf"(?:of |de |d'|di )?{_NAMED}"
        r"[\s,.-]{1,3}(?:del? |do )?(?P<y>\d{4})",
        re.I,
    ),
    re.compile(rf"(?<!\w){_NAMED}\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y>\d{{4}})", re.I),
)  # fmt: skip
_TIME = re.compile(
    r"(?<![\d:])(?P<h>[01]?\d|2[0-3]):(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d))?"
    r"(?:\s?(?P<half>[ap])\.?m\b)?",
    re.I,
)
_REIWA = 2018  # Reiwa 1 was 2019


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


def day_first(text: str, rules: str = "") -> bool:
    """Read from the text; the rules of the prompt decide where the text leaves it open."""
    pairs = [(int(m["a"]), int(m["b"])) for m in _DATES[2].finditer(text) if m["sep"] != "."]
    if any(first > 12 for first, _ in pairs):
        return True
    if any(second > 12 for _, second in pairs) or re.search(
        r"month[- ]first|mm/dd|m/d/y", rules, re.I
    ):
        return False
    if re.search(r"day[- ]first|dd/mm|d/m/y", rules, re.I):
        return True
    return not re.search(r"(?<![A-Z])\$|\bUSD\b", text)


def dates(text: str, how: Habits = Habits()) -> list[Found]:
    """Dates as ISO strings, in the order of the text."""
    found: dict[int, Found] = {}
    if len(text) <= 400 and sum(map(str.isdigit, text)) < 3:
        return []  # most lines: no date has fewer digits, and the patterns are slow
    for way in _DATES:
        for match in way.finditer(text):
            iso = _iso(match.groupdict(), how)
            if iso and not any(
                f.start < match.end() and match.start() < f.end for f in found.values()
            ):
                found[match.start()] = Found(iso, match.start(), match.end())
    return [found[at] for at in sorted(found)]


def _iso(parts: dict[str, str | None], how: Habits) -> str:
    year = int(parts.get("y") or 0)
    year += 2000 if year < 70 else 1900 if year < 100 else 0
    if parts.get("era"):
        year = _REIWA + int(parts["era"] or 0)
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
    for m in re.finditer(rf"(?<!\w){_NAMED}\s+(?P<y>\d{{4}})", text, re.I):
        found.append(Found(f"{m['y']}-{_month(m['month']):02}", m.start(), m.end()))
    return found


def _month(name: str) -> int:
    """The month whose longest known beginning the name has: `lipca` is July, `listopada` not."""
    fits = [
        (match.end(), at)
        for at, way in enumerate(_MONTHS, 1)
        for match in [re.match(way, name, re.I)]
        if match
    ]
    return max(fits, default=(0, 0))[1]


def times(text: str) -> list[Found]:
    found = _TIME.finditer(text) if ":" in text else ()
    return [Found(_clock(m), m.start(), m.end()) for m in found]


def _clock(match: re.Match[str]) -> str:
    hour = int(match["h"])
    if match["half"]:
        hour = hour % 12 + (12 if match["half"].lower() == "p" else 0)
    return f"{hour:02}:{match['m']}:{match['s'] or '00'}"
