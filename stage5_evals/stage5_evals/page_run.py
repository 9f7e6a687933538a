"""One run as a page: the numbers with their intervals, each kind of case, what failed and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stage5_evals.corrections import lines
from stage5_evals.page import cards, page, table, text, usd
from stage5_evals.runs import Row, Run

WIDTH, HEIGHT = 220, 16


def run_page(run: Run) -> str:
    """Also of a run that did not finish: then it says so first."""
    summary = run.summary
    head = f"<h1>Run {text(run.config.run)}</h1>"
    sub = (
        f"{run.config.started} · target {run.config.suite.target} · cases "
        f"{run.config.cases} · corpus {run.config.corpus or 'none'}"
    )
    parts = [head, f'<p class="sub">{text(sub)}</p>', _stopped(run)]
    if summary:
        parts += [_cards(summary), "<h2>Metrics</h2>", _metrics(summary["metrics"])]
        parts += [f'<p class="soft">{text(line)}</p>' for line in lines(run)]
        parts += ["<h2>By kind and split</h2>", _kinds(summary["kinds"])]
    parts += ["<h2>Cases</h2>", _cases(run.rows)]
    return page(f"Run {run.config.run}", "\n".join(parts))


def _stopped(run: Run) -> str:
    if run.complete:
        return ""
    why = run.summary.get("stopped") or "it was interrupted"
    return f'<p class="banner">Not complete: {text(why)}. No number below is of the whole set.</p>'


def _cards(summary: Mapping[str, Any]) -> str:
    latency = summary.get("latency") or {}
    return cards(
        {
            "answers": str(summary["answers"]),
            "failed": str(summary["failed"]),
            "from earlier runs": str(summary["cached"]),
            "seconds": f"{summary['seconds']:.1f}",
            "target's cost": usd(summary["cost_usd"]),
            "judges' cost": usd(summary["judged_usd"]),
            "p95 latency": f"{latency['p95_s']:.2f} s" if latency else "none",
        }
    )


def _metrics(metrics: Mapping[str, Mapping[str, Any]]) -> str:
    rows = []
    for name, one in metrics.items():
        if "value" not in one:
            rows.append(
                [text(name), "not measured", "", "", str(one["cases"]), str(one["failed"]), ""]
            )
            continue
        bounds = f"{one['worst']:.3f} to {one['best']:.3f}" if one["failed"] else ""
        shaky = f"{one['unstable']:.0%}" if one.get("unstable") is not None else ""
        value = f"{one['value']:.3f}"
        failed = f'<span class="bad">{one["failed"]}</span>' if one["failed"] else "0"
        rows.append([text(name), value, _bar(one), bounds, str(one["cases"]), failed, shaky])
    head = ["metric", "value", "95% interval", "bounds", "cases", "failed", "unstable"]
    return table(head, rows, numbers=(1, 4, 5, 6))


def _bar(one: Mapping[str, Any]) -> str:
    """The interval on a line from 0 to 1; said in words as well."""
    low, high, value = (one[key] * WIDTH for key in ("low", "high", "value"))
    said = f"{one['low']:.3f} to {one['high']:.3f}"
    return (
        f'<svg width="{WIDTH + 130}" height="{HEIGHT}" role="img" aria-label="{said}">'
        f'<rect x="0" y="7" width="{WIDTH}" height="2" fill="var(--line)"/>'
        f'<rect x="{low:.1f}" y="4" width="{max(2, high - low):.1f}" height="8" rx="3" '
        f'fill="var(--wash)" stroke="var(--accent)"/>'
        f'<circle cx="{value:.1f}" cy="8" r="3.5" fill="var(--accent)"/>'
        f'<text x="{WIDTH + 8}" y="12">{said}</text></svg>'
    )


def _kinds(kinds: Mapping[str, Mapping[str, float]]) -> str:
    names = sorted({name for of in kinds.values() for name in of})
    rows = [
        [text(name), *(f"{of[name]:.2f}" if name in of else "" for of in kinds.values())]
        for name in names
    ]
    return table(["", *kinds], rows, numbers=range(1, len(kinds) + 1))


def _cases(rows: Sequence[Row]) -> str:
    """What is not right comes first and open to read; the rest folded."""
    wrong = [row for row in rows if _marks(row)]
    right = [row for row in rows if not _marks(row)]
    parts = [
        f'<p class="soft">{len(wrong)} with a grade under 1 or none, {len(right)} without.</p>'
    ]
    parts += [_case(row) for row in sorted(wrong, key=lambda row: -len(_marks(row)))]
    if right:
        folded = "".join(map(_case, right))
        parts.append(
            f"<details><summary>{len(right)} cases with nothing to see</summary>{folded}</details>"
        )
    return "".join(parts)


def _marks(row: Row) -> list[str]:
    low = [f"{name} {value:.2f}" for name, value in row.grades.items() if value < 1]
    return [*low, *(f"{name} failed" for name in row.failed)]


def _case(row: Row) -> str:
    marks = ", ".join(_marks(row))
    name = f"{row.case}" + (f" · {row.repeat}" if row.repeat else "")
    lines = [
        f"kind {row.kind or 'none'}, split {row.split or 'none'}, {row.seconds:.2f} s, "
        f"{usd(row.cost_usd)}"
    ]
    lines += [f"the target failed: {row.failure}"] if row.failure else []
    lines += [f"declined: {row.answer}" if row.declined else f"answer: {row.answer}"]
    lines += [f"{name}: {why}" for name, why in row.why.items()]
    lines += [f"{name} failed: {why}" for name, why in row.failed.items()]
    lines += [f"taken from {row.cached}"] if row.cached else []
    return (
        f'<details><summary><code>{text(name)}</code> <span class="bad">{text(marks)}</span>'
        "</summary>"
        f"<div>{text(chr(10).join(lines))}</div></details>"
    )
