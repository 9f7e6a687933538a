"""How sure a number is: intervals by drawing the cases again, and whether a change is noise.

The case is what is drawn (a document, a question), never a part of it: the fields of one document
are wrong together. All draws are seeded, so a number is the same in every run. Left out: bias
correction (BCa), and unpaired tests, which throw away that both runs saw the same cases.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from statistics import fmean, quantiles
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
    """New minus old, its 95% interval, and how often chance alone gives as much (two-sided).

    `p_drop` is the chance of falling as far or further (one-sided); None where nobody asked.
    """

    value: float
    low: float
    high: float
    p: float
    p_drop: float | None = None


def bootstrap(
    cases: Sequence[T],
    statistic: Statistic[T],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Interval:
    """The percentile bootstrap (Efron, 1979) over `cases`, of which there is at least one."""
    draw = Random(seed)  # noqa: S311
    values = [statistic(draw.choices(cases, k=len(cases))) for _ in range(resamples)]
    return Interval(statistic(cases), *_middle(values))


def paired(
    new: Sequence[T],
    old: Sequence[T],
    statistic: Statistic[T],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Difference:
    """`new` against `old` on the same cases in the same order.

    The interval draws cases with both of their results; `p` swaps the two results of a case by the
    toss of a coin, and counts the swap that was observed as one of the draws.
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


def paired_means(
    new: Sequence[float],
    old: Sequence[float],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Difference:
    """`paired` for means, which only needs each case's difference: exact where that is quick."""
    differences = [a - b for a, b in zip(new, old, strict=True)]
    moved = [one for one in differences if one]
    if not moved:
        return Difference(0.0, 0.0, 0.0, 1.0, 1.0)
    interval = bootstrap(differences, fmean, resamples=resamples, seed=seed)
    p, p_drop = sign_flips(moved, resamples=resamples, seed=seed + 1)
    return Difference(interval.value, interval.low, interval.high, p, p_drop)


def sign_flips(
    differences: Sequence[float], *, resamples: int = RESAMPLES, seed: int = SEED
) -> tuple[float, float]:
    """The paired permutation test of a mean difference: two-sided p, and p of a drop.

    Differences of one size, as right and wrong give them, are a sign test (McNemar, exact), which
    needs no draws. Others toss a coin for each sign, and count what was observed as one draw.
    """
    sizes = [abs(one) for one in differences]
    if max(sizes) - min(sizes) < 1e-12:
        losses = sum(one < 0 for one in differences)
        return _sign_test(losses, len(differences))
    draw = Random(seed)  # noqa: S311
    whole, seen = math.fsum(sizes), math.fsum(differences)
    as_much = as_low = 1
    for _ in range(resamples):
        bits = draw.getrandbits(len(sizes))
        lost = math.fsum(size for place, size in enumerate(sizes) if bits >> place & 1)
        tossed = whole - 2 * lost
        as_much += abs(tossed) >= abs(seen) - 1e-12
        as_low += tossed <= seen + 1e-12
    return as_much / (resamples + 1), as_low / (resamples + 1)


def drop_p(losses: int, gains: int) -> float:
    """The chance of so many losses or more among the cases that changed (McNemar, one-sided)."""
    changed = losses + gains
    ways = sum(math.comb(changed, k) for k in range(losses, changed + 1))
    return float(ways / 2**changed)


def wilson(hits: float, total: int) -> tuple[float, float]:
    """95% interval of a share, after Wilson (1927): also for none and all, where draws agree."""
    share = hits / total
    middle = (share + Z * Z / (2 * total)) / (1 + Z * Z / total)
    half = Z / (1 + Z * Z / total) * math.sqrt(share * (1 - share) / total + (Z / total) ** 2 / 4)
    return max(0.0, middle - half), min(1.0, middle + half)


def percentile(values: Sequence[float], percent: int) -> float:
    """With straight lines between the values, as NumPy does by default; `percent` from 1 to 99."""
    if len(values) == 1:
        return values[0]
    return float(quantiles(values, n=100, method="inclusive")[percent - 1])


def _sign_test(losses: int, changed: int) -> tuple[float, float]:
    down, up = drop_p(losses, changed - losses), drop_p(changed - losses, losses)
    return min(1.0, 2 * min(down, up)), down


def _middle(values: list[float]) -> tuple[float, float]:
    """The 2.5th and the 97.5th percentile."""
    cuts = quantiles(values, n=40, method="inclusive")
    return cuts[0], cuts[-1]
