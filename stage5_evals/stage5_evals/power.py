"""What a set of cases can see: false alarms and misses of the gate, by simulation.

The model: of `cases` questions a share is unstable, right or wrong by the toss of a coin in every
run; the others are fixed. A true drop turns fixed right ones wrong, each with the same chance. The
runs are judged by the gate's own two rules, the fall by the limit and the paired test. Left out:
graded metrics, whose smaller steps see a little more.
"""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from random import Random
from typing import Any

from shared.resampling import SEED, drop_p
from shared.tables import table
from stage5_evals.baseline import ALPHA, DROP

RUNS = 4000
ENOUGH = 0.8  # the share of true drops that a set should catch
LARGEST = 20_000


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares of the simulated runs: those that fell by the limit, and those where it was proven."""

    gate: float
    paired: float


@dataclass(frozen=True, slots=True)
class Setup:
    """`base`: the baseline's value; `limit`: the share of it that blocks."""

    cases: int
    base: float
    unstable: float
    limit: float = DROP
    alpha: float = ALPHA


@dataclass(frozen=True, slots=True)
class Sight:
    """What one set could have seen. `unstable` is None when nobody has measured it."""

    metric: str
    cases: int
    unstable: float | None
    false_alarms: float
    caught: float
    proven: float
    proven_from: float | None
    limit: float

    @property
    def sentence(self) -> str:
        share = "taken to be stable, since they were run once"
        if self.unstable is not None:
            share = f"{self.unstable:.0%} of them unstable"
        return (
            f"what {self.metric} can see: with {self.cases} cases, {share}, this gate raises a "
            f"false alarm in {self.false_alarms:.1%} of unchanged runs, notices a true drop of "
            f"{self.limit:.0%} in {self.caught:.0%} and proves it in {self.proven:.0%}"
        )

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in Sight.__slots__}


@cache
def sight(metric: str, setup: Setup, measured: bool) -> Sight:
    """`measured`: the unstable share comes from repeats and is not taken to be none."""
    quiet, real = rates(setup, 0.0), rates(setup, setup.limit * setup.base)
    return Sight(
        metric,
        setup.cases,
        setup.unstable if measured else None,
        quiet.gate,
        real.gate,
        real.paired,
        smallest_proven(setup),
        setup.limit,
    )


def rates(setup: Setup, drop: float, runs: int = RUNS, seed: int = SEED) -> Rates:
    """How often the gate's two rules speak when the truth fell by `drop` (0: unchanged)."""
    seen = proven = 0
    for before, losses, gains in simulated(setup, drop, runs, seed):
        fell = losses - gains
        if fell > 0 and fell >= setup.limit * before - 1e-9:
            seen += 1
        if _p(losses, gains) < setup.alpha:
            proven += 1
    return Rates(seen / runs, proven / runs)


def simulated(
    setup: Setup, drop: float, runs: int, seed: int = SEED
) -> Iterator[tuple[int, int, int]]:
    """For each pair of runs: how many the first had right, how many were lost and gained."""
    shaky = round(setup.cases * setup.unstable)
    solid = min(setup.cases - shaky, max(0, round(setup.cases * setup.base - shaky / 2)))
    lost_of_solid = _binomial(solid, min(1.0, drop * setup.cases / solid) if solid else 0.0)
    draw = Random(seed)  # noqa: S311
    mask = (1 << shaky) - 1
    for _ in range(runs):
        old, new = (draw.getrandbits(shaky) if shaky else 0 for _ in range(2))
        lost = bisect(lost_of_solid, draw.random())
        losses = (old & ~new & mask).bit_count() + lost
        yield solid + old.bit_count(), losses, (new & ~old & mask).bit_count()


@cache
def smallest_proven(setup: Setup) -> float | None:
    """The smallest true drop, in whole points, that is proven in four runs of five, if any is."""
    low, high = 0, int((setup.base - setup.unstable / 2) * 100)
    if high < 1 or rates(setup, high / 100, runs=1000).paired < ENOUGH:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if rates(setup, middle / 100, runs=1000).paired >= ENOUGH:
            high = middle
        else:
            low = middle
    return high / 100


def cases_needed(drop: float, base: float, unstable: float, alpha: float = ALPHA) -> int:
    """How many cases prove a true drop of `drop` (a share of `base`) in four runs of five."""
    low, high = 10, 20
    while high < LARGEST and not _enough(high, drop, base, unstable, alpha):
        low, high = high, high * 2
    while high - low > max(1, low // 50):
        middle = (low + high) // 2
        if _enough(middle, drop, base, unstable, alpha):
            high = middle
        else:
            low = middle
    return high


def render(setups: Sequence[Setup]) -> str:
    """False alarms and catches for each set, as the gate and the paired test see them."""
    drop = setups[0].limit
    body = [["cases", "unstable", "false alarm", f"{drop:.0%} drop caught", "10% drop caught"]]
    for one in setups:
        found = [rates(one, share * one.base) for share in (0.0, drop, 0.10)]
        shown = [f"{x.gate:.1%} / {x.paired:.1%}" for x in found]
        body.append([str(one.cases), f"{one.unstable:.0%}", *shown])
    return table(body) + "\neach cell: fell by the limit / proven by the paired test\n"


def _enough(cases: int, drop: float, base: float, unstable: float, alpha: float) -> bool:
    setup = Setup(cases, base, unstable, drop, alpha)
    return rates(setup, drop * base, runs=1000).paired >= ENOUGH


def _binomial(n: int, p: float) -> list[float]:
    """The cumulative distribution, to draw from by bisection."""
    log = math.log
    if p <= 0 or p >= 1:
        return [1.0] if p <= 0 else [0.0] * n + [1.0]
    terms = (
        math.exp(
            math.lgamma(n + 1)
            - math.lgamma(k + 1)
            - math.lgamma(n - k + 1)
            + k * log(p)
            + (n - k) * log(1 - p)
        )
        for k in range(n + 1)
    )
    return list(accumulate(terms))


@cache
def _p(losses: int, gains: int) -> float:
    return drop_p(losses, gains)
