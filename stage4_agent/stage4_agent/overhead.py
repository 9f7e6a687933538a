"""What the loop itself costs: CPU a tool step with an instant model, record on disk included."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from shared.messages import Reply, Request, ToolCall, Usage
from stage4_agent import agent
from stage4_agent.contract import Arguments, Kit, Limits, Solve, Tool
from stage4_agent.journal import Journal
from stage4_agent.scripted import ScriptedModel, says
from stage4_agent.toolbox import Toolbox

REPEATS = 15


def us_per_step(steps: int, solve: Solve = agent.solve) -> float:
    """Microseconds of CPU a step: (T(steps + 1) - T(1)) / steps, medians of some runs."""
    with tempfile.TemporaryDirectory() as folder:
        files = (Path(folder) / f"{number}.jsonl" for number in range(10_000))
        many, one = (
            median(asyncio.run(timed_run(count, next(files), solve)) for _ in range(REPEATS))
            for count in (steps + 1, 1)
        )
    return (many - one) / steps * 1e6


async def timed_run(steps: int, file: Path, solve: Solve) -> float:
    """CPU seconds of a run of `steps` tool calls, its record in `file`."""
    with Journal(file) as journal:
        kit = Kit(
            model=ScriptedModel(_adds(steps)),
            tools=Toolbox([ADD]),
            journal=journal,
            limits=Limits(steps=steps + 2, usd=None),
        )
        start = time.process_time()
        await solve("Add.", kit)
        return time.process_time() - start


def _adds(steps: int) -> Callable[[Request], Reply]:
    left = iter(range(steps))

    def script(_: Request) -> Reply:
        number = next(left, None)
        if number is None:
            return says("done")
        call = ToolCall(f"call_{number}", "add", f'{{"a": {number}, "b": 1}}')
        return Reply(tool_calls=(call,), stop="tool_use", usage=Usage(100, 20))

    return script


async def _add(given: Arguments, _key: str) -> int:
    return int(given["a"]) + int(given["b"])


ADD = Tool(
    name="add",
    description="Adds two whole numbers.",
    parameters={
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
    },
    run=_add,
)
