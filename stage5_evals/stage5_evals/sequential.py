"""A/B of two prompts, looked at as often as one likes: a bet that chance alone cannot win for long.

Pairs of outcomes, one of A and one of B: one question answered by both (shadow traffic), or the nth
user of each arm in the order of arrival. Under "no difference" a pair that differs is a fair coin.
The evidence is the wealth of a gambler who bets on all biases of that coin at once, with a prior of
Beta(1/2, 1/2) (Robbins, 1970; Krichevsky and Trofimov, 1981). By Ville's inequality it reaches
1/alpha with probability alpha at most, at whatever moment one stops. Left out: outcomes that are no
yes or no, and users who appear twice: count a user once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from statistics import NormalDist
from typing import Any, Literal

from shared.resampling import SEED, percentile

ALPHA, POWER = 0.05, 0.8
RUNS, LONGEST = 400, 100_000
Decision = Literal["A is better", "B is better", "go on"]
Pairs = Iterable[tuple[bool, bool]]


@dataclass(frozen=True, slots=True)
class Evidence:
    """After `pairs`: `p` is valid at any time; `decided_at` is the pair at which it was enough."""

    pairs: int
    a_wins: int
    b_wins: int
    p: float
    decision: Decision
    decided_at: int | None

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in Evidence.__slots__}


def evidence(pairs: Pairs, alpha: float = ALPHA) -> Evidence:
    """Over all pairs so far; the smallest p that was reached counts: one could have stopped."""
    a = b = seen = 0
    p, decided_at, winner = 1.0, None, "go on"
    for one, other in pairs:
        seen += 1
        a, b = a + (one and not other), b + (other and not one)
        p = min(p, math.exp(-min(700.0, log_wealth(a, b))))
        if decided_at is None and p <= alpha:
            decided_at, winner = seen, "A is better" if a > b else "B is better"
    return Evidence(seen, a, b, p, winner, decided_at)  # type: ignore[arg-type]


def log_wealth(a: int, b: int) -> float:
    """Log of the mixture's likelihood against the fair coin's, after a and b wins."""
    beta = math.lgamma(a + 0.5) + math.lgamma(b + 0.5) - math.lgamma(a + b + 1) - math.log(math.pi)
    return beta + (a + b) * math.log(2)


def in_arrival_order(outcomes: Iterable[tuple[str, bool]]) -> Iterator[tuple[bool, bool]]:
    """Pairs the n-th outcome of arm A with the n-th of arm B; who has no partner yet waits."""
    waiting: dict[str, list[bool]] = {"A": [], "B": []}
    for arm, good in outcomes:
        waiting[arm].append(good)
        if waiting["A"] and waiting["B"]:
            yield waiting["A"].pop(0), waiting["B"].pop(0)


@dataclass(frozen=True, slots=True)
class Plan:
    """How many are needed: `fixed` in each group, looked at once; `pairs` for the sequential test

    at the median and at 80% of the simulated experiments. `shared`: both arms see one question.
    """

    base: float
    drop: float
    fixed: int
    pairs_median: int | None
    pairs_most: int | None
    shared: bool

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in Plan.__slots__}


def fixed_size(base: float, drop: float, alpha: float = ALPHA, power: float = POWER) -> int:
    """Users in each of two groups to see `base` fall by the share `drop` (two-sided, one look)."""
    other = base * (1 - drop)
    z = NormalDist().inv_cdf(1 - alpha / 2) + NormalDist().inv_cdf(power)
    spread = base * (1 - base) + other * (1 - other)
    return math.ceil(z * z * spread / (base - other) ** 2)


def plan(base: float, drop: float, unstable: float | None = None, runs: int = RUNS) -> Plan:
    """`unstable`: share of the questions that either arm gets right by a coin (shadow traffic);

    None: two groups of users, whose outcomes have nothing to do with each other.
    """
    draw = Random(SEED)  # noqa: S311
    taken = sorted(_until_decided(base, drop, unstable, draw) for _ in range(runs))
    most = taken[math.ceil(POWER * runs) - 1]
    middle = math.ceil(percentile(taken, 50))
    fixed = fixed_size(base, drop)
    return Plan(base, drop, fixed, _reached(middle), _reached(most), unstable is not None)


def _reached(pairs: int) -> int | None:
    return None if pairs >= LONGEST else pairs


def render(plans: Sequence[Plan]) -> str:
    lines = []
    for one in plans:
        kind = "pairs of one question each" if one.shared else "pairs of users"
        lines.append(
            f"a fall of {one.drop:.0%} from {one.base:.0%}: {one.fixed:,} users in each group, "
            f"looked at once; or {_number(one.pairs_median)} {kind} in half of the experiments and "
            f"{_number(one.pairs_most)} in four of five, looked at after every pair"
        )
    return "\n".join(lines) + "\n"


def _number(found: int | None) -> str:
    return f"over {LONGEST:,}" if found is None else f"{found:,}"


def _until_decided(base: float, drop: float, unstable: float | None, draw: Random) -> int:
    """Only pairs that differ move the wealth, so the gaps between them are drawn at once."""
    lost, won = _discordant(base, drop, unstable)
    differ = lost + won
    a = b = seen = 0
    limit = math.log(1 / ALPHA)
    while seen < LONGEST:
        seen += 1 + int(math.log(1 - draw.random()) / math.log(1 - differ)) if differ < 1 else 1
        if draw.random() < lost / differ:
            a += 1
        else:
            b += 1
        if log_wealth(a, b) >= limit:
            return min(seen, LONGEST)
    return LONGEST


def _discordant(base: float, drop: float, unstable: float | None) -> tuple[float, float]:
    """The chances that A alone is right and that B alone is; B is worse by the share `drop`."""
    other = base * (1 - drop)
    if unstable is None:
        return base * (1 - other), other * (1 - base)
    return unstable / 4 + (base - other), unstable / 4
