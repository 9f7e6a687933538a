"""One call to a model over HTTP, whatever is asked for: read, fail on request, or answer.

What a healthy answer is, a subclass decides: a turn in `exchange`, vectors in `embeddings_call`.
"""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from typing import Any

from shared.offline.connection import Connection, to_json
from shared.offline.faults import Faults
from shared.offline.fields import Fields, Rejected, read_json
from shared.offline.log import Entry
from shared.offline.service import Service
from shared.offline.wire import Parsed, Wire

MAX_BODY = 32 * 2**20
HTML = "<!doctype html><title>502</title><h1>Bad gateway</h1><p>A proxy's page, not the API.</p>"
Headers = dict[str, str]


class Broken(Exception):
    """A fault ends this answer here, before its end."""


class Call(ABC):
    """The state of one call while it is answered."""

    def __init__(
        self, service: Service, wire: Wire, link: Connection, seen: Entry, headers: Headers
    ) -> None:
        self.service, self.wire, self.link = service, wire, link
        self.seen, self.headers = seen, headers
        self.faults: Faults = {}

    @abstractmethod
    async def answer(self, body: Fields, size: int) -> None:
        """Answers a body of `size` bytes."""

    async def run(self) -> None:
        raw = await read_body(self.service, self.link, self.seen)
        async with watching(self.link):
            self.faults = self.service.scripts.next(self.seen.key)
            self.seen.faults = list(self.faults)
            await self.link.pause(self.field("hang", "seconds", 0))
            if self.has("status") or self.has("html"):
                await self._instead()
            else:
                await self.answer(read_json(raw), len(raw))

    def has(self, kind: str) -> bool:
        return kind in self.faults

    def field(self, kind: str, name: str, default: Any) -> Any:
        return self.faults.get(kind, {}).get(name, default)

    async def _instead(self) -> None:
        """A scripted status, or a proxy's page."""
        if self.has("html"):
            status, body, kind = self.field("html", "status", 200), HTML.encode(), "text/html"
        else:
            status, body, kind = self._scripted_status()
        extra = {k.lower(): str(v) for k, v in self.field("status", "headers", {}).items()}
        await self.link.reply(status, self.headers | {"content-type": kind} | extra, body)

    def _scripted_status(self) -> tuple[int, bytes, str]:
        status = self.field("status", "status", 500)
        body = self.field("status", "body", None)
        if isinstance(body, str):
            return status, body.encode(), "text/plain"
        if body is None:
            problem = Rejected(
                status,
                self.field("status", "message", f"Scripted fault: status {status}"),
                type=self.field("status", "type", ""),
                code=self.field("status", "code", None),
            )
            body = self.wire.error(problem, self.seen.request_id)
        return status, to_json(body), "application/json"


async def read_body(service: Service, link: Connection, seen: Entry) -> bytes:
    raw = await link.body(MAX_BODY)
    service.log.keep_body(seen, raw)
    return raw


@contextlib.asynccontextmanager
async def watching(link: Connection) -> AsyncIterator[None]:
    """Notices, while the block runs, that the client closes."""
    watcher = asyncio.ensure_future(link.watch())
    try:
        yield
    finally:
        watcher.cancel()


def describe(seen: Entry, parsed: Parsed) -> None:
    seen.model, seen.streamed = parsed.model, parsed.stream
    seen.messages, seen.tools = len(parsed.request.messages), len(parsed.request.tools)


def count_spent(call: Call, tokens: int) -> None:
    """Adds the rate-limit headers, with this call's tokens taken off."""
    call.headers |= call.service.limits.headers(call.wire.NAME, call.seen.key, tokens)
