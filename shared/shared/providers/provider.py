"""One model behind one interface: a wire on an engine, with retries and one time budget.

A stream that breaks is an error that carries what was seen, never a short success, and a retry
never repeats text that was already given out. Failover to another model is stage 6's work.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TypeVar

from shared.calls import CallRecord, Tap
from shared.errors import CallError, DeadlineExceeded, ProtocolError, StreamBroken
from shared.messages import (
    Finished,
    Reply,
    Request,
    Retrying,
    StreamEvent,
    TextDelta,
    Timing,
    WireEvent,
)
from shared.models import Model
from shared.providers.retry import RetryPolicy
from shared.providers.wires import Engine, Headers, Json, StreamReader, Wire

T = TypeVar("T")
MALFORMED = (KeyError, TypeError, AttributeError, IndexError, ValueError)


@dataclass
class _Call:
    """One call over all its tries."""

    request: Request
    feature: str
    streamed: bool
    timeout_s: float
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    start: float = field(default_factory=time.monotonic)
    tries: int = 0
    first_token_s: float | None = None
    headers: Headers = field(default_factory=dict)
    reader: StreamReader | None = None
    outcome: Reply | CallError | None = None

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self.start

    @property
    def left_s(self) -> float:
        return self.timeout_s - self.elapsed_s

    async def within(self, awaitable: Awaitable[T]) -> T:
        """Awaits inside what is left of the time budget."""
        try:
            async with asyncio.timeout(max(self.left_s, 0)):
                return await awaitable
        except TimeoutError:
            raise DeadlineExceeded(
                f"no full answer within {self.timeout_s:g} s: raise STAGES_TIMEOUT_S or try later"
            ) from None


class Provider:
    """Talks to one model. `taps` hear of every call once, when it has ended."""

    def __init__(
        self,
        model: Model,
        wire: Wire,
        engine: Engine,
        *,
        timeout_s: float = 120.0,
        retry: RetryPolicy | None = None,
        taps: Sequence[Tap] = (),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.model = model
        self._wire = wire
        self._engine = engine
        self._timeout_s = timeout_s
        self._retry = retry or RetryPolicy()
        self._taps = taps
        self._sleep = sleep

    async def complete(self, request: Request, *, feature: str = "") -> Reply:
        """The whole answer at once. Raises a `CallError` when no try got one."""
        call = _Call(request, feature, streamed=False, timeout_s=self._timeout_s)
        body = self._wire.body(request, self.model, stream=False)
        try:
            while True:
                call.tries += 1
                try:
                    call.outcome = await self._blocking(call, body)
                    return call.outcome
                except CallError as error:
                    await self._sleep(self._next_wait(call, error))
        finally:
            self._tell(call)

    @asynccontextmanager
    async def stream(
        self, request: Request, *, feature: str = "", raw: bool = False
    ) -> AsyncIterator[AsyncIterator[StreamEvent]]:
        """The answer as it comes, ending in `Finished`. Leaving early closes the connection.

        Raises a `CallError` whose `partial` holds what had arrived. `raw` adds a `WireEvent` for
        each event of the wire.
        """
        call = _Call(request, feature, streamed=True, timeout_s=self._timeout_s)
        body = self._wire.body(request, self.model, stream=True)
        try:
            async with aclosing(self._events(call, body, raw)) as events:
                yield events
        finally:
            self._tell(call)

    async def aclose(self) -> None:
        await self._engine.aclose()

    async def __aenter__(self) -> Provider:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _blocking(self, call: _Call, body: Json) -> Reply:
        answered = await call.within(self._engine.post(body))
        call.headers = answered.headers
        try:
            reply = self._wire.reply(answered.payload)
        except MALFORMED as error:
            raise ProtocolError(f"the answer is not of the API: {error!r}") from error
        if reply.stop is None:
            raise ProtocolError("the answer has no content or stop reason: not of the API")
        return self._complete(call, reply)

    async def _events(
        self, call: _Call, body: Json, raw: bool
    ) -> AsyncGenerator[StreamEvent, None]:
        shown = False
        while True:
            call.tries += 1
            call.reader = reader = self._wire.reader()
            try:
                async with aclosing(self._one_try(call, body, reader, raw)) as events:
                    async for event in events:
                        shown = shown or isinstance(event, TextDelta)
                        yield event
                break
            except CallError as error:
                error.partial = self._seen(call)
                if shown:  # a second try would say the same words again
                    call.outcome = self._failed(call, error)
                    raise
                wait_s = self._next_wait(call, error)
                yield Retrying(call.tries, wait_s, str(error))
                await self._sleep(wait_s)
        call.outcome = self._complete(call, reader.reply())
        yield Finished(call.outcome)

    async def _one_try(
        self, call: _Call, body: Json, reader: StreamReader, raw: bool
    ) -> AsyncGenerator[StreamEvent, None]:
        opening = self._engine.stream(body)
        opened = await call.within(opening.__aenter__())
        try:
            call.headers = opened.headers
            while (event := await call.within(anext(opened.events, None))) is not None:
                if raw:
                    yield WireEvent(json.dumps(event, ensure_ascii=False))
                text = _feed(reader, event)
                if reader.started and call.first_token_s is None:
                    call.first_token_s = call.elapsed_s
                if text:
                    yield TextDelta(text)
            if not reader.complete:
                raise StreamBroken("the stream ended before its end marker")
        finally:
            await opening.__aexit__(None, None, None)

    def _next_wait(self, call: _Call, error: CallError) -> float:
        try:
            return self._retry.wait_s(call.tries, error, call.left_s)
        except CallError as last:
            call.outcome = self._failed(call, last)
            raise

    def _failed(self, call: _Call, error: CallError) -> CallError:
        error.attempts = call.tries
        return error

    def _complete(self, call: _Call, reply: Reply) -> Reply:
        """The reply with what only the call knows: who, when, how often."""
        return replace(
            reply,
            provider=self.model.provider,
            model=reply.model or self.model.id,
            request_id=call.headers.get(self._wire.request_id_header, ""),
            rate_limits=self._wire.rate_limits(call.headers),
            timing=Timing(call.first_token_s, call.elapsed_s),
            attempts=call.tries,
        )

    def _seen(self, call: _Call) -> Reply | None:
        """What the last try had got when it broke or was left; None when that is nothing."""
        reply = call.reader.reply() if call.reader else Reply()
        if not (reply.text or reply.tool_calls or reply.usage):
            return None
        return self._complete(call, reply)

    def _tell(self, call: _Call) -> None:
        outcome = call.outcome
        record = CallRecord(
            started_at=call.started_at,
            total_s=call.elapsed_s,
            provider=self.model.provider,
            model=self.model.id,
            feature=call.feature,
            streamed=call.streamed,
            request=call.request,
            reply=self._seen(call)
            if outcome is None
            else outcome
            if isinstance(outcome, Reply)
            else None,
            error=outcome if isinstance(outcome, CallError) else None,
            cancelled=outcome is None,
        )
        for tap in self._taps:
            tap(record)


def _feed(reader: StreamReader, event: Json) -> str:
    try:
        return reader.feed(event)
    except MALFORMED as error:
        raise ProtocolError(f"an event of the stream is not of the API: {error!r}") from error
