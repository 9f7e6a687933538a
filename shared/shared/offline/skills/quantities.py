"""Numbers of a claim against those of a passage: value, unit, and what stands around them.

"Five", "half an hour", "14 %" and "0.14" are read; a sum, a difference, a product or a share of two
numbers of one line counts as stated there. A number that the passage has in another place than the
words around it say is a swap. Left out: arithmetic of more than one step, ordinals, ranges.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import permutations

from shared.offline.skills import dates, values
from shared.offline.skills.passages import Line
from shared.offline.words import STOP, stem

_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_WORDS = {word: float(at) for at, word in enumerate(_SMALL)} | {
    word: 10.0 * at for at, word in enumerate(_TENS, 2)
}
_WORDS |= {"dozen": 12.0, "hundred": 100.0, "thousand": 1e3, "million": 1e6, "billion": 1e9}
_WORDS |= {"once": 1.0, "twice": 2.0, "thrice": 3.0, "both": 2.0}
_SCALES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_PARTS = {"half": 0.5, "third": 1 / 3, "quarter": 0.25, "fifth": 0.2, "tenth": 0.1, "eighth": 0.125}
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
_ROUNDED, _OPERANDS = 0.06, 8
_MARGIN, _MARGIN_PROSE, _RIVAL, _FEW = 0.15, 0.5, 0.6, 4


@dataclass(frozen=True, slots=True)
class Quantity:
    """`unit` is a canonical unit or empty, `per` the time that a rate is for. `about`: stems near

    it with their distance. `hedged`: "about", "nearly". `bound`: "most", "least" or "between" before it.
    `named`: it is the name of something, as in "version 4".
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


@dataclass(frozen=True, slots=True)
class Numbers:
    """How the numbers of a claim fare: not there at all, or there for something else."""

    missing: int
    swapped: int
    derived: int


@lru_cache(maxsize=4096)
def quantities(text: str) -> tuple[Quantity, ...]:
    return tuple(_found(text))


def compare(claim: str, near: Sequence[Line], every: Sequence[Line]) -> Numbers:
    """`near` are the lines that the claim speaks of, `every` all there are."""
    wanted = quantities(claim)
    local = [replace(q, row=line.row) for line in near for q in quantities(line.text)]
    known = [q for line in every for q in quantities(line.text)]
    missing = swapped = derived = 0
    for one in wanted:
        same = [q for q in known if _equal(one, q)]
        if one.named and same:
            continue
        if not same:
            reckoned = (
                _derived(one, near)
                or _within(one, near)
                or (one.lettered and one.value <= _FEW and not _rival(one, local))
            )
            missing, derived = missing + (not reckoned), derived + reckoned
        elif _other_unit(one, same) or _swapped(one, same, local, wanted):
            swapped += 1
    when = {str(found.value) for found in dates.dates(claim)}
    said = {str(found.value) for line in every for found in dates.dates(line.text)}
    return Numbers(missing + len(when - said), swapped, derived)


def present(wanted: Sequence[Quantity], *given: Line) -> int:
    """How many of the numbers the lines have, whatever for."""
    known = [q for line in given for q in quantities(line.text)]
    return sum(any(_equal(one, q) for q in known) for one in wanted)


def _equal(one: Quantity, other: Quantity) -> bool:
    if _close(one.value, other.value, one.hedged):
        return True
    if one.seconds is not None and other.seconds is not None:
        return _close(one.seconds, other.seconds, one.hedged)
    shares = {one.unit, other.unit} & {"%", "part"}
    return bool(shares) and (
        _close(one.value, other.value * 100, one.hedged)
        or _close(one.value * 100, other.value, one.hedged)
    )


def _close(one: float, other: float, hedged: bool) -> bool:
    return abs(one - other) <= (_ROUNDED if hedged else 1e-6) * max(abs(one), abs(other))


