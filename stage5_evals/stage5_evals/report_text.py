"""What the terminal shows of a run, a new baseline, and the number of cases that is needed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.tables import table
from stage5_evals.baseline import Baseline
from stage5_evals.corrections import lines
from stage5_evals.runs import Run


def run(done: Run) -> str:
    summary = done.summary
    cost = summary["cost_usd"]
    head = (
        f"run {done.config.run}: {summary['answers']} answers, {summary['cached']} taken from "
        f"earlier runs, {summary['failed']} failed; {summary['seconds']:.1f} s, "
        f"{'cost unknown' if cost is None else f'${cost:.4f}'}"
    )
    stopped = f"\nNOT COMPLETE: {summary['stopped']}" if summary["stopped"] else ""
    body = [["", "value", "95% interval", "bounds", "cases", ""]]
    body += [_metric(name, data) for name, data in summary["metrics"].items()]
    first = next((row for row in done.rows if row.failure), None)
    failed = f"\nfirst failure, {first.case}: {first.failure}\n" if first else ""
    corrected = "".join(f"\n{line}" for line in lines(done)) + "\n" * bool(done.config.judges)
    models = f"\nmodel: {', '.join(summary['models']) or 'not stated'}\n"
    return f"{head}{stopped}\n{done.folder}\n\n{table(body)}{corrected}{failed}{models}"


def _metric(name: str, data: Mapping[str, Any]) -> list[str]:
    if "value" not in data:
        return [name, "not measured", "", _bounds(data), str(data["cases"]), _notes(data)]
    between = f"[{data['low']:.3f}, {data['high']:.3f}]"
    bounds = _bounds(data)
    return [name, f"{data['value']:.3f}", between, bounds, str(data["cases"]), _notes(data)]


def _bounds(data: Mapping[str, Any]) -> str:
    """Only where something failed do they differ from the value."""
    return f"{data['worst']:.3f} to {data['best']:.3f}" if data["failed"] else ""


def _notes(data: Mapping[str, Any]) -> str:
    failed = [f"{data['failed']} failed"] if data["failed"] else []
    shaky = [f"{data['unstable']:.0%} unstable"] if data.get("unstable") else []
    return ", ".join([*failed, *shaky])


def baseline(file: Path, made: Baseline, before: Baseline | None) -> str:
    body = [["", "before", "now", ""]]
    for name in sorted(made.values):
        was = before.mean(name) if before and name in before.values else None
        gated = (
            f"blocks at -{made.rules.drop[name]:.0%}" if name in made.rules.drop else "shown only"
        )
        body.append([name, "" if was is None else f"{was:.3f}", f"{made.mean(name):.3f}", gated])
    return f"{table(body)}\n{file} now holds run {made.run}: {made.history[-1]['why']}\n"


def needed(drop: float, found: Mapping[float, int]) -> str:
    lines = [f"  {share:.0%} unstable: {cases} cases" for share, cases in found.items()]
    return f"\nto prove a true drop of {drop:.0%} in four runs of five:\n" + "\n".join(lines) + "\n"


def preferred(found: Mapping[str, Any]) -> str:
    """Empty when no judge was asked."""
    if not found:
        return ""
    counts = ", ".join(f"{name} {count}" for name, count in sorted(found["counts"].items()))
    share = found["second_wins"]
    won = "nothing was decided" if share is None else f"the new one won {share:.0%} of the decided"
    between = f"[{found['low']:.2f}, {found['high']:.2f}], p {found['p']:.3f}"
    return f"\npreferred in both orders: {counts}; {won} {between}\n"
