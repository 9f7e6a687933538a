"""A verdict as the terminal shows it: why, one line a metric, the cases that were lost."""

from __future__ import annotations

from collections.abc import Sequence

from shared.tables import table
from stage5_evals.gate import Decision, Line


def render(made: Decision) -> str:
    parts = [f"{made.verdict.upper()}: run {made.run} against the baseline of {made.baseline}\n"]
    parts += [f"  {reason}\n" for reason in made.broken]
    if made.lines:
        head = [
            "metric",
            "baseline",
            "now",
            "fell by",
            "p of chance",
            "worse",
            "better",
            "sees",
            "",
        ]
        parts.append("\n" + table([head, *map(_cells, made.lines)]))
        parts += [f"\n{one.metric}: {one.note}" for one in made.lines if one.note]
        parts += [_cases(one) for one in made.lines if one.worse and one.state != "held"]
    seen = [one.sight for one in made.lines if one.sight]
    if seen:
        widest = max(seen, key=lambda one: one.cases)
        meaning = "the smallest true drop that is proven in four runs of five"
        parts.append(f"\nsees: {meaning}\n{widest.sentence}\n")
    return "".join(parts)


def _cells(one: Line) -> Sequence[str]:
    if one.new is None:
        return [one.metric, f"{one.old:.3f}", "", "", "", "", "", "", one.state]
    p = "" if one.p_drop is None else f"{one.p_drop:.3f}"
    failed = f", {one.failed} failed" if one.failed else ""
    counts = [str(len(one.worse)), str(len(one.better))]
    by = f"{one.fell_by:.1%}" if one.new < one.old else ""
    least = one.sight.proven_from if one.sight else None
    counts.append("-" if least is None else f"{least:.2f}")
    return [one.metric, f"{one.old:.3f}", f"{one.new:.3f}", by, p, *counts, one.state + failed]


def _cases(one: Line) -> str:
    shown = ", ".join(one.worse[:12]) + (" …" if len(one.worse) > 12 else "")
    return f"\n{one.metric} lost: {shown}"
