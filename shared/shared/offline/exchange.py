"""One turn over HTTP: answer whole or token by token, break where a fault says so."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import NamedTuple

from shared.offline.call import Broken, Call, Headers, count_spent, describe
from shared.offline.connection import Connection, to_json
from shared.offline.fields import Fields, Rejected
from shared.offline.log import Entry
from shared.offline.service import Service
from shared.offline.wire import Frame, Parse, Parsed, Turn, Wire

LARGE_BODY = 32 * 2**10  # above it, counting alone would hold up the other streams
BREAKS = {"hold": 1, "error_event": 0, "cut": 0}  # and after how many tokens, if not said
BROKEN_STATUS = {"overloaded_error": 529, "rate_limit_error": 429}


class Route(NamedTuple):
    parse: Parse
    wire: Wire


class Exchange(Call):
    def __init__(
        self, service: Service, route: Route, link: Connection, seen: Entry, headers: Headers
    ) -> None:
        super().__init__(service, route.wire, link, seen, headers)
        self._parse = route.parse

    async def answer(self, body: Fields, size: int) -> None:
        parsed = self._parse(body, self.link.headers)
        describe(self.seen, parsed)
        turn = await self._turn(parsed, size)
        if parsed.stream:
            await self._stream(turn, parsed)
        else:
            await self._whole(turn, parsed)

    async def _turn(self, parsed: Parsed, size: int) -> Turn:
        """The large model and long prompts think in a thread, so that other streams go on."""
        work = (self.wire, parsed, self.seen.key, self.faults)
        slow = size > LARGE_BODY or self.service.size_of(parsed.model) == "large"
        if slow:
            turn, bill = await asyncio.to_thread(self.service.turn, *work)
        else:
            turn, bill = self.service.turn(*work)
        self.seen.usage, self.seen.billed = turn.usage, asdict(bill)
        count_spent(self, bill.total + bill.output)
        return turn

    async def _whole(self, turn: Turn, parsed: Parsed) -> None:
        await self.link.pause(self.field("slow_first_token", "seconds", 0))
        await self.link.pause(self._per_token() * turn.tokens)
        if self.has("hold"):
            await self._hold()
        if self.has("error_event"):
            kind = self.field("error_event", "type", "overloaded_error")
            message = self.field("error_event", "message", "Scripted fault")
            raise Rejected(BROKEN_STATUS.get(kind, 500), message, type=kind)
        headers = self.headers | {"content-type": "application/json"}
        data = to_json(self.wire.reply(turn, parsed))
        if self.has("cut"):
            return await self._cut_short(headers, data)
        self.seen.output_tokens_sent = turn.tokens
        await self.link.reply(200, headers, data)

    async def _cut_short(self, headers: Headers, data: bytes) -> None:
        """Half a body: short of its announced length, or ended as if that were all."""
        half = data[: len(data) // 2]
        if self.field("cut", "how", "reset") == "clean":
            return await self.link.reply(200, headers, half)
        await self.link.start(200, headers | {"content-length": str(len(data))})
        await self.link.write(half)
        raise Broken

    async def _stream(self, turn: Turn, parsed: Parsed) -> None:
        headers = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
        await self.link.start(200, self.headers | headers)
        breaks = self._breaks(turn.tokens)
        for frame in self.wire.frames(turn, parsed):
            sent = self.seen.output_tokens_sent
            opening = not (frame.tokens or frame.final or sent)
            while breaks and sent >= breaks[0][0] and not opening:
                if await self._break(breaks.pop(0)[1], turn):
                    return
            await self._wait_for(frame)
            await self.link.write(frame.data)
            self.seen.output_tokens_sent += frame.tokens
        await self.link.end()

    async def _wait_for(self, frame: Frame) -> None:
        if frame.tokens:
            first = self.seen.output_tokens_sent == 0
            slow = self.field("slow_first_token", "seconds", 0) if first else 0
            await self.link.pause(slow or (0 if first else self._per_token()))

    def _per_token(self) -> float:
        pace = self.service.options.pace
        return float(self.field("pace", "seconds_per_token", 1 / pace if pace else 0))

    def _breaks(self, tokens: int) -> list[tuple[int, str]]:
        """What happens after which token; what would come after the last one happens there."""
        wanted = [kind for kind in BREAKS if self.has(kind)]
        at = [
            (min(self.field(kind, "after_tokens", BREAKS[kind]), tokens), kind) for kind in wanted
        ]
        return sorted(at, key=lambda pair: pair[0])

    async def _break(self, kind: str, turn: Turn) -> bool:
        """Lets `kind` happen; True when the stream is over."""
        if kind == "hold":
            await self._hold()
            return False
        if kind == "error_event":
            error = self.field(kind, "type", "overloaded_error")
            message = self.field(kind, "message", "Scripted fault")
            shape = self.field(kind, "shape", "flat")
            for frame in self.wire.error_frames(error, message, turn, shape):
                await self.link.write(frame.data)
        elif self.field(kind, "how", "reset") == "reset":
            raise Broken
        await self.link.end()
        return True

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
