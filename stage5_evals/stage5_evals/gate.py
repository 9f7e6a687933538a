"""Whether a change may go in: one verdict from a run and the committed baseline.

    pass             no gated metric fell by its limit
    drop not proven  one did, and chance alone often does as much; it blocks, run more cases
    fail             one did, and it is no chance; or nothing can be said

It only passes what it has seen: a metric that is missing, a run that did not finish, other cases,
another corpus or another judge fail, each in its own words, so that a broken run is not read as a
worse one. A failed grade counts as wrong. A judge blocks only while it is calibrated.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from shared.resampling import sign_flips
from stage5_evals.baseline import Baseline, Rules
from stage5_evals.calibration import Calibration
from stage5_evals.power import Setup, Sight, sight
from stage5_evals.runs import Run
from stage5_evals.summary import Cell, cells

Verdict = Literal["pass", "drop not proven", "fail"]
State = Literal["held", "fell", "fell, not proven", "missing", "not used"]
ROUNDING = 1e-5  # of a value, as the baseline is written


@dataclass(frozen=True, slots=True)
class Line:
    """One metric. `worse` and `better`: the cases that lost and gained. `note`: what to know.

    `sight`: what drop its cases could have shown.
    """

    metric: str
    state: State
    old: float
    new: float | None = None
    p_drop: float | None = None
    worse: tuple[str, ...] = ()
    better: tuple[str, ...] = ()
    failed: int = 0
    note: str = ""
    sight: Sight | None = None

    @property
    def fell_by(self) -> float:
        """As a share of the baseline's value."""
        return 1 - self.new / self.old if self.new is not None and self.old else 0.0


@dataclass(frozen=True, slots=True)
class Decision:
    """`broken` holds why nothing can be said of quality; then no line is judged."""

    verdict: Verdict
    run: str
    baseline: str
    broken: tuple[str, ...]
    lines: tuple[Line, ...]

    @property
    def exit_code(self) -> int:
        return 0 if self.verdict == "pass" else 1

    @property
    def caught(self) -> list[str]:
        """The metrics that blocked."""
        return [one.metric for one in self.lines if one.state.startswith(("fell", "missing"))]

    def to_json(self) -> dict[str, Any]:
        return {
            "verdict": self.verdict,
            "run": self.run,
            "baseline": self.baseline,
            "broken": list(self.broken),
            "metrics": [_line_json(line) for line in self.lines],
        }


def decide(run: Run, baseline: Baseline, calibrations: Mapping[str, Calibration]) -> Decision:
    """Never raises for what a run can look like: whatever is odd is a reason to fail."""
    idle = {n for n in run.config.judges if not _may_block(n, run, baseline, calibrations)}
    broken = [*_not_comparable(run, baseline), *_failures(run, baseline.rules, idle)]
    found = cells(run.rows)
    lines: list[Line] = []
    if not broken:
        lines = [
            _judged(metric, found.get(metric), run, baseline, calibrations)
            for metric in baseline.rules.drop
        ]
    states = {line.state for line in lines}
    verdict: Verdict = "pass"
    if broken or states & {"fell", "missing"} or not states - {"not used"}:
        verdict = "fail"
    elif "fell, not proven" in states:
        verdict = "drop not proven"
    if not broken and not states - {"not used"}:
        broken = ["no gated metric was judged, so nothing was held"]
    return Decision(verdict, run.config.run, baseline.run, tuple(broken), tuple(lines))


def line(metric: str, new: Mapping[str, Cell], baseline: Baseline) -> Line:
    """The rule itself: a fall by the limit or more blocks, and the paired test says how sure."""
    old, rules = baseline.values[metric], baseline.rules
    was = [old[case] for case in old]
    now = [_unrounded(new[case].worst, old[case]) for case in old]
    value, before = sum(now) / len(now), sum(was) / len(was)
    worse = tuple(c for c, a, b in zip(old, was, now, strict=True) if b < a)
    better = tuple(c for c, a, b in zip(old, was, now, strict=True) if b > a)
    moved = [b - a for a, b in zip(was, now, strict=True) if a != b]
    p = sign_flips(moved)[1] if moved else 1.0
    fell = worse and before - value >= rules.drop[metric] * before - ROUNDING and value < before
    proven = p < rules.alpha
    state: State = ("fell" if proven else "fell, not proven") if fell else "held"
    failed = sum(new[case].failed > 0 for case in old)
    small = "it fell by less than the limit, and by more than chance" if proven and not fell else ""
    seen = _seen(metric, baseline)
    return Line(metric, state, before, value, p, worse, better, failed, small, seen)


