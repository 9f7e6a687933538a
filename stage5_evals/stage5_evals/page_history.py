"""All runs of one set of cases as a page: scores over time, cost, and the cases that flip."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from stage5_evals.page import cards, page, table, text, usd
from stage5_evals.runs import Run
from stage5_evals.summary import cells

WIDE, HIGH, EDGE = 460, 130, 34
MOST_FLIPS = 30


def history_page(runs: Sequence[Run]) -> str:
    """Oldest first. Metrics that only some runs have are drawn where they are."""
    if not runs:
        return page("History", "<h1>History</h1><p>No finished run of these cases.</p>")
    last = runs[-1]
    sub = f"{len(runs)} runs of cases {last.config.cases}, the latest {last.config.run}"
    spent = [run.summary["cost_usd"] for run in runs]
    total = sum(cost for cost in spent if cost is not None)
    parts = [
        "<h1>History</h1>",
        f'<p class="sub">{text(sub)}</p>',
        cards({"runs": str(len(runs)), "spent by targets": usd(total)}),
        "<h2>Scores over time</h2>",
        '<p class="soft">The band is the 95% interval of each run.</p>',
        f'<div class="charts">{"".join(_chart(name, runs) for name in _names(runs))}</div>',
        "<h2>Runs</h2>",
        _table(runs),
        "<h2>Cases that flip</h2>",
        _flips(runs),
    ]
    return page("History", "\n".join(parts))


def _names(runs: Sequence[Run]) -> list[str]:
    return sorted({name for run in runs for name in run.summary["metrics"]})


def _chart(name: str, runs: Sequence[Run]) -> str:
    """Value from 0 to 1 upwards, runs from left to right."""
    step = (WIDE - 2 * EDGE) / max(1, len(runs) - 1)

    def up(value: float) -> float:
        return HIGH - 18 - value * (HIGH - 30)

    points = [
        (EDGE + at * step, one, run.config.run)
        for at, run in enumerate(runs)
        if "value" in (one := run.summary["metrics"].get(name, {}))
    ]
    if not points:
        return ""
    band = [f"{x:.1f},{up(one['high']):.1f}" for x, one, _ in points]
    band += [f"{x:.1f},{up(one['low']):.1f}" for x, one, _ in reversed(points)]
    line = " ".join(f"{x:.1f},{up(one['value']):.1f}" for x, one, _ in points)
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{up(one["value"]):.1f}" r="3" fill="var(--accent)">'
        f"<title>{text(run)}: {one['value']:.3f}</title></circle>"
        for x, one, run in points
    )
    grid = "".join(
        f'<path d="M{EDGE} {up(v):.1f}H{WIDE - EDGE}" stroke="var(--line)"/>'
        f'<text x="4" y="{up(v) + 4:.1f}">{v:g}</text>'
        for v in (0, 0.5, 1)
    )
    said = f"{name}: from {points[0][1]['value']:.3f} to {points[-1][1]['value']:.3f}"
    now = f"{points[-1][1]['value']:.3f} now"
    title = f"<figcaption><b>{text(name)}</b> <span class=soft>{now}</span></figcaption>"
    return (
        f'<figure>{title}<svg viewBox="0 0 {WIDE} {HIGH}" width="{WIDE}" role="img" '
        f'aria-label="{text(said)}">{grid}'
        f'<polygon points="{" ".join(band)}" fill="var(--wash)"/>'
        f'<polyline points="{line}" fill="none" stroke="var(--accent)" stroke-width="2"/>'
        f"{dots}{_dates(runs)}</svg></figure>"
    )


def _dates(runs: Sequence[Run]) -> str:
    """The day of the first and of the last run."""
    first, last = runs[0].config.started[:10], runs[-1].config.started[:10]
    end = f'<text x="{WIDE - EDGE}" y="{HIGH - 2}" text-anchor="end">{text(last)}</text>'
    return f'<text x="{EDGE}" y="{HIGH - 2}">{text(first)}</text>{end if len(runs) > 1 else ""}'


def _table(runs: Sequence[Run]) -> str:
    rows = [
        [
            text(run.config.run),
            text(run.config.suite.target),
            str(run.summary["answers"]),
            str(run.summary["failed"]),
            f"{run.summary['seconds']:.1f}",
            usd(run.summary["cost_usd"]),
        ]
        for run in reversed(runs)
    ]
    return table(
        ["run", "target", "answers", "failed", "seconds", "cost"], rows, numbers=(2, 3, 4, 5)
    )


def _flips(runs: Sequence[Run]) -> str:
    """How often a case changed from one run to the next, and by which metric most."""
    flips: Counter[str] = Counter()
    by: dict[str, Counter[str]] = {}
    found = [cells(run.rows) for run in runs]
    for old, new in pairwise(found):
        for metric in old.keys() & new.keys():
            for case in old[metric].keys() & new[metric].keys():
                if old[metric][case].value != new[metric][case].value:
                    flips[case] += 1
                    by.setdefault(case, Counter())[metric] += 1
    if not flips:
        return "<p>None: every case kept every grade.</p>"
    rows = [
        [text(case), str(count), text(", ".join(f"{m} ({n})" for m, n in by[case].most_common(4)))]
        for case, count in flips.most_common(MOST_FLIPS)
    ]
    return table(["case", "changes", "of"], rows, numbers=(1,))
