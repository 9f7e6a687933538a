"""Clients that extract the same invoice again and again, each beside a bare POST of its own body.

One process for ours in this project's environment, one for instructor and the SDK under it in
theirs. After every call comes a bare `httpx2` POST of the very bytes that the call sent, and what
is reported is the difference. Usage: extraction_peer.py TASK, where TASK is the JSON file of
`extraction.task`; then orders as JSON lines on standard input, one answer a line. With CLIENT after
it, it prints a line when that client is made, gets one record, and ends.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

Call = Callable[[], Awaitable[Any]]  # gives the total of the invoice
Json = dict[str, Any]
WARM_UP = 3  # calls before the first order; the whole first round is thrown away besides


@asynccontextmanager
async def extractor(url: str, task: Json) -> AsyncIterator[Call]:
    """Everything ours does: evidence of each value, sums, usage and cost of every try."""
    from shared.prices import PriceList
    from stage2_extractor.extract import Extractor
    from stage2_extractor.prompts import load_prompt

    async with _provider(url, task) as provider:
        prompt = load_prompt("invoice", task["prompt"])
        asks = Extractor(prompt, provider, None, PriceList(), max_tokens=task["max_tokens"])

        async def call() -> Any:
            found = await asks.extract(task["text"])
            assert found.failure is None, found.failure
            assert not found.hallucinated, found.hallucinated
            assert found.cost_usd, "no cost"
            return getattr(found.record, "total", None)

        yield call


@asynccontextmanager
async def provider(url: str, task: Json) -> AsyncIterator[Call]:
    """`Provider.complete` and no more: the reply's JSON is not even read."""
    from stage2_extractor.prompts import load_prompt, request
    from stage2_extractor.shape import schema_of

    prompt = load_prompt("invoice", task["prompt"])
    schema = schema_of(prompt)
    async with _provider(url, task) as opened:

        async def call() -> Any:
            limit = task["max_tokens"]
            reply = await opened.complete(request(prompt, task["text"], schema, max_tokens=limit))
            return reply.text and task["total"]

        yield call


def _provider(url: str, task: Json) -> Any:
    from shared.models import Model
    from shared.providers.opening import open_provider
    from shared.settings import Settings

    own = {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "none", "STAGES_ENGINE": "http"}
    model = Model(task["model"], "openai", "chat", 128_000)
    return open_provider(model, Settings.model_validate(own))


@asynccontextmanager
async def instructor(url: str, task: Json, mode: str, quoted: bool = True) -> AsyncIterator[Call]:
    """instructor validates the reply against its Pydantic model; `quoted`: values with quotes."""
    from openai import AsyncOpenAI

    package = importlib.import_module("instructor")  # only their environment has it

    record = _record(task, quoted)
    async with AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:
        asks = package.from_openai(client, mode=package.Mode[mode])

        async def call() -> Any:
            found = await asks.chat.completions.create(
                model=task["model"],
                messages=list(task["messages"]),
                response_model=record,
                max_retries=1,
                max_tokens=task["max_tokens"],
            )
            return found.total.value if quoted else found.total

        yield call


@asynccontextmanager
async def openai(url: str, task: Json) -> AsyncIterator[Call]:
    """The SDK under instructor, asked with our schema; the reply's JSON is not even read."""
    from openai import AsyncOpenAI

    async with AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:

        async def call() -> Any:
            found: Any = await client.chat.completions.create(
                model=task["model"],
                messages=list(task["messages"]),
                response_format=task["response_format"],
                max_tokens=task["max_tokens"],
            )
            return found.choices[0].message.content and task["total"]

        yield call


def _record(task: Json, quoted: bool) -> Any:
    """The Pydantic model a user of instructor would write for our schema, descriptions included."""
    from pydantic import BaseModel, ConfigDict, Field, create_model

    sys.path.append(task["records"])  # records.py needs Pydantic only, which they have too
    from stage2_extractor.records import Invoice, LineItem

    told = task["fields"]
    strict = ConfigDict(extra="forbid")
    quote: Json = {"quote": (str | None, ...)} if quoted else {}

    def described(model: type[BaseModel], prefix: str = "") -> Json:
        return {
            name: (info.annotation, Field(description=told.get(prefix + name)))
            for name, info in model.model_fields.items()
            if name != "lines"
        }

    row = create_model("Row", __config__=strict, **described(LineItem, "lines."), **quote)
    fields = described(Invoice)
    if quoted:  # one class a kind, as a person would write it: each costs instructor 1 ms a call
        kinds = {str(kind): kind for kind, _ in fields.values()}
        stated = {
            key: create_model(f"Stated{place}", __config__=strict, value=(kind, ...), **quote)
            for place, (key, kind) in enumerate(kinds.items())
        }
        fields = {name: (stated[str(kind)], about) for name, (kind, about) in fields.items()}
    fields["lines"] = (list[row], Field(description=told.get("lines")))  # type: ignore[valid-type]
    return create_model("Record", __config__=strict, **fields)


