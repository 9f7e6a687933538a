"""One HTTP exchange over raw ASGI: body in, answer out whole or in pieces, client leaving noticed.

Routing and meaning are decided elsewhere; WebSockets and lifespan events are left out.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from shared.offline.fields import Rejected

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class ClientGone(Exception):
    """The client closed the connection before the answer was complete."""


class Connection:
    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"].removeprefix(scope.get("root_path", ""))
        self.headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        self.query = {name: values[-1] for name, values in query.items()}
        self.status = 0
        self.first_byte_at: float | None = None
        self.gone = asyncio.Event()
        self.before_end: Callable[[], None] = lambda: None
        self._ended = False
        self._receive, self._send = receive, send

    @property
    def key(self) -> str:
        """The API key, from either header that clients use."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        bearer = token.strip() if scheme.lower() == "bearer" else ""
        return bearer or self.headers.get("x-api-key", "").strip()

    async def body(self, limit: int) -> bytes:
        """The whole body; one over `limit` bytes is read to its end, not kept, and refused."""
        chunks, size, more = [], 0, True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            chunk = message.get("body", b"")
            size += len(chunk)
            if size <= limit:
                chunks.append(chunk)
            more = message.get("more_body", False)
        if size > limit:
            raise Rejected(413, f"Request of {size} bytes exceeds the maximum of {limit} bytes")
        return b"".join(chunks)

    async def watch(self) -> None:
        """Runs beside the answer, after `body`: sets `gone` when the client closes."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if not self._ended:
            self.gone.set()

    async def pause(self, seconds: float) -> None:
        """Waits, or raises `ClientGone` as soon as the client leaves."""
        if self.gone.is_set():
            raise ClientGone
        if seconds > 0:
            try:
                await asyncio.wait_for(self.gone.wait(), seconds)
            except TimeoutError:
                return
            raise ClientGone

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        self.status = status
        raw = [
            (k.lower().encode("latin-1", "replace"), v.encode("latin-1", "replace"))
            for k, v in headers.items()
        ]
        await self._send({"type": "http.response.start", "status": status, "headers": raw})

    async def write(self, data: bytes) -> None:
        if self.gone.is_set():
            raise ClientGone
        if self.first_byte_at is None:
            self.first_byte_at = time.monotonic()
        await self._send({"type": "http.response.body", "body": data, "more_body": True})
        await asyncio.sleep(0)  # lets the loop notice that the client has left

    async def end(self, data: bytes = b"") -> None:
        self._ended = True
        if data and self.first_byte_at is None:
            self.first_byte_at = time.monotonic()
        self.before_end()
        await self._send({"type": "http.response.body", "body": data, "more_body": False})

    async def reply(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
        if self.gone.is_set():
            raise ClientGone
        await self.start(status, {**headers, "content-length": str(len(data))})
        await self.end(data)

    async def reply_json(
        self, status: int, value: object, headers: Mapping[str, str] | None = None
    ) -> None:
        json_type = {"content-type": "application/json"}
        await self.reply(status, json_type | dict(headers or {}), to_json(value))


def to_json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
