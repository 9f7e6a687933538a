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


async def asked(work: Callable[[Any], Awaitable[Any]], items: Sequence[Any]) -> dict[str, Any]:
    """Milliseconds of each, CPU milliseconds of one on average, and what came of each."""
    done = [await measured(work(one)) for one in items]
    walls, cpu, found = zip(*done, strict=True)
    return {
        "ms": [1000 * one for one in walls],
        "CPU ms": 1000 * sum(cpu) / len(cpu),
        "found": found,
    }
