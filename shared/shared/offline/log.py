"""Every request the server saw, in order, so that an examiner can compare it with what is claimed.

The newest `capacity` requests are kept, and of their bodies at most `BODY_BYTES` in all. An API key
is never stored: a request carries a salted digest of it, made anew for each server.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

CAPACITY = 10_000
BODY_BYTES = 64 * 2**20


@dataclass(slots=True, kw_only=True)
class Entry:
    """One request. `*_at` are `time.monotonic()` seconds.

    `usage` is what was reported, in the words of the wire; `billed` is the truth.
    `output_tokens_sent` counts pieces that left the server before the end or the break.
    """

    sequence: int
    key: str
    path: str
    wire: str
    arrived_at: float
    arrived_wall: float
    user_agent: str = ""
    retry_count: int = 0
    model: str = ""
    streamed: bool = False
    messages: int = 0
    tools: int = 0
    faults: list[str] = field(default_factory=list)
    request_id: str = ""
    status: int = 0
    usage: dict[str, Any] | None = None
    billed: dict[str, int] | None = None
    output_tokens_sent: int = 0
    first_byte_at: float | None = None
    finished_at: float | None = None
    client_disconnected: bool = False
    error: str = ""
    raw: bytes | None = b""

    def as_json(self) -> dict[str, Any]:
        out = {name: getattr(self, name) for name in self.__slots__ if name != "raw"}
        return out | {"body": _readable(self.raw)}


def _readable(raw: bytes | None) -> Any:
    """The body as JSON when it is JSON, else as text; None when it was dropped to save memory."""
    if raw is None:
        return None
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return raw.decode("utf-8", "replace")


class RequestLog:
    """Written by the server's thread and read from any."""

    def __init__(
        self, capacity: int = CAPACITY, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._entries: deque[Entry] = deque(maxlen=capacity)
        self._clock = clock
        self._salt = secrets.token_bytes(16)
        self._changed = threading.Condition()
        self._sequence = 0
        self._bytes = 0
        self._stopped = False

    def key_id(self, key: str) -> str:
        return blake2b(key.encode(), key=self._salt, digest_size=6).hexdigest() if key else ""

    def open(self, key: str, path: str, wire: str) -> Entry:
        with self._changed:
            self._sequence += 1
            if len(self._entries) == self._entries.maxlen:
                self._forget_body(self._entries[0])
            entry = Entry(
                sequence=self._sequence,
                key=self.key_id(key),
                path=path,
                wire=wire,
                arrived_at=self._clock(),
                arrived_wall=time.time(),
            )
            self._entries.append(entry)
            return entry

    def keep_body(self, entry: Entry, raw: bytes) -> None:
        with self._changed:
            entry.raw = raw
            self._bytes += len(raw)
            for old in self._entries:
                if self._bytes <= BODY_BYTES:
                    break
                self._forget_body(old)

    def close(self, entry: Entry) -> None:
        with self._changed:
            entry.finished_at = entry.finished_at or self._clock()
            self._changed.notify_all()

    def read(self, key: str | None = None) -> list[Entry]:
        with self._changed:
            return self._of(key)

    def clear(self, key: str | None = None) -> None:
        with self._changed:
            for entry in self._of(key):
                self._forget_body(entry)
                self._entries.remove(entry)

    def wait_finished(self, key: str | None, count: int, timeout_s: float) -> list[Entry]:
        """Finished requests of `key`, as soon as there are `count`; fewer when time ran out."""

        def finished() -> list[Entry]:
            return [entry for entry in self._of(key) if entry.finished_at is not None]

        with self._changed:
            self._changed.wait_for(lambda: self._stopped or len(finished()) >= count, timeout_s)
            return finished()

    def stop_waiting(self) -> None:
        """The server ends: whoever waits gets what there is."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _of(self, key: str | None) -> list[Entry]:
        wanted = None if key is None else self.key_id(key)
        return [entry for entry in self._entries if wanted is None or entry.key == wanted]

    def _forget_body(self, entry: Entry) -> None:
        self._bytes -= len(entry.raw or b"")
        entry.raw = None
