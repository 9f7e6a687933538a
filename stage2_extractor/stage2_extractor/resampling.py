"""How sure a number is: intervals by drawing the documents again, and whether a change is noise.

The document is what is drawn, never the field: the fields of one document are wrong together. All
draws are seeded, so a number is the same in every run. Left out: bias correction (BCa).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from statistics import quantiles
from typing import TypeVar

RESAMPLES = 2000
SEED = 20261121
Z = 1.959964
T = TypeVar("T")
Statistic = Callable[[Sequence[T]], float]


@dataclass(frozen=True, slots=True)
class Interval:
    """A measured number and its 95% interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """New minus old, its 95% interval, and how often chance alone gives as much (two-sided)."""

    value: float
    low: float
    high: float
    p: float


def bootstrap(
    documents: Sequence[T],
    statistic: Statistic[T],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Interval:
    """The percentile bootstrap (Efron, 1979) over `documents`, of which there is at least one."""
    draw = Random(seed)  # noqa: S311
    values = [statistic(draw.choices(documents, k=len(documents))) for _ in range(resamples)]
    return Interval(statistic(documents), *_middle(values))


def paired(
    new: Sequence[T],
    old: Sequence[T],
    statistic: Statistic[T],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Difference:
    """`new` against `old` on the same documents in the same order.

    The interval draws documents with both of their results; `p` swaps the two results of a document
    by the toss of a coin, and counts the swap that was observed as one of the draws.
    """
    both = list(zip(new, old, strict=True))

    def difference(pairs: Sequence[tuple[T, T]]) -> float:
        return statistic([one for one, _ in pairs]) - statistic([other for _, other in pairs])

    interval = bootstrap(both, difference, resamples=resamples, seed=seed)
    draw = Random(seed + 1)  # noqa: S311
    swapped = (
        difference([pair if draw.random() < 0.5 else pair[::-1] for pair in both])
        for _ in range(resamples)
    )
    edge = abs(interval.value) - 1e-12
    as_much = sum(abs(value) >= edge for value in swapped)
    return Difference(interval.value, interval.low, interval.high, (as_much + 1) / (resamples + 1))


def wilson(hits: int, total: int) -> tuple[float, float]:
    """95% interval of a share, after Wilson (1927): also for none and all, where draws agree."""
    share = hits / total
    middle = (share + Z * Z / (2 * total)) / (1 + Z * Z / total)
    half = Z / (1 + Z * Z / total) * math.sqrt(share * (1 - share) / total + (Z / total) ** 2 / 4)
    return max(0.0, middle - half), min(1.0, middle + half)


def _middle(values: list[float]) -> tuple[float, float]:
    """The 2.5th and the 97.5th percentile."""
    cuts = quantiles(values, n=40, method="inclusive")
    return cuts[0], cuts[-1]
