"""Keeps N calls in flight for a while and says what that cost; one process for one client.

Reads orders as JSON lines on standard input and answers each with one line, so that many short
windows can be interleaved between processes that are all warm. Usage: load_client.py CLIENT
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

Call = Callable[[], Awaitable[object]]
WARM_UP_S = 0.2
LONGEST_S = 30.0
QUESTION = "Why is the sky blue? " * 80  # a body of 1.7 kB, about what a small RAG prompt is
CHAT = {
    "model": "bench",
    "messages": [{"role": "user", "content": QUESTION}],
    "max_completion_tokens": 64,
}
MESSAGES = {"model": "bench", "messages": CHAT["messages"], "max_tokens": 64}


def _read_stream(lines: list[str]) -> None:
    for line in lines:
        if line.startswith("data: {"):
            json.loads(line[6:])


@asynccontextmanager
async def like_httpx(package: str, url: str, streamed: bool) -> AsyncIterator[Call]:
    """`httpx` and `httpx2` share their interface."""
    module = importlib.import_module(package)
    limits = module.Limits(max_connections=None, max_keepalive_connections=100)
    body = CHAT | {"stream": streamed}
    path = f"{url}/v1/chat/completions"

    async def whole() -> None:
        response = await client.post(path, json=body)
        json.loads(response.content)

    async def stream() -> None:
        async with client.stream("POST", path, json=body) as response:
            _read_stream([line async for line in response.aiter_lines()])

    async with module.AsyncClient(
        verify=False, trust_env=False, limits=limits, timeout=None
    ) as client:
        yield stream if streamed else whole


@asynccontextmanager
async def with_aiohttp(url: str, streamed: bool) -> AsyncIterator[Call]:
    aiohttp = importlib.import_module("aiohttp")
    body = CHAT | {"stream": streamed}
    path = f"{url}/v1/chat/completions"

    async def whole() -> None:
        async with session.post(path, json=body) as response:
            json.loads(await response.read())

    async def stream() -> None:
        async with session.post(path, json=body) as response:
            _read_stream([line.decode() async for line in response.content])

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield stream if streamed else whole


@asynccontextmanager
async def with_engine(name: str, url: str, streamed: bool) -> AsyncIterator[Call]:
    from shared.providers import engine_sdk

    body = (MESSAGES if name == "sdk-anthropic" else CHAT) | ({"stream": True} if streamed else {})
    if name == "sdk-openai":
        engine: Any = engine_sdk.openai_engine(f"{url}/v1", "none")
    elif name.startswith("own-"):
        engine = own_engine(name.removeprefix("own-"), f"{url}/v1/chat/completions")
    else:
        engine = engine_sdk.anthropic_engine(url, "none")

    async def stream() -> None:
        async with engine.stream(body) as opened:
            async for _ in opened.events:
                pass

    yield stream if streamed else lambda: engine.post(body)
    await engine.aclose()


def own_engine(client: str, url: str) -> Any:
    from shared.providers.engine_http import HttpEngine
    from shared.providers.transport_aiohttp import AiohttpTransport
    from shared.providers.transport_httpx2 import Httpx2Transport

    make: Any = AiohttpTransport if client == "aiohttp" else Httpx2Transport
    return HttpEngine(make(url, {"authorization": "Bearer none"}))


@asynccontextmanager
async def with_provider(engine: str, url: str, streamed: bool) -> AsyncIterator[Call]:
    """The own engine with everything above it: wire, reader, time budget, retries."""
    from shared.messages import Request, user
    from shared.models import Model
    from shared.providers.opening import open_provider
    from shared.settings import Settings

    settings = Settings.model_validate({"OPENAI_BASE_URL": f"{url}/v1", "STAGES_ENGINE": engine})
    request = Request(messages=(user(QUESTION),), max_tokens=64)
    model = Model("bench", "compatible", "chat", 128_000)
    async with open_provider(model, settings) as provider:

        async def stream() -> None:
            async with provider.stream(request) as events:
                async for _ in events:
                    pass

        yield stream if streamed else lambda: provider.complete(request)


def opened(client: str, url: str, streamed: bool) -> Any:
    if client in ("httpx", "httpx2"):
        return like_httpx(client, url, streamed)
    if client == "aiohttp":
        return with_aiohttp(url, streamed)
    if client.startswith("provider-"):
        return with_provider(client.removeprefix("provider-"), url, streamed)
    return with_engine(client, url, streamed)


async def window(call: Call, connections: int, seconds: float) -> list[float]:
    """Latencies in seconds of the calls that ended inside the window."""
    latencies: list[float] = []
    end = time.perf_counter() + seconds

    async def worker() -> None:
        while (start := time.perf_counter()) < end:
            await call()
            latencies.append(time.perf_counter() - start)

    async with asyncio.timeout(seconds + LONGEST_S), asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(worker())
    return latencies


async def measure(client: str, order: dict[str, Any]) -> dict[str, float]:
    async with opened(client, order["url"], order["streamed"]) as call:
        await window(call, order["connections"], WARM_UP_S)
        start, cpu = time.perf_counter(), time.process_time()
        latencies = sorted(await window(call, order["connections"], order["seconds"]))
        spent, took = time.process_time() - cpu, time.perf_counter() - start
    return {
        "requests/s": len(latencies) / took,
        "p50 ms": latencies[len(latencies) // 2] * 1000,
        "p99 ms": latencies[len(latencies) * 99 // 100] * 1000,
        "CPU ms a request": spent / len(latencies) * 1000,
    }


def main() -> None:
    for line in sys.stdin:
        print(json.dumps(asyncio.run(measure(sys.argv[1], json.loads(line)))), flush=True)


if __name__ == "__main__":
    main()
