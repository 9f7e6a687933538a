"""Times one piece of asynchronous work, or one after another; runs on any side of `rag_peer`."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any


async def measured(work: Awaitable[Any]) -> tuple[float, float, Any]:
    """Seconds on the wall, CPU seconds of all threads of this process, and what came of it."""
    start, cpu = time.perf_counter(), time.process_time()
    made = await work
    return time.perf_counter() - start, time.process_time() - cpu, made


async def asked(ask: Callable[[Any], Awaitable[Any]], questions: Sequence[Any]) -> dict[str, Any]:
    done = [await measured(ask(one)) for one in questions]
    walls, cpu, found = zip(*done, strict=True)
    return {
        "ms": [1000 * one for one in walls],
        "CPU ms": 1000 * sum(cpu) / len(cpu),
        "found": found,
    }