def _derived(one: Quantity, near: Sequence[Line]) -> bool:
    """From two numbers of one line: a sum or a difference in one unit, a share, a rate times a count."""
    target = one.value * 100 if one.unit == "part" else one.value
    for line in near:
        found = [q for q in quantities(line.text) if q.unit != "date"][:_OPERANDS]
        parts = {_PARTS[w] for w in re.findall(r"\b(half|third|quarter)\b", line.text.lower())}
        parts |= {2.0} if re.search(r"\b(?:double|twice)\b", line.text.lower()) else set()
        if any(_close(one.value, q.value * part, one.hedged) for q in found for part in parts):
            return True
        for a, b in permutations(found, 2):
            if any(_close(target, result, one.hedged) for result in _results(one, a, b)):
                return True
    return False


def _within(one: Quantity, near: Sequence[Line]) -> bool:
    """A value inside a range that a line gives: "between 2 and 10", "up to 2", "more than five"."""
    for line in near:
        known = [q for q in quantities(line.text) if _comparable(one, q)]
        for low, high in zip(known, known[1:], strict=False):
            if low.bound == "between" and low.value <= one.value <= high.value:
                return True
        if any(q.bound == "most" and one.value <= q.value for q in known):
            return True
        if any(q.bound == "least" and one.value >= q.value for q in known):
            return True
    return False


def _comparable(one: Quantity, other: Quantity) -> bool:
    return one.unit == other.unit or not one.unit or not other.unit


def _results(one: Quantity, a: Quantity, b: Quantity) -> Iterator[float]:
    year = 1000 < a.value < 2200 and b.unit == "year"
    if (a.unit == b.unit and one.unit in ("", a.unit)) or year:
        yield from (a.value + b.value, abs(a.value - b.value))
    if b.value and one.unit in ("%", "part") and a.unit == b.unit:
        yield 100 * a.value / b.value
    if b.unit == "%" and a.unit != "%":
        yield a.value * b.value / 100
    if b.unit == "times" or (one.hedged and not b.unit and b.value > 1):
        yield a.value * b.value
        if b.value:
            yield a.value / b.value


def _other_unit(one: Quantity, same: Iterable[Quantity]) -> bool:
    """Every place that has the value has it in another unit, or per another time."""
    if one.per and all(q.per and q.per != one.per for q in same):
        return True
    if not one.unit or one.unit == "part":
        return False
    return all(
        q.unit and q.unit != one.unit and not (one.seconds and q.seconds and _equal_time(one, q))
        for q in same
    )


def _equal_time(one: Quantity, other: Quantity) -> bool:
    return _close(one.seconds or 0.0, other.seconds or 0.0, one.hedged)


def _swapped(
    one: Quantity, same: Sequence[Quantity], local: Sequence[Quantity], wanted: Sequence[Quantity]
) -> bool:
    """Another number of these lines fits the claim's words better than the claim's own.

    Of two numbers that the claim has both, only their exchange counts.
    """
    here = [q for q in local if _equal(one, q)]
    own = max((_fit(one, q) for q in here or same), default=0.0)
    for rival in local:
        if _equal(one, rival) or not _same_kind(one, rival):
            continue
        fit = _fit(one, rival)
        used = next((w for w in wanted if w is not one and _equal(w, rival)), None)
        if used is None:
            if fit > own + (_margin(rival, bool(here))) and fit > _MARGIN:
                return True
        elif here:
            straight = own + max(_fit(used, q) for q in local if _equal(used, q))
            if fit + max(_fit(used, q) for q in here) > straight + _MARGIN:
                return True
    return False


def _margin(rival: Quantity, here: bool) -> float:
    """A head of a table says exactly what its cell is; the words of a sentence are for all of it."""
    return _MARGIN if rival.row or not here else _MARGIN_PROSE


def _rival(one: Quantity, local: Sequence[Quantity]) -> bool:
    """Another number stands where the claim's words are."""
    return any(_fit(one, q) > _RIVAL and _same_kind(one, q) for q in local)


def _same_kind(one: Quantity, other: Quantity) -> bool:
    return (
        not one.unit
        or not other.unit
        or one.unit == other.unit
        or (one.seconds is not None and other.seconds is not None)
    )


def _fit(one: Quantity, other: Quantity) -> float:
    """How much the words near both agree; near ones count more."""
    around = dict(other.about)
    return sum(
        1 / (1 + 0.5 * (distance + around[term])) for term, distance in one.about if term in around
    )


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
    if head in _TENS and tail in _SMALL:
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
        value, unit = value * _PARTS[part[1].lower()], "part"
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