def _seen(metric: str, baseline: Baseline) -> Sight:
    unstable = baseline.unstable.get(metric)
    limit, alpha = baseline.rules.drop[metric], baseline.rules.alpha
    cases, base = len(baseline.values[metric]), baseline.mean(metric)
    return sight(metric, Setup(cases, base, unstable or 0.0, limit, alpha), unstable is not None)


def _unrounded(new: float, old: float) -> float:
    return old if abs(new - old) < ROUNDING else new


def _judged(
    metric: str,
    new: Mapping[str, Cell] | None,
    run: Run,
    baseline: Baseline,
    calibrations: Mapping[str, Calibration],
) -> Line:
    old = baseline.values.get(metric)
    if not old:
        return Line(metric, "missing", 0.0, note="the baseline has a rule for it and no values")
    before = baseline.mean(metric)
    if new is None or set(old) - set(new):
        absent = sorted(set(old) - set(new or ()))
        note = "the run has no such metric" if new is None else f"no grade for {absent[0]}"
        return Line(metric, "missing", before, note=note)
    if metric in baseline.judges or metric in run.config.judges:
        identity = run.config.judges.get(metric, "none")
        if identity != baseline.judges.get(metric):
            note = f"judged by {identity}, the baseline by {baseline.judges.get(metric)}"
            return Line(metric, "missing", before, note=f"another judge: {note}")
        if not _may_block(metric, run, baseline, calibrations):
            known = calibrations.get(identity)
            said = f"kappa {known.kappa:.2f}" if known else "never calibrated"
            note = f"the judge may not block: {said}, {baseline.rules.kappa:g} is asked"
            return Line(metric, "not used", before, note=note)
    return line(metric, new, baseline)


def _not_comparable(run: Run, baseline: Baseline) -> list[str]:
    reasons = []
    if not run.complete:
        why = run.summary.get("stopped") or "it was interrupted"
        reasons.append(f"the run is not complete: {why}")
    elif not run.rows:
        reasons.append("the run has no cases: nothing was measured")
    for name, what in (("cases", "the cases are not those"), ("corpus", "the corpus is not that")):
        if getattr(run.config, name) != getattr(baseline, name):
            reasons.append(f"{what} of the baseline: update it with `stage5 baseline`")
    if not baseline.rules.drop:
        reasons.append("the baseline gates no metric")
    return reasons


def _may_block(
    metric: str, run: Run, baseline: Baseline, calibrations: Mapping[str, Calibration]
) -> bool:
    known = calibrations.get(run.config.judges[metric])
    return known is not None and known.kappa >= baseline.rules.kappa


def _failures(run: Run, rules: Rules, idle: Collection[str]) -> list[str]:
    """Too many failures say something about the run and nothing about quality.

    `idle`: judges that may not block, whose failures do not either.
    """
    if not run.rows:
        return []
    reasons = []
    dead = [row for row in run.rows if row.failure]
    if len(dead) / len(run.rows) > rules.most_failed:
        reasons.append(
            f"the target failed in {len(dead)} of {len(run.rows)} answers, "
            f"{rules.most_failed:.0%} may: {dead[0].failure}"
        )
    for name, of in cells(row for row in run.rows if not row.failure).items():
        failed = [case for case, cell in of.items() if cell.failed]
        if name in rules.drop and name not in idle and len(failed) / len(of) > rules.most_failed:
            why = next(
                row.failed[name] for row in run.rows if name in row.failed and not row.failure
            )
            reasons.append(f"{name} failed in {len(failed)} of {len(of)} cases: {why}")
    return reasons


def _line_json(one: Line) -> dict[str, Any]:
    data = {name: getattr(one, name) for name in Line.__slots__}
    rounded = {n: round(x, 6) if isinstance(x, float) else x for n, x in data.items()}
    seen = one.sight.to_json() if one.sight else None
    return rounded | {"worse": list(one.worse), "better": list(one.better), "sight": seen}