CLIENTS: dict[str, Any] = {
    "extractor": ("quoted", extractor),
    "provider": ("quoted", provider),
    "openai": ("quoted", openai),
    "schema": ("quoted", lambda url, task: instructor(url, task, "JSON_SCHEMA")),
    "tools": ("quoted", lambda url, task: instructor(url, task, "TOOLS")),
    "plain-schema": ("plain", lambda url, task: instructor(url, task, "JSON_SCHEMA", False)),
}


class Pair:
    """A client and the bare POST of the bodies that one of its calls sends."""

    def __init__(self, call: Call, url: str, task: Json, tries: int) -> None:
        import httpx2

        self._call = call
        self._task = task
        self._tries = tries
        self._url = url + "/chat/completions"
        self._bare = httpx2.AsyncClient(
            verify=False, trust_env=False, headers={"content-type": "application/json"}
        )
        self._bodies: list[bytes] = []

    async def warm_up(self) -> None:
        for _ in range(WARM_UP):
            assert str(await self._call()) == self._task["total"], "another record than was sent"
        said = await self._bare.get(self._task["url"] + "/bodies")
        self._bodies = [one.encode() for one in said.json()][-self._tries :]
        for _ in range(WARM_UP):
            await self._post()

    async def measure(self, calls: int) -> dict[str, float]:
        """Wall time is the median of the calls, CPU time their mean: it includes the collector."""
        taken: list[tuple[float, float, float, float]] = []
        for _ in range(calls):
            taken.append((*await _timed(self._call), *await _timed(self._post)))
        wall, cpu, bare_wall, bare_cpu = zip(*taken, strict=True)
        return {
            "added wall ms": statistics.median(a - b for a, b in zip(wall, bare_wall, strict=True)),
            "added CPU ms": statistics.fmean(cpu) - statistics.fmean(bare_cpu),
            "bare wall ms": statistics.median(bare_wall),
            "bare CPU ms": statistics.fmean(bare_cpu),
            "sent kB": sum(map(len, self._bodies)) / 1000,
        }

    async def _post(self) -> None:
        for body in self._bodies:
            response = await self._bare.post(self._url, content=body)
            assert response.content


async def _timed(call: Call) -> tuple[float, float]:
    start, cpu = time.perf_counter(), time.process_time()
    await call()
    spent, took = time.process_time() - cpu, time.perf_counter() - start
    return took * 1000, spent * 1000


async def answer_orders(task: Json) -> None:
    """One event loop for all orders, so that every connection is kept."""
    pairs: dict[tuple[str, str], Pair] = {}
    async with AsyncExitStack() as stack:
        while line := await asyncio.to_thread(sys.stdin.readline):
            order = json.loads(line)
            client, kind = order["client"], order["kind"]
            if (client, kind) not in pairs:
                schema, opened = CLIENTS[client]
                url = f"{task['url']}/{schema}/{kind}/v1"
                call = await stack.enter_async_context(opened(url, task))
                pairs[client, kind] = Pair(call, url, task, 2 if kind == "bad-first" else 1)
                await pairs[client, kind].warm_up()
            print(json.dumps(await pairs[client, kind].measure(order["calls"])), flush=True)


async def once(client: str, task: Json) -> None:
    schema, opened = CLIENTS[client]
    async with opened(f"{task['url']}/{schema}/good/v1", task) as call:
        print("made", flush=True)
        assert str(await call()) == task["total"], "another record than was sent"


def main() -> None:
    file, *client = sys.argv[1:]
    task = json.loads(Path(file).read_text())
    asyncio.run(once(client[0], task) if client else answer_orders(task))


if __name__ == "__main__":
    main()
