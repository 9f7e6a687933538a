"""One model call over HTTP: read, answer whole or token by token, break where a fault says so."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import asdict
from typing import Any, NamedTuple

from shared.offline.connection import ClientGone, Connection, to_json
from shared.offline.faults import Faults
from shared.offline.fields import Fields, Rejected, read_json
from shared.offline.log import Entry
from shared.offline.service import Service
from shared.offline.wire import Frame, Parsed, Turn, Wire

MAX_BODY = 32 * 2**20
LARGE_BODY = 32 * 2**10  # above it, counting alone would hold up the other streams
HTML = "<!doctype html><title>502</title><h1>Bad gateway</h1><p>A proxy's page, not the API.</p>"
BROKEN_STATUS = {"overloaded_error": 529, "rate_limit_error": 429}
Headers = dict[str, str]


class Route(NamedTuple):
    parse: Callable[[Fields, Mapping[str, str]], Parsed]
    wire: Wire


class Broken(Exception):
    """A fault ends this answer here, before its end."""


class Exchange:
    """The state of one call while it is answered."""

    def __init__(
        self, service: Service, route: Route, link: Connection, seen: Entry, headers: Headers
    ) -> None:
        self.service, self.route, self.link = service, route, link
        self.seen, self.headers = seen, headers
        self.faults: Faults = {}

    async def run(self) -> None:
        raw = await read_body(self.service, self.link, self.seen)
        async with watching(self.link):
            self.faults = self.service.scripts.next(self.seen.key)
            self.seen.faults = list(self.faults)
            await self.link.pause(self._field("hang", "seconds", 0))
            if "status" in self.faults or "html" in self.faults:
                return await self._instead()
            parsed = self.route.parse(read_json(raw), self.link.headers)
            describe(self.seen, parsed)
            turn = await self._turn(parsed, len(raw))
            if parsed.stream:
                await self._stream(turn, parsed)
            else:
                await self._whole(turn, parsed)

    def _field(self, kind: str, name: str, default: Any) -> Any:
        return self.faults.get(kind, {}).get(name, default)

    async def _instead(self) -> None:
        """A scripted status, or a proxy's page."""
        if "html" in self.faults:
            status, body, kind = self._field("html", "status", 200), HTML.encode(), "text/html"
        else:
            status, body, kind = self._scripted_status()
        extra = {k.lower(): str(v) for k, v in self._field("status", "headers", {}).items()}
        await self.link.reply(status, self.headers | {"content-type": kind} | extra, body)

    def _scripted_status(self) -> tuple[int, bytes, str]:
        status = self._field("status", "status", 500)
        body = self._field("status", "body", None)
        if isinstance(body, str):
            return status, body.encode(), "text/plain"
        if body is None:
            problem = Rejected(
                status,
                self._field("status", "message", f"Scripted fault: status {status}"),
                type=self._field("status", "type", ""),
                code=self._field("status", "code", None),
            )
            body = self.route.wire.error(problem, self.seen.request_id)
        return status, to_json(body), "application/json"

    async def _turn(self, parsed: Parsed, size: int) -> Turn:
        """The large model and long prompts think in a thread, so that other streams go on."""
        work = (self.route.wire, parsed, self.seen.key, self.faults)
        slow = size > LARGE_BODY or self.service.size_of(parsed.model) == "large"
        if slow:
            turn, bill = await asyncio.to_thread(self.service.turn, *work)
        else:
            turn, bill = self.service.turn(*work)
        self.seen.usage, self.seen.billed = turn.usage, asdict(bill)
        spent = bill.total + bill.output
        self.headers |= self.service.limits.headers(self.route.wire.NAME, self.seen.key, spent)
        return turn

    async def _whole(self, turn: Turn, parsed: Parsed) -> None:
        await self.link.pause(self._field("slow_first_token", "seconds", 0))
        await self.link.pause(self._per_token() * turn.tokens)
        if "hold" in self.faults:
            await self._hold()
        if "error_event" in self.faults:
            kind = self._field("error_event", "type", "overloaded_error")
            message = self._field("error_event", "message", "Scripted fault")
            raise Rejected(BROKEN_STATUS.get(kind, 500), message, type=kind)
        headers = self.headers | {"content-type": "application/json"}
        data = to_json(self.route.wire.reply(turn, parsed))
        if "cut" in self.faults:
            return await self._cut_short(headers, data)
        self.seen.output_tokens_sent = turn.tokens
        await self.link.reply(200, headers, data)

    async def _cut_short(self, headers: Headers, data: bytes) -> None:
        """Half a body: short of its announced length, or ended as if that were all."""
        half = data[: len(data) // 2]
        if self._field("cut", "how", "reset") == "clean":
            return await self.link.reply(200, headers, half)
        await self.link.start(200, headers | {"content-length": str(len(data))})
        await self.link.write(half)
        raise Broken

    async def _stream(self, turn: Turn, parsed: Parsed) -> None:
        headers = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
        await self.link.start(200, self.headers | headers)
        break_at = min(self._break_after(), turn.tokens)
        broken = False
        for frame in self.route.wire.frames(turn, parsed):
            sent = self.seen.output_tokens_sent
            if not broken and sent >= break_at and (frame.tokens or frame.final or sent):
                broken = True
                if await self._break(turn):
                    return
            await self._wait_for(frame)
            await self.link.write(frame.data)
            self.seen.output_tokens_sent += frame.tokens
        await self.link.end()

    async def _wait_for(self, frame: Frame) -> None:
        if frame.tokens:
            first = self.seen.output_tokens_sent == 0
            slow = self._field("slow_first_token", "seconds", 0) if first else 0
            await self.link.pause(slow or (0 if first else self._per_token()))

    def _per_token(self) -> float:
        pace = self.service.options.pace
        return float(self._field("pace", "seconds_per_token", 1 / pace if pace else 0))

    def _break_after(self) -> float:
        """The token after which something happens; endless when nothing does."""
        defaults = {"cut": 0, "error_event": 0, "hold": 1}
        at = [
            self._field(kind, "after_tokens", n) for kind, n in defaults.items() if self._has(kind)
        ]
        return min(at, default=float("inf"))

    def _has(self, kind: str) -> bool:
        return kind in self.faults

    async def _break(self, turn: Turn) -> bool:
        """What happens at the break; True when the stream is over."""
        if self._has("hold"):
            await self._hold()
        if self._has("error_event"):
            kind = self._field("error_event", "type", "overloaded_error")
            message = self._field("error_event", "message", "Scripted fault")
            shape = self._field("error_event", "shape", "flat")
            for frame in self.route.wire.error_frames(kind, message, turn, shape):
                await self.link.write(frame.data)
            await self.link.end()
            return True
        if self._has("cut"):
            if self._field("cut", "how", "reset") == "reset":
                raise Broken
            await self.link.end()
            return True
        return False

    async def _hold(self) -> None:
        """Waits for a release; a client that leaves ends the wait."""
        released = self.service.scripts.hold(self.seen.key)
        waits = [asyncio.ensure_future(e.wait()) for e in (released, self.link.gone)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.service.scripts.drop(self.seen.key, released)
            for wait in waits:
                wait.cancel()
        await self.link.pause(0)


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
    except ClientGone:
        raise
    finally:
        watcher.cancel()


def describe(seen: Entry, parsed: Parsed) -> None:
    seen.model, seen.streamed = parsed.model, parsed.stream
    seen.messages, seen.tools = len(parsed.request.messages), len(parsed.request.tools)
