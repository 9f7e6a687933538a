"""The numbers this stage is judged by, measured now: tasks solved, faults survived, and the loop.

`tasks_solved` counts the tasks that the model is meant for: all with a real model, those marked
`offline` with the offline one. A fault is survived when the end is the right answer, an honest
"could not", or a stop within limits, and no number was made up.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.resampling import wilson
from shared.score import Row, Score, rows_text
from shared.settings import Settings
from shared.tables import table
from stage4_agent import agent
from stage4_agent.contract import Solve
from stage4_agent.matrix import Cell, run_matrix
from stage4_agent.overhead import us_per_step
from stage4_agent.runner import open_bench, run_task
from stage4_agent.tasks import Run, Task, chosen, load_tasks, problems
from stage4_agent.tools.offered import DATA

SOLVED_BAR, SURVIVED_BAR, STEP_BAR_US = 1.0, 1.0, 100.0
TASKS_EACH = 2  # of every group of tools, for every fault


@dataclass(frozen=True, slots=True)
class AgentScore(Score):
    missed: tuple[tuple[str, str], ...] = ()  # a task, and why it is not solved
    cells: tuple[Cell, ...] = ()

    def to_json(self) -> dict[str, Any]:
        cells = [
            {n: getattr(c, n) for n in ("group", "fault", "task", "end", "why")} for c in self.cells
        ]
        return Score.to_json(self) | {"missed": dict(self.missed), "faults": cells}


async def score(
    model: str, settings: Settings, home: Path, *, solve: Solve = agent.solve
) -> AgentScore:
    """Everything with `model`, which is really paid for."""
    started = time.monotonic()
    async with open_bench(model, settings, home) as bench:
        offline = bench.name.provider == "offline"
        tasks = chosen(load_tasks(DATA / "tasks.jsonl"), [], offline=offline)
        runs = [(task, await run_task(task, bench, solve=solve)) for task in tasks]
        cells = await run_matrix(tasks, bench, solve=solve, each=TASKS_EACH)
    missed = tuple((t.id, "; ".join(found)) for t, run in runs if (found := problems(t, run)))
    return AgentScore(
        stage=4,
        model=bench.name.id,
        cases=len(runs) + len(cells),
        rows=_rows(runs, cells, missed),
        seconds=time.monotonic() - started,
        cost_usd=float(sum(run.outcome.usd for _, run in runs)),
        missed=missed,
        cells=tuple(cells),
    )


def _rows(
    runs: Sequence[tuple[Task, Run]], cells: Sequence[Cell], missed: Sequence[object]
) -> tuple[Row, ...]:
    solved, survived = len(runs) - len(missed), sum(cell.survived for cell in cells)
    made_up = sum(bool(run.outcome.unsupported) for _, run in runs)
    return (
        _share("tasks_solved", solved, len(runs), SOLVED_BAR),
        _share("faults_survived", survived, len(cells), SURVIVED_BAR),
        Row("answers_with_made_up_numbers", made_up, 0, at_most=True),
    )


def with_overhead(score: AgentScore, solve: Solve = agent.solve) -> AgentScore:
    """The same with the loop's own cost, which is measured outside of an event loop."""
    best = min(us_per_step(10, solve) for _ in range(3))  # neighbours on the machine only add to it
    row = Row("cpu_us_per_step", round(best, 1), STEP_BAR_US, at_most=True)
    fields = {
        name: getattr(score, name) for name in ("stage", "model", "cases", "seconds", "cost_usd")
    }
    return AgentScore(rows=(*score.rows, row), missed=score.missed, cells=score.cells, **fields)


def render(score: AgentScore) -> str:
    cost = f"${score.cost_usd:.4f} for the tasks"
    head = f"{score.model}: {score.cases} runs, {score.seconds:.1f} s, {cost}\n\n"
    lines = [f"  {task}: {why}" for task, why in score.missed]
    lost = "\n".join(["", "not solved:", *lines]) + "\n" if lines else ""
    return head + rows_text(score.rows) + "\n" + matrix_text(score.cells) + lost


def matrix_text(cells: Sequence[Cell]) -> str:
    """Tools down, faults across; the worst end of the tasks that were tried."""
    worst = ("wrong", "stopped", "honest", "recovered")
    faults = list(dict.fromkeys(cell.fault for cell in cells))
    rows = [["tool", *faults]]
    for group in dict.fromkeys(cell.group for cell in cells):
        ends = {f: [c.end for c in cells if c.group == group and c.fault == f] for f in faults}
        rows.append([group, *(min(ends[f], key=worst.index) if ends[f] else "" for f in faults)])
    return table(rows)


def _share(metric: str, hits: int, total: int, bar: float) -> Row:
    if not total:
        return Row(metric, 0.0, bar)
    low, high = wilson(hits, total)
    return Row(metric, hits / total, bar, low=low, high=high)
