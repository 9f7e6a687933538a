"""What `Provider.stream` adds to a bare streaming client, in one process, all imports done.

Both read the same server. "kept" reuses the connection; "new" makes the client and connects, as a
command does that asks once.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable

from processes import local_server
from series import Comparison, Measured, Section, Table, differences

from shared.messages import Request, TextDelta, user
from shared.models import Model
from shared.providers.opening import open_provider
from shared.providers.provider import Provider
from shared.settings import Settings

ROUNDS = 60
REQUEST = Request(messages=(user("Why is the sky blue?"),), max_tokens=64)
MODELS = {
    "chat": Model("bench", "compatible", "chat", 128_000),
    "anthropic": Model("bench", "anthropic", "anthropic", 128_000),
}
PATHS = {"chat": "/v1/chat/completions", "anthropic": "/v1/messages"}
ENGINES = {"own engine": "http", "own on aiohttp": "aiohttp", "SDK engine": "sdk"}
KEPT, NEW = "kept ms", "new ms"


class Bare:
    """A POST and a loop over lines, nothing else."""

    def __init__(self, url: str, wire: str) -> None:
        import httpx2

        self._url = url + PATHS[wire]
        self._client = httpx2.AsyncClient(verify=False, trust_env=False)
        messages = [{"role": "user", "content": "Why is the sky blue?"}]
        self._body = {"model": "bench", "messages": messages, "max_tokens": 64, "stream": True}

    async def first_token_s(self) -> float:
        start, first = time.perf_counter(), 0.0
        async with self._client.stream("POST", self._url, json=self._body) as response:
            async for line in response.aiter_lines():
                if line.startswith("data: {") and json.loads(line[6:]) and '"word ' in line:
                    first = first or time.perf_counter() - start
        return first

    async def aclose(self) -> None:
        await self._client.aclose()


class Ours:
    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    async def first_token_s(self) -> float:
        start, first = time.perf_counter(), 0.0
        async with self._provider.stream(REQUEST) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    first = first or time.perf_counter() - start
        return first

    async def aclose(self) -> None:
        await self._provider.aclose()


def first_token_sections() -> list[Section]:
    with local_server() as url:
        return [asyncio.run(_section(url, wire)) for wire in ("chat", "anthropic")]


async def _section(url: str, wire: str) -> Section:
    makers: dict[str, Callable[[], Bare | Ours]] = {"bare httpx2": lambda: Bare(url, wire)}
    for name, engine in ENGINES.items():
        makers[name] = _maker(url, wire, engine)
    table = await _measure(makers)
    compared = [
        Comparison(
            f"{name} - bare httpx2, {column.split()[0]}",
            differences(table, column, name, "bare httpx2"),
            unit="ms",
            aim=10 if name == "own engine" else None,
        )
        for name in ENGINES
        for column in (KEPT, NEW)
    ]
    return Section(
        f"2 First token inside the process, {wire} wire",
        f"Call to first text, imports done, {ROUNDS} interleaved rounds.",
        table,
        compared,
    )


def _maker(url: str, wire: str, engine: str) -> Callable[[], Ours]:
    settings = Settings.model_validate(
        {
            "ANTHROPIC_API_KEY": "none",
            "ANTHROPIC_BASE_URL": url,
            "OPENAI_BASE_URL": f"{url}/v1",
            "STAGES_ENGINE": engine,
        }
    )
    return lambda: Ours(open_provider(MODELS[wire], settings))


async def _measure(makers: dict[str, Callable[[], Bare | Ours]]) -> Table:
    table: Table = {name: {KEPT: [], NEW: []} for name in makers}
    kept = {name: make() for name, make in makers.items()}
    for turn in range(ROUNDS + 5):
        for name, make in makers.items():
            measured = {KEPT: await kept[name].first_token_s(), NEW: await _once(make)}
            if turn >= 5:  # the first ones import, connect and warm up
                _note(table, name, measured)
    for client in kept.values():
        await client.aclose()
    return table


async def _once(make: Callable[[], Bare | Ours]) -> float:
    start = time.perf_counter()
    client = make()
    made = time.perf_counter() - start
    try:
        return made + await client.first_token_s()
    finally:
        await client.aclose()


def _note(table: Table, name: str, measured: Measured) -> None:
    for column, seconds in measured.items():
        table[name][column].append(seconds * 1000)
