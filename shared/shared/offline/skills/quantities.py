"""Numbers of a claim against those of a passage: there, missing, or there for something else.

A sum, a difference, a product or a share of two numbers of one line counts as stated there. A
number that the passage has in another place than the words around it say is a swap. Left out:
arithmetic of more than one step.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, permutations

from shared.offline.skills import dates
from shared.offline.skills.amounts import PARTS, Quantity, quantities
from shared.offline.skills.passages import Line

_ROUNDED, _OPERANDS = 0.06, 8
_MARGIN, _MARGIN_PROSE, _RIVAL, _FEW = 0.15, 0.5, 0.6, 4


@dataclass(frozen=True, slots=True)
class Numbers:
    """How the numbers of a claim fare: not there at all, or there for something else."""

    missing: int
    swapped: int
    derived: int


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
    """From two numbers of one line: a sum, a difference, a share, a rate times a count."""
    target = one.value * 100 if one.unit == "part" else one.value
    for line in near:
        found = [q for q in quantities(line.text) if q.unit != "date"][:_OPERANDS]
        parts = {PARTS[w] for w in re.findall(r"\b(half|third|quarter)\b", line.text.lower())}
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
        for low, high in pairwise(known):
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
    """A table's head says what one cell is; the words of a sentence are for all of it."""
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
