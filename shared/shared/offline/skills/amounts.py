"""Reads the quantities of a text: value, unit, what they are for, and what stands around them.

"Five", "half an hour", "three quarters" and "14 %" are read, and "up to", "about" in front of them.
Left out: ordinals, and units that a text makes up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from shared.offline.skills import dates, values
from shared.offline.skills.word_lists import SMALL_NUMBERS, TENS
from shared.offline.words import STOP, stem

_WORDS = {word: float(at) for at, word in enumerate(SMALL_NUMBERS)} | {
    word: 10.0 * at for at, word in enumerate(TENS, 2)
}
_WORDS |= {"dozen": 12.0, "hundred": 100.0, "thousand": 1e3, "million": 1e6, "billion": 1e9}
_WORDS |= {"once": 1.0, "twice": 2.0, "thrice": 3.0, "both": 2.0}
_SCALES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
PARTS = {"half": 0.5, "third": 1 / 3, "quarter": 0.25, "fifth": 0.2, "tenth": 0.1, "eighth": 0.125}
_SECONDS = {
    "millisecond": 0.001, "ms": 0.001, "second": 1.0, "sec": 1.0, "s": 1.0, "minute": 60.0,
    "min": 60.0, "hour": 3600.0, "h": 3600.0, "day": 86400.0, "week": 604800.0,
    "fortnight": 1209600.0, "month": 2592000.0, "year": 31536000.0, "decade": 315360000.0,
    "century": 3153600000.0,
}  # fmt: skip
_UNITS = {
    "metre": "m", "meter": "m", "m": "m", "km": "km", "kilometre": "km", "kilometer": "km",
    "mile": "mile", "foot": "foot", "feet": "foot", "ft": "foot", "inch": "inch", "cm": "cm",
    "mm": "mm", "kg": "kg", "kilogram": "kg", "gram": "g", "g": "g", "mg": "mg", "tonne": "t",
    "ton": "t", "pound": "pound", "litre": "l", "liter": "l", "gallon": "gallon", "kb": "kb",
    "mb": "mb", "gb": "gb", "tb": "tb", "byte": "byte", "bit": "bit", "dollar": "usd", "usd": "usd",
    "euro": "eur", "eur": "eur", "gbp": "gbp", "yen": "yen", "cent": "cent", "percent": "%",
    "character": "character", "word": "word", "token": "token", "°c": "c", "celsius": "c",
    "fahrenheit": "f", "degree": "degree", "watt": "w", "kw": "kw", "volt": "v",
}  # fmt: skip
_SIGNS = {"$": "usd", "\u20ac": "eur", "\u00a3": "gbp", "\u00a5": "yen"}
_HEDGE = re.compile(
    r"\b(?:about|around|roughly|nearly|almost|approximately|some|over|more than|less than|under|"
    r"just|up to|at least|close to|little)\b",
    re.I,
)
_BOUNDS = tuple(
    (name, re.compile(rf"\b(?:{words})\s+\S?$", re.I))
    for name, words in (
        ("between", "between|from"),
        ("most", "up to|at most|no more than|under|below|less than|fewer than|until|within|by"),
        ("least", "more than|over|above|at least|no less than|exceeding|beyond|from"),
    )
)
_NAMED = re.compile(
    r"\b(?:version|section|article|chapter|step|room|table|figure|page|line|level|number|rule|part|item)\s+$",
    re.I,
)
_PER = re.compile(r"\s*(?:[\w$\u20ac]+\s+){0,2}?(?:a|an|per|each|every)\s+(\w+)", re.I)
_REACH = 6  # words to each side that say what a number is about


@dataclass(frozen=True, slots=True)
class Quantity:
    """`unit` is a canonical unit or empty, `per` the time that a rate is for. `about`: stems near

    it with their distance. `hedged`: "about", "nearly". `bound`: "most", "least" or
    "between" before it. `named`: it is the name of something, as in "version 4".
    """

    value: float
    unit: str
    per: str
    about: tuple[tuple[str, int], ...]
    hedged: bool
    lettered: bool = False
    row: bool = False
    bound: str = ""
    named: bool = False

    @property
    def seconds(self) -> float | None:
        return self.value * _SECONDS[self.unit] if self.unit in _SECONDS else None


@lru_cache(maxsize=4096)
def quantities(text: str) -> tuple[Quantity, ...]:
    return tuple(_found(text))


def _found(text: str) -> Iterator[Quantity]:
    lowered = text.replace("\u202f", " ").replace("\u00a0", " ")
    spots = [(f.start, f.end, float(f.value)) for f in values.numbers(lowered)]
    spots += [(f.start, f.end, _clock(str(f.value))) for f in dates.times(lowered)]
    spots += [  # a claim may name the year or the day alone
        (f.start, f.end, float(part))
        for f in dates.dates(lowered)
        for part in (str(f.value)[:4], str(f.value)[8:])
    ]
    taken = {at for start, end, _ in spots for at in range(start, end)}
    for match in re.finditer(r"[A-Za-z]+(?:-[a-z]+)?", lowered):
        value = _word(match[0].lower(), lowered[match.end() :])
        if value is not None and match.start() not in taken:
            spots.append((match.start(), match.end(), value))
    words = [(m.start(), m.group()) for m in re.finditer(r"[^\W_]+(?:[.,]\d+)*", lowered)]
    ends = [
        -1,
        *(m.start() for m in re.finditer(r"[;!?](?=\s|$)|\.(?=\s|$)", lowered)),
        len(lowered),
    ]
    for start, end, value in sorted(spots):
        left = max(at for at in ends if at < start or at == -1)
        right = min(at for at in ends if at >= end or at == len(lowered))
        inside = [(at, word) for at, word in words if left < at < right]
        yield _quantity(lowered, inside, start, end, value)


def _word(word: str, after: str) -> float | None:
    """A number in letters; "one" only where something countable in time or a scale follows."""
    if word == "one":
        following = re.match(r"\s+(\w+)", after)
        return 1.0 if following and _unit_of(following[1]) else None
    if word in _WORDS and word not in _SCALES:
        return _WORDS[word]
    head, _, tail = word.partition("-")
    if head in TENS and tail in SMALL_NUMBERS:
        return _WORDS[head] + _WORDS[tail]
    return None


def _quantity(
    text: str, words: Sequence[tuple[int, str]], start: int, end: int, value: float
) -> Quantity:
    after = text[end : end + 60]
    scale = re.match(r"\s+(hundred|thousand|million|billion|trillion)\b", after, re.I)
    if scale:
        value *= _SCALES[scale[1].lower()]
        after = after[scale.end() :]
    part = re.match(r"[\s-]+(third|quarter|fifth|tenth|eighth)s?\b", after, re.I)
    unit = _SIGNS.get(text[max(0, start - 1) : start].strip(), "")
    if text[start:end].lower() in ("once", "twice", "thrice"):
        unit = "times"
    elif (
        end - start > 6
        and re.search(r"\d{4}", text[start:end])
        and not text[start:end].replace(",", "").replace(".", "").isdigit()
    ):
        unit = "date"
    if part:
        value, unit = value * PARTS[part[1].lower()], "part"
    elif re.match(r"\s?%|\s+per ?cent\b", after):
        unit = "%"
    elif re.match(r"\s+times\b", after):
        unit = "times"
    elif not unit and (follows := re.match(r"[\s-]*([\u00b0A-Za-z]+)", after)):
        unit = _unit_of(follows[1])
    per = _PER.match(after)
    rate = stem(per[1]) if per and stem(per[1]) in map(stem, _SECONDS) else ""
    about = tuple(_around(words, start, end))
    hedged = bool(_HEDGE.search(text[max(0, start - 24) : start]))
    ahead = text[max(0, start - 24) : start]
    bound = next((name for name, way in _BOUNDS if way.search(ahead)), "")
    named = bool(_NAMED.search(ahead))
    return Quantity(value, unit, rate, about, hedged, text[start].isalpha(), False, bound, named)


def _unit_of(word: str) -> str:
    low = word.lower()
    single = low.removesuffix("s") if len(low) > 2 else low
    if single in _SECONDS or low in _SECONDS:
        return single if single in _SECONDS else low
    return _UNITS.get(low) or _UNITS.get(single, "")


def _around(words: Sequence[tuple[int, str]], start: int, end: int) -> Iterator[tuple[str, int]]:
    before = [w for at, w in words if at < start]
    behind = [w for at, w in words if at >= end]
    seen: set[str] = set()
    for place in range(_REACH):
        for side in (
            behind[place : place + 1],
            before[len(before) - 1 - place : len(before) - place],
        ):
            for word in side:
                term = stem(word) if word.isalpha() else word.replace(",", "")
                if word.lower() not in STOP and term not in seen:
                    seen.add(term)
                    yield term, place


def _clock(value: str) -> float:
    hour, minute, *_ = value.split(":")
    return int(hour) + int(minute) / 60


NUMBER_STEMS = frozenset(
    map(stem, (*_WORDS, *_SCALES, *_UNITS, "percent", "per", "half", "quarter", "fifth"))
)
