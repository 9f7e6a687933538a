"""What every contract test needs: the offline server, and a provider for each wire and engine.

Nothing here waits for real: the provider's sleep is a list of the waits that it wished.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from shared.calls import CallRecord
from shared.messages import Finished, Reply, Request, StreamEvent, TextDelta, user
from shared.models import Model
from shared.offline.log import Entry
from shared.offline.server import LocalServer
from shared.providers.anthropic_wire import AnthropicWire
from shared.providers.chat_wire import ChatWire
from shared.providers.engine_http import HttpEngine
from shared.providers.engine_sdk import anthropic_engine, openai_engine
from shared.providers.provider import Provider
from shared.providers.retry import RetryPolicy
from shared.providers.transport_aiohttp import AiohttpTransport
from shared.providers.transport_httpx2 import Httpx2Transport
from shared.providers.wires import Engine

Mode = Literal["blocking", "streaming"]
MODELS = {
    "anthropic": Model("offline-small", "anthropic", "anthropic", 128_000),
    "chat": Model("offline-small", "openai", "chat", 128_000),
}


@dataclass
class Bench:
    """One wire on one engine against one server, under a key that no other test uses."""

    server: LocalServer
    wire: str
    engine: str
    key: str = field(default_factory=lambda: f"key-{uuid.uuid4().hex}")
    waits: list[float] = field(default_factory=list)
    records: list[CallRecord] = field(default_factory=list)

    def script(self, *faults: Any) -> None:
        self.server.script(self.key, faults)

    def provider(
        self,
        *,
        timeout_s: float = 60.0,
        tries: int = 4,
        base_url: str = "",
        sleep: Callable[[float], Awaitable[None]] | None = None,
    ) -> Provider:
        async def no_sleep(seconds: float) -> None:
            self.waits.append(seconds)
            await asyncio.sleep(0)

        return Provider(
            MODELS[self.wire],
            AnthropicWire() if self.wire == "anthropic" else ChatWire(),
            self.make_engine(base_url or self.address),
            timeout_s=timeout_s,
            retry=RetryPolicy(tries, random=random.Random(7)),
            taps=[self.records.append],
            sleep=sleep or no_sleep,
            key=self.key,
        )

    @property
    def address(self) -> str:
        return self.server.base_url if self.wire == "anthropic" else self.server.openai_base_url

    def make_engine(self, base_url: str) -> Engine:
        if self.engine == "sdk":
            make = anthropic_engine if self.wire == "anthropic" else openai_engine
            return make(base_url, self.key)
        wire = AnthropicWire() if self.wire == "anthropic" else ChatWire()
        make_transport = AiohttpTransport if self.engine == "aiohttp" else Httpx2Transport
        url = base_url.rstrip("/") + wire.path
        return HttpEngine(make_transport(url, wire.headers(self.key)))

    async def finished(self, count: int = 1) -> list[Entry]:
        """The server's log of this key, once `count` requests have ended there."""
        entries = await asyncio.to_thread(self.server.wait_finished, self.key, count)
        assert len(entries) == count
        return entries

    async def ask(self, provider: Provider, request: Request, mode: Mode) -> Reply:
        """The reply either way; a streamed one must consist of exactly the deltas it gave out."""
        if mode == "blocking":
            return await provider.complete(request)
        events: list[StreamEvent] = []
        await self.stream(provider, request, into=events)
        assert isinstance(events[-1], Finished)
        assert self.said(events) == events[-1].reply.text
        return events[-1].reply

    async def stream(
        self, provider: Provider, request: Request, *, into: list[StreamEvent]
    ) -> None:
        """Reads a stream to its end; `into` keeps the events that came before an error."""
        async with provider.stream(request) as stream:
            async for event in stream:
                into.append(event)

    @staticmethod
    def said(events: list[StreamEvent]) -> str:
        return "".join(event.text for event in events if isinstance(event, TextDelta))


@pytest.fixture(scope="session")
def server() -> Iterator[LocalServer]:
    with LocalServer() as running:
        yield running


@pytest.fixture(params=["anthropic", "chat"])
def wire(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def loaded_sdks(server: LocalServer) -> None:
    """One call on each, so that no test with a short time budget pays for the import of an SDK."""

    async def call(wire: str) -> None:
        async with Bench(server, wire, "sdk").provider() as provider:
            await provider.complete(Request(messages=(user("What is RRF?"),)))

    with ThreadPoolExecutor() as threads:
        for wire in MODELS:
            threads.submit(asyncio.run, call(wire)).result()


@pytest.fixture(params=["http", "aiohttp", "sdk"])
def engine(request: pytest.FixtureRequest) -> str:
    if request.param == "sdk":
        request.getfixturevalue("loaded_sdks")
    return str(request.param)


@pytest.fixture(params=["blocking", "streaming"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make_bench(server: LocalServer) -> Callable[[str, str], Bench]:
    return lambda wire, engine: Bench(server, wire, engine)


@pytest.fixture
def bench(server: LocalServer, wire: str, engine: str) -> Bench:
    return Bench(server, wire, engine)
