"""Whether production has moved away from the golden set: its questions, and the scores.

Questions: energy distance between the two sets (Szekely and Rizzo, 2013) over bags of stems, with a
permutation test. Scores: difference of the means, with a permutation test of its own; the two sets
are different questions, so nothing is paired. Left out: why it moved; the words that came and went
are shown to start with. A test on every hour of every day finds something by chance: look weekly.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from statistics import fmean
from typing import Any

from shared.offline.words import terms
from shared.resampling import SEED

DRAWS = 499
MOST = 200  # questions a side: the test compares all pairs
ALPHA = 0.01
Bag = dict[str, float]


@dataclass(frozen=True, slots=True)
class Shift:
    """`statistic` by `test`, and how often chance alone gives as much."""

    what: str
    test: str
    statistic: float
    p: float
    before: int
    now: int
    more: tuple[str, ...] = ()
    less: tuple[str, ...] = ()

    @property
    def drifted(self) -> bool:
        return self.p < ALPHA

    def to_json(self) -> dict[str, Any]:
        data = {name: getattr(self, name) for name in Shift.__slots__}
        return data | {"drifted": self.drifted, "more": list(self.more), "less": list(self.less)}


def questions(before: Sequence[str], now: Sequence[str], draws: int = DRAWS) -> Shift:
    """Both need two questions at least; of more than `MOST` a seeded sample is taken."""
    draw = Random(SEED)  # noqa: S311
    one, other = (_some(texts, draw) for texts in (before, now))
    bags = _bags([*one, *other])
    distances = [[_distance(a, b) for b in bags] for a in bags]
    places = list(range(len(bags)))
    seen = _energy(distances, places, len(one))
    as_much = 1
    for _ in range(draws):
        draw.shuffle(places)
        as_much += _energy(distances, places, len(one)) >= seen - 1e-12
    more, less = _words(one, other)
    test = "energy distance, permutation test"
    p = as_much / (draws + 1)
    return Shift("questions", test, seen, p, len(one), len(other), more, less)


def scores(before: Sequence[float], now: Sequence[float], draws: int = 1999) -> Shift:
    """`statistic` is now minus before."""
    draw = Random(SEED)  # noqa: S311
    both = [*before, *now]
    seen = fmean(now) - fmean(before)
    total, size = math.fsum(both), len(before)
    as_much = 1
    for _ in range(draws):
        part = math.fsum(draw.sample(both, size))
        moved = (total - part) / len(now) - part / size
        as_much += abs(moved) >= abs(seen) - 1e-12
    test = "difference of means, permutation test"
    return Shift("score", test, seen, as_much / (draws + 1), len(before), len(now))


def render(found: Sequence[Shift]) -> str:
    lines = []
    for one in found:
        verdict = "DRIFTED" if one.drifted else "no drift seen"
        lines.append(
            f"{one.what}: {verdict}: {one.statistic:.4f}, p {one.p:.3f} ({one.test}; "
            f"{one.before} before, {one.now} now)"
        )
        if one.more or one.less:
            lines.append(f"  more often: {', '.join(one.more)}; less: {', '.join(one.less)}")
    return "\n".join(lines) + "\n"


def _some(texts: Sequence[str], draw: Random) -> list[str]:
    return list(texts) if len(texts) <= MOST else draw.sample(list(texts), MOST)


def _bags(texts: Sequence[str]) -> list[Bag]:
    """Stems weighed by their rarity over both sets, of length 1."""
    counted = [Counter(terms(text)) for text in texts]
    spread = Counter(term for one in counted for term in one)
    bags = []
    for one in counted:
        bag = {t: n * math.log(1 + len(texts) / spread[t]) for t, n in one.items()}
        length = math.sqrt(sum(value * value for value in bag.values())) or 1.0
        bags.append({term: value / length for term, value in bag.items()})
    return bags


def _distance(one: Bag, other: Bag) -> float:
    """Euclidean distance of two vectors of length 1."""
    if len(other) < len(one):
        one, other = other, one
    dot = sum(value * other.get(term, 0.0) for term, value in one.items())
    return math.sqrt(max(0.0, 2 - 2 * dot))


def _energy(distances: Sequence[Sequence[float]], places: Sequence[int], first: int) -> float:
    one, other = places[:first], places[first:]
    across = math.fsum(distances[i][j] for i in one for j in other) / (len(one) * len(other))
    inside = math.fsum(distances[i][j] for i in one for j in one) / len(one) ** 2
    there = math.fsum(distances[i][j] for i in other for j in other) / len(other) ** 2
    return 2 * across - inside - there


def _words(before: Sequence[str], now: Sequence[str], most: int = 5) -> tuple[tuple[str, ...], ...]:
    """The stems whose share of the questions rose and fell most."""
    one = Counter(term for text in before for term in set(terms(text)))
    other = Counter(term for text in now for term in set(terms(text)))
    moved = {t: other[t] / len(now) - one[t] / len(before) for t in one | other}
    order = sorted(moved, key=lambda term: (moved[term], term))
    rose = tuple(term for term in reversed(order[-most:]) if moved[term] > 0)
    fell = tuple(term for term in order[:most] if moved[term] < 0)
    return rose, fell
