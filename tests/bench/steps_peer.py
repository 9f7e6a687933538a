"""One agent with an instant model that calls `add` again and again: microseconds of CPU a step.

Usage: steps_peer.py NAME, with a Python that has the agent. It prints one JSON object: a step is
(T(k + 1) - T(1)) / k for k of 10 and 50, medians of some runs after a warm-up, the collector off.
`floor` is the least code that can be called an agent: it checks nothing and keeps no record.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

REPEATS, WARM_UP = 9, 3
STEPS = (10, 50)
Run = Callable[[int], Awaitable[float]]  # CPU seconds of a run with that many tool steps


@asynccontextmanager
async def floor() -> AsyncIterator[Run]:
    def add(a: int, b: int) -> int:
        return a + b

    async def run(steps: int) -> float:
        start = time.process_time()
        messages: list[dict[str, Any]] = [{"role": "user", "content": "Add."}]
        for number in range(steps):
            written = f'{{"a": {number}, "b": 1}}'
            messages.append({"role": "assistant", "call": ("add", written)})
            given = json.loads(written)
            messages.append({"role": "tool", "content": str(add(**given))})
        return time.process_time() - start

    yield run


def _ours(solve: Any, folder: str) -> Run:
    from stage4_agent.overhead import timed_run

    files = iter(range(1_000_000))

    async def run(steps: int) -> float:
        return await timed_run(steps, Path(folder) / f"{next(files)}.jsonl", solve)

    return run


@asynccontextmanager
async def loop() -> AsyncIterator[Run]:
    from stage4_agent.agent import solve

    with TemporaryDirectory() as folder:
        yield _ours(solve, folder)


@asynccontextmanager
async def port() -> AsyncIterator[Run]:
    from stage4_agent.langgraph_port import ported

    with TemporaryDirectory() as folder:
        yield _ours(ported(), folder)


@asynccontextmanager
async def port_on_disk() -> AsyncIterator[Run]:
    from stage4_agent.langgraph_port import with_checkpoints

    with TemporaryDirectory() as folder:
        async with with_checkpoints(Path(folder) / "checkpoints.db") as solve:
            yield _ours(solve, folder)


def _prebuilt(saver: Any) -> Run:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage
    from langchain_core.outputs import ChatGeneration, ChatResult
    from langchain_core.tools import tool
    from langgraph.prebuilt import create_react_agent

    class Instant(BaseChatModel):
        left: int = 0

        @property
        def _llm_type(self) -> str:
            return "instant"

        def bind_tools(self, tools: Any, **_: Any) -> Any:
            return self

        def _generate(self, *_: Any, **__: Any) -> Any:
            raise NotImplementedError

        async def _agenerate(self, *_: Any, **__: Any) -> ChatResult:
            self.left -= 1
            call = {"name": "add", "args": {"a": self.left, "b": 1}, "id": f"call_{self.left}"}
            said = (
                AIMessage("done") if self.left < 0 else AIMessage("", tool_calls=[call])  # type: ignore[list-item]
            )
            return ChatResult(generations=[ChatGeneration(message=said)])

    @tool
    async def add(a: int, b: int) -> int:
        """Adds two whole numbers."""
        return a + b

    model = Instant()
    agent = create_react_agent(model, [add], checkpointer=saver)
    threads = iter(range(1_000_000))

    async def run(steps: int) -> float:
        model.left = steps
        config: Any = {"configurable": {"thread_id": str(next(threads))}}
        start = time.process_time()
        found = await agent.ainvoke({"messages": [("user", "Add.")]}, config)
        spent = time.process_time() - start
        assert found["messages"][-1].content == "done"
        return spent

    return run


@asynccontextmanager
async def langgraph() -> AsyncIterator[Run]:
    yield _prebuilt(None)


@asynccontextmanager
async def langgraph_saving() -> AsyncIterator[Run]:
    from langgraph.checkpoint.memory import InMemorySaver

    yield _prebuilt(InMemorySaver())


@asynccontextmanager
async def pydantic_ai() -> AsyncIterator[Run]:
    from pydantic_ai import Agent, ModelResponse, TextPart, ToolCallPart, UsageLimits
    from pydantic_ai.models.function import FunctionModel

    left = 0

    async def instant(_messages: Any, _info: Any) -> ModelResponse:
        nonlocal left
        left -= 1
        call = ToolCallPart("add", {"a": left, "b": 1}, tool_call_id=f"call_{left}")
        return ModelResponse(parts=[TextPart("done") if left < 0 else call])

    agent = Agent(FunctionModel(instant))

    @agent.tool_plain
    async def add(a: int, b: int) -> int:
        """Adds two whole numbers."""
        return a + b

    async def run(steps: int) -> float:
        nonlocal left
        left = steps
        start = time.process_time()
        found = await agent.run("Add.", usage_limits=UsageLimits(request_limit=None))
        spent = time.process_time() - start
        assert found.output == "done"
        return spent

    yield run


async def measured(name: str) -> dict[str, float]:
    async with globals()[name]() as run:
        for _ in range(WARM_UP):
            await run(max(STEPS))
        gc.disable()
        times = {k: [await _clean(run, k) for _ in range(REPEATS)] for k in (1, *_more())}
    one = median(times[1])
    return {f"us at {k}": (median(times[k + 1]) - one) / k * 1e6 for k in STEPS}


async def _clean(run: Run, steps: int) -> float:
    spent = await run(steps)
    gc.collect()
    return spent


def _more() -> list[int]:
    return [k + 1 for k in STEPS]


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measured(sys.argv[1]))))
