"""Two runs of the same cases, case by case: the difference, its interval, and whether it is noise.

Refuses runs of other cases or another corpus. A case that failed in either run is in no difference;
how many those are is said, and how far they could move the result. Left out: the gate's rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.errors import UserError
from shared.resampling import paired_means
from shared.tables import table
from stage5_evals.runs import Run
from stage5_evals.summary import Cell, cells

FLIP = 0.5  # of a metric, in one case


@dataclass(frozen=True, slots=True)
class Flip:
    case: str
    metric: str
    old: float
    new: float


@dataclass(frozen=True, slots=True)
class Change:
    """`p` two-sided, `p_drop` of falling so far. `left_out`: cases that failed in a run.

    `worst` and `best`: the difference with every failed grade wrong in the new and right in the old
    run, and the other way round.
    """

    metric: str
    old: float
    new: float
    difference: float
    low: float
    high: float
    p: float
    p_drop: float
    cases: int
    left_out: int
    worst: float
    best: float
    flips: tuple[Flip, ...]

    def to_json(self) -> dict[str, Any]:
        numbers = {name: getattr(self, name) for name in Change.__slots__[1:-1]}
        flips = [[one.case, one.old, one.new] for one in self.flips]
        rounded = {n: round(x, 6) if isinstance(x, float) else x for n, x in numbers.items()}
        return {"metric": self.metric, **rounded, "flips": flips}


@dataclass(frozen=True, slots=True)
class Comparison:
    """`only`: metrics that one run alone has, with the run; `judges`: those with another judge."""

    old: Run
    new: Run
    changes: tuple[Change, ...]
    only: Mapping[str, str]
    judges: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "old": self.old.config.run,
            "new": self.new.config.run,
            "changes": [one.to_json() for one in self.changes],
            "only": dict(self.only),
            "other_judge": list(self.judges),
            "beside": {side: beside(run) for side, run in (("old", self.old), ("new", self.new))},
        }


def compare(old: Run, new: Run) -> Comparison:
    """`UserError` where the two cannot be compared."""
    for run in (old, new):
        if not run.complete:
            why = run.summary.get("stopped") or "it was interrupted"
            raise UserError(
                f"run {run.config.run} is not complete ({why}): finish it with "
                f"`stage5 run --resume {run.config.run}`"
            )
    for name in ("cases", "corpus"):
        if getattr(old.config, name) != getattr(new.config, name):
            raise UserError(
                f"the {name} of {old.config.run} and {new.config.run} are not the same: only runs "
                f"over the same {name} can be compared"
            )
    before, after = cells(old.rows), cells(new.rows)
    judges = _other_judges(old, new)
    both = [name for name in sorted(before) if name in after and name not in judges]
    only = {n: old.config.run for n in before if n not in after}
    only |= {n: new.config.run for n in after if n not in before}
    return Comparison(
        old, new, tuple(change(n, before[n], after[n]) for n in both), only, tuple(judges)
    )


def change(name: str, old: Mapping[str, Cell], new: Mapping[str, Cell]) -> Change:
    """The cases are those of both; by the fingerprint they are the same ones."""
    pairs = [(case, old[case], new[case]) for case in old if case in new]
    sound = [(case, a, b) for case, a, b in pairs if not (a.failed or b.failed)]
    was, now = (
        [a.total / a.measured for _, a, _ in sound],
        [b.total / b.measured for *_, b in sound],
    )
    found = paired_means(now, was)
    n, whole = max(1, len(sound)), max(1, len(pairs))
    return Change(
        name,
        sum(was) / n,
        sum(now) / n,
        found.value,
        found.low,
        found.high,
        found.p,
        found.p_drop if found.p_drop is not None else 1.0,
        len(sound),
        len(pairs) - len(sound),
        sum(b.worst - a.best for _, a, b in pairs) / whole,
        sum(b.best - a.worst for _, a, b in pairs) / whole,
        tuple(
            Flip(case, name, round(a, 4), round(b, 4))
            for (case, *_), a, b in zip(sound, was, now, strict=True)
            if abs(b - a) >= FLIP
        ),
    )


def beside(run: Run) -> dict[str, Any]:
    """Cost and time of a whole run; of answers that were taken over, what they cost when asked."""
    costs = [row.cost_usd for row in run.rows if not row.failure]
    known = bool(costs) and all(cost is not None for cost in costs)
    return {
        "cost_usd": round(sum(filter(None, costs)), 6) if known else None,
        **run.summary.get("latency", {}),
        "failed": run.summary.get("failed"),
    }


def render(found: Comparison) -> str:
    head = ["", "old", "new", "difference", "95% interval", "p", "better", "worse"]
    body = [head, *map(_cells, found.changes)]
    text = f"{found.old.config.run} -> {found.new.config.run}\n\n" + table(body)
    text += "".join(f"\n{name}: only in {run}" for name, run in found.only.items())
    text += "".join(f"\n{name}: not compared, another judge" for name in found.judges)
    sides = [(side, beside(run)) for side, run in (("old", found.old), ("new", found.new))]
    text += "\n" + "\n".join(f"{side}: {_beside(of)}" for side, of in sides) + "\n"
    return text + _flips([flip for one in found.changes for flip in one.flips])


def _cells(one: Change) -> list[str]:
    worse = sum(flip.new < flip.old for flip in one.flips)
    return [
        one.metric,
        f"{one.old:.3f}",
        f"{one.new:.3f}",
        f"{one.difference:+.3f}",
        f"[{one.low:+.3f}, {one.high:+.3f}]",
        f"{one.p:.3f}",
        str(len(one.flips) - worse),
        str(worse) + (f" ({one.left_out} failed)" if one.left_out else ""),
    ]


def _beside(of: Mapping[str, Any]) -> str:
    cost = "cost unknown" if of["cost_usd"] is None else f"${of['cost_usd']:.4f}"
    times = "".join(f", {name[:-2]} {of[name]:.3f} s" for name in ("p50_s", "p95_s") if name in of)
    return f"{cost}{times}, {of['failed']} failed"


def _flips(flips: Sequence[Flip]) -> str:
    if not flips:
        return "\nno case flipped\n"
    lines = [f"  {one.case}  {one.metric}  {one.old:g} -> {one.new:g}" for one in flips]
    return "\ncases that flipped:\n" + "\n".join(lines) + "\n"


def _other_judges(old: Run, new: Run) -> list[str]:
    names = set(old.config.judges) & set(new.config.judges)
    return sorted(n for n in names if old.config.judges[n] != new.config.judges[n])
