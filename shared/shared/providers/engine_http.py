"""Our own engine: JSON over plain HTTP, on a client that `transports` describes.

What the SDKs add and this leaves to `provider`: retries and total time. What it has that they lack:
an HTML page or a stream that is cut is always an error, and nothing is imported but the client.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from shared.errors import BadRequest, ConnectionFailed, StreamBroken
from shared.providers.failures import from_status, not_the_api
from shared.providers.sse import EventTooLong, event_data
from shared.providers.transports import Received, Transport
from shared.providers.wires import Answered, Json, Opened

DRAIN_S = 0.5
LONGEST_PAGE = 200_000  # bytes of an error body worth reading


class HttpEngine:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def post(self, body: Json) -> Answered:
        async with self._answer(body) as received:
            raw = b"".join([chunk async for chunk in received.chunks()])
        try:
            payload = json.loads(raw)
        except (ValueError, RecursionError):
            payload = None
        if not isinstance(payload, dict):
            raise not_the_api(received.headers.get("content-type", ""), _text(raw))
        return Answered(payload, received.headers)

    @asynccontextmanager
    async def stream(self, body: Json) -> AsyncIterator[Opened]:
        async with self._answer(body) as received:
            kind = received.headers.get("content-type", "")
            if "text/event-stream" not in kind.lower():
                raise not_the_api(kind, await _start(received))
            yield Opened(received.headers, _events(received))

    async def aclose(self) -> None:
        await self._transport.aclose()

    @asynccontextmanager
    async def _answer(self, body: Json) -> AsyncIterator[Received]:
        received = await self._transport.send(_encoded(body))
        try:
            if received.status >= 300:
                raise from_status(received.status, received.headers, await _start(received))
            yield received
        finally:
            await received.aclose()  # also what cancels: the server sees the closed connection


def _encoded(body: Json) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except ValueError as error:  # half a surrogate pair, or a number that JSON has not
        raise BadRequest(f"the request cannot be written as JSON: {error}") from error


async def _events(received: Received) -> AsyncIterator[Json]:
    try:
        events = event_data(received.chunks())
        async for data in events:
            if data == "[DONE]":
                await _drain(events)
                return
            yield _event(data)
    except (ConnectionFailed, EventTooLong) as error:
        raise StreamBroken(str(error)) from error


async def _drain(events: AsyncIterator[str]) -> None:
    """Reads the end mark of the body: a connection that has more to say is not used again."""
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_S):
            async for _ in events:
                pass


def _event(data: str) -> Json:
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict):
        raise StreamBroken(f"an event of the stream is not a JSON object: {data[:80]!r}")
    return event


async def _start(received: Received) -> str:
    """The first part of a body that is not what was asked for."""
    held = b""
    async for chunk in received.chunks():
        held += chunk
        if len(held) > LONGEST_PAGE:
            break
    return _text(held)


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace")
