"""Three tasks, each by the agent and by two prompts: solved, calls, tokens, cost and time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shared.settings import Settings
from shared.tables import table
from stage4_agent.contract import nobody
from stage4_agent.journal import Journal
from stage4_agent.runner import Bench, open_bench, run_task
from stage4_agent.tasks import Run, Task, load_tasks, problems
from stage4_agent.tools.offered import DATA
from stage4_agent.two_prompts import TASKS, two_prompts


async def compare(model: str, settings: Settings, home: Path) -> list[dict[str, Any]]:
    rows = []
    async with open_bench(model, settings, home) as bench:
        for task in load_tasks(DATA / "tasks.jsonl"):
            if task.id in TASKS:
                rows.append(_row(task, "agent", await run_task(task, bench)))
                rows.append(_row(task, "two prompts", await _prompted(task, bench)))
    return rows


async def _prompted(task: Task, bench: Bench) -> Run:
    kit = bench.kit(task.task, Journal(), nobody)
    outcome = await two_prompts(task.task, TASKS[task.id], kit)
    called = [{"event": "result", "tool": tool} for tool in task.uses]  # by its very form
    return Run(outcome, called, [])


def ways_text(rows: Sequence[dict[str, Any]]) -> str:
    names = ("task", "way", "solved", "model_calls", "tokens", "usd", "seconds")
    return table([names, *([str(row[name]) for name in names] for row in rows)])


def _row(task: Task, way: str, run: Run) -> dict[str, Any]:
    out = run.outcome
    return {
        "task": task.id,
        "way": way,
        "solved": "no" if problems(task, run) else "yes",
        "model_calls": out.steps,
        "tokens": out.usage.input_tokens + out.usage.output_tokens,
        "usd": f"{out.usd:.6f}",
        "seconds": f"{out.seconds:.2f}",
    }
