"""One model behind one interface: a wire on an engine, with retries and one time budget.

A stream that breaks is an error that carries what was seen, never a short success, and a retry
never repeats text that was already given out. Failover to another model is stage 6's work.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import replace

from shared.calls import CallRecord, Tap
from shared.errors import CallError, ProtocolError, StreamBroken
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
from shared.providers.call import Call
from shared.providers.failures import from_error_event
from shared.providers.retry import RetryPolicy
from shared.providers.wires import Engine, Json, StreamReader, Wire

SHORTEST_KEY = 8  # shorter ones are no secrets: "none", "offline"
MALFORMED = (KeyError, TypeError, AttributeError, IndexError, ValueError)


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
        key: str = "",
    ) -> None:
        self.model = model
        self._wire = wire
        self._engine = engine
        self._timeout_s = timeout_s
        self._retry = retry or RetryPolicy()
        self._taps = taps
        self._sleep = sleep
        self._key = key

    async def complete(self, request: Request, *, feature: str = "") -> Reply:
        """The whole answer at once. Raises a `CallError` when no try got one."""
        call = Call(request, feature, streamed=False, timeout_s=self._timeout_s)
        body = self._wire.body(request, self.model, stream=False)
        try:
            while True:
                call.next_try()
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
        call = Call(request, feature, streamed=True, timeout_s=self._timeout_s)
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

    async def _blocking(self, call: Call, body: Json) -> Reply:
        answered = await call.within(self._engine.post(body))
        call.headers = answered.headers
        if error := answered.payload.get("error"):
            raise from_error_event(error)
        with _malformed("the answer"):
            reply = self._wire.reply(answered.payload)
            ended = self._wire.ended(answered.payload)
        if not ended:
            raise ProtocolError("the answer has no content or stop reason: not of the API")
        return self._complete(call, reply)

    async def _events(self, call: Call, body: Json, raw: bool) -> AsyncGenerator[StreamEvent, None]:
        shown = False
        while True:
            call.next_try(reader := self._wire.reader())
            try:
                async with aclosing(self._one_try(call, body, reader, raw)) as events:
                    async for event in events:
                        shown = shown or isinstance(event, TextDelta)
                        yield event
                with _malformed("the stream"):
                    call.outcome = self._complete(call, reader.reply())
                break
            except CallError as error:
                if shown:  # a second try would say the same words again
                    call.outcome = self._failed(call, error)
                    raise
                wait_s = self._next_wait(call, error)
                yield Retrying(call.tries, wait_s, str(error))
                await self._sleep(wait_s)
        yield Finished(call.outcome)

    async def _one_try(
        self, call: Call, body: Json, reader: StreamReader, raw: bool
    ) -> AsyncGenerator[StreamEvent, None]:
        opening = self._engine.stream(body)
        opened = await call.within(opening.__aenter__())
        try:
            call.headers = opened.headers
            while (event := await call.within(anext(opened.events, None))) is not None:
                if raw:
                    yield WireEvent(json.dumps(event, ensure_ascii=False))
                with _malformed("an event of the stream"):
                    text = reader.feed(event)
                if reader.started and call.first_token_s is None:
                    call.first_token_s = call.elapsed_s
                if text:
                    yield TextDelta(text)
            if not reader.complete:
                raise StreamBroken("the stream ended before its end marker")
        except StreamBroken:
            if not reader.complete:  # what breaks after the end has broken nothing
                raise
        finally:
            await opening.__aexit__(None, None, None)

    def _next_wait(self, call: Call, error: CallError) -> float:
        try:
            return self._retry.wait_s(call.tries, self._failed(call, error), call.left_s)
        except CallError as last:
            call.outcome = self._failed(call, last)
            raise

    def _failed(self, call: Call, error: CallError) -> CallError:
        """The error with what only the call knows, and without a key that the server echoed."""
        error.attempts = call.tries
        error.request_id = error.request_id or call.headers.get(self._wire.request_id_header, "")
        error.partial = error.partial or self._seen(call)
        if len(self._key) >= SHORTEST_KEY:
            error.args = (str(error).replace(self._key, "[key]"),)
        return error

    def _complete(self, call: Call, reply: Reply) -> Reply:
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

    def _seen(self, call: Call) -> Reply | None:
        """What the last try had got when it broke or was left; None when that is nothing."""
        try:
            reply = call.reader.reply() if call.reader else Reply()
        except MALFORMED:  # the very reason why it broke
            return None
        if not (reply.text or reply.tool_calls or reply.usage):
            return None
        return self._complete(call, reply)

    def _tell(self, call: Call) -> None:
        call.close()
        outcome = call.outcome
        cancelled = outcome is None
        reply = self._seen(call) if cancelled else outcome if isinstance(outcome, Reply) else None
        record = CallRecord(
            started_at=call.started_at,
            total_s=call.elapsed_s,
            provider=self.model.provider,
            model=self.model.id,
            feature=call.feature,
            streamed=call.streamed,
            request=call.request,
            reply=reply,
            error=outcome if isinstance(outcome, CallError) else None,
            cancelled=cancelled,
        )
        for tap in self._taps:
            tap(record)


@contextmanager
def _malformed(what: str) -> Iterator[None]:
    try:
        yield
    except MALFORMED as error:
        raise ProtocolError(f"{what} is not of the API: {error!r}") from error
