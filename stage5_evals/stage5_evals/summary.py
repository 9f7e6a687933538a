"""From rows to numbers: each metric with its interval, its bounds, and what could not be measured.

A failed grade is neither right nor wrong. The value is the mean over what was measured; beside it
stand the bounds, all failed ones wrong and all failed ones right; a gate takes the lower.
Repeats of a case are averaged inside it: the case is what an interval draws.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from shared.resampling import Z, bootstrap, percentile, wilson
from stage5_evals.runs import Row

DRAWN = 300  # cases; above, the normal interval agrees to 0.002 and costs next to nothing
SAME = 1e-9


@dataclass(frozen=True, slots=True)
class Metric:
    """`value` is None where nothing was measured; `low` and `high` are its 95% interval.

    `worst` and `best` are the bounds. `unstable`: share of the cases whose repeats differ; None
    when there was one repeat.
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    worst: float
    best: float
    cases: int
    failed: int
    unstable: float | None = None

    def to_json(self) -> dict[str, Any]:
        known = {name: getattr(self, name) for name in Metric.__slots__[1:]}
        return {name: _rounded(value) for name, value in known.items() if value is not None}

    @classmethod
    def of(cls, name: str, data: Mapping[str, Any]) -> Metric:
        return cls(name, *(data.get(key) for key in cls.__slots__[1:]))  # type: ignore[arg-type]


@dataclass(slots=True)
class Cell:
    """One case under one metric, over its repeats."""

    total: float = 0.0
    measured: int = 0
    failed: int = 0
    differs: bool = False
    first: float | None = None

    def add(self, value: float) -> None:
        if self.first is None:
            self.first = value
        elif abs(value - self.first) > SAME:
            self.differs = True
        self.total += value
        self.measured += 1

    @property
    def value(self) -> float | None:
        return self.total / self.measured if self.measured else None

    @property
    def worst(self) -> float:
        return self.total / (self.measured + self.failed)

    @property
    def best(self) -> float:
        return (self.total + self.failed) / (self.measured + self.failed)


Cells = dict[str, dict[str, Cell]]  # metric -> case -> cell


def cells(rows: Iterable[Row]) -> Cells:
    found: Cells = {}
    for row in rows:
        for name, value in row.grades.items():
            found.setdefault(name, {}).setdefault(row.case, Cell()).add(value)
        for name in row.failed:
            found.setdefault(name, {}).setdefault(row.case, Cell()).failed += 1
    return found


def metrics(rows: Sequence[Row]) -> dict[str, Metric]:
    repeats = max((row.repeat for row in rows), default=0) + 1
    return {name: _metric(name, list(of.values()), repeats) for name, of in cells(rows).items()}


def summarise(rows: Sequence[Row], seconds: float, stopped: str = "") -> dict[str, Any]:
    """What `summary.json` holds, but for the run's fingerprints."""
    answered = [row for row in rows if not row.failure]
    paid = [row for row in answered if not row.cached]
    costs = [row.cost_usd for row in paid]
    known = all(cost is not None for cost in costs)
    return {
        "complete": not stopped,
        "stopped": stopped,
        "answers": len(rows),
        "failed": len(rows) - len(answered),
        "cached": len(answered) - len(paid),
        "seconds": round(seconds, 3),
        "cost_usd": round(sum(filter(None, costs)), 6) if known else None,
        "judged_usd": round(sum(row.judged_usd for row in rows), 6),
        "latency": latency(answered),
        "models": sorted({row.model for row in answered if row.model}),
        "metrics": {name: one.to_json() for name, one in sorted(metrics(rows).items())},
        "kinds": by_kind(rows),
    }


def latency(rows: Sequence[Row]) -> dict[str, float]:
    taken = [row.seconds for row in rows]
    if not taken:
        return {}
    return {f"p{at}_s": round(percentile(taken, at), 4) for at in (50, 95)}


def by_kind(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """The mean of each metric for each kind of case and each split, failures left out."""
    kept: dict[str, dict[str, list[float]]] = {}
    for row in rows:
        for group in filter(None, (row.kind, row.split)):
            for name, value in row.grades.items():
                kept.setdefault(group, {}).setdefault(name, []).append(value)
    return {
        group: {name: round(fmean(values), 4) for name, values in sorted(of.items())}
        for group, of in sorted(kept.items())
    }


def interval(values: Sequence[float]) -> tuple[float, float]:
    """95% interval of a mean: Wilson for a share, drawn cases or the normal one for any other."""
    n, total = len(values), math.fsum(values)
    if all(value in (0.0, 1.0) for value in values):
        return wilson(total, n)
    if n > DRAWN:
        half = Z * stdev(values) / math.sqrt(n)
        return total / n - half, total / n + half
    found = bootstrap(values, fmean)
    return found.low, found.high


def _metric(name: str, of: Sequence[Cell], repeats: int) -> Metric:
    values = [one.total / one.measured for one in of if one.measured]
    low, high = interval(values) if values else (None, None)
    return Metric(
        name,
        math.fsum(values) / len(values) if values else None,
        low,
        high,
        fmean(one.worst for one in of),
        fmean(one.best for one in of),
        len(of),
        sum(one.failed > 0 for one in of),
        sum(one.differs for one in of) / len(of) if repeats > 1 else None,
    )


def _rounded(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value
