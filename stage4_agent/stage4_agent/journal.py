"""The record of a run, one JSON object a line: what is replayed, and what a session resumes from.

A line is written before the run goes on; ahead of a side effect it is on the disk as well. Left
out: rotation, and two processes that write one session at once (the second is refused).
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from operator import attrgetter
from pathlib import Path
from typing import IO, Any

from shared.errors import LocalError, UserError
from shared.messages import Reply, ToolCall, Usage

Event = dict[str, Any]
Watch = Callable[[Event], None]
USED = attrgetter(*Usage.__slots__)
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, default=str
)  # made once: `json.dumps` makes one a call


class Journal:
    """`events` starts with those of an earlier run of the session. Without a file: in memory."""

    def __init__(
        self, file: Path | None = None, *, session: str = "", watch: Watch | None = None
    ) -> None:
        self.session = session or secrets.token_hex(6)
        self.watch = watch
        self.events: list[Event] = []
        self.extra: Event = {}  # what the first event also says: the plan, the worker
        self._stream: IO[bytes] | None = None
        if file is not None:
            self._stream = _locked(file)
            self.events = _resumable(self._stream, file)
            if self.events:
                self.session = str(self.events[0].get("session", self.session))

    def write(self, event: Event, *, durable: bool = False) -> None:
        self.events.append(event)
        if self._stream is not None:
            try:
                self._stream.write(_line(event))
                self._stream.flush()
                if durable:
                    os.fsync(self._stream.fileno())
            except OSError as error:
                raise LocalError(f"the journal cannot be written: {error.strerror}") from None
        if self.watch is not None:
            self.watch(event)

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_journal(file: Path) -> list[Event]:
    """The events of a finished or interrupted run; `UserError` when it is no journal."""
    try:
        with file.open("rb") as stream:
            events = [event for event, _ in _events(stream)]
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}") from None
    _must_be_ours(events or [{}], file)
    return events


def now() -> float:
    """Seconds since 1970 in UTC, to the millisecond."""
    return round(time.time(), 3)


def reply_event(step: int, reply: Reply, usd: Decimal, note: str) -> Event:
    """What is kept of a model's turn. `note` is what it was told beside the results before it."""
    used = reply.usage or Usage()
    return {
        "event": "reply",
        "step": step,
        "text": reply.text,
        "calls": [{"id": c.id, "name": c.name, "json": c.json} for c in reply.tool_calls],
        "stop": reply.stop,
        "refusal": reply.refusal,
        "model": reply.model,
        "usage": dict(zip(Usage.__slots__, USED(used), strict=True)),
        "usd": str(usd),
        "seconds": round(reply.timing.total_s, 4),
        "note": note,
    }


def reply_of(event: Event) -> Reply:
    return Reply(
        text=event["text"],
        tool_calls=tuple(ToolCall(**call) for call in event["calls"]),
        stop=event["stop"],
        refusal=event["refusal"],
        model=event["model"],
        usage=Usage(**event["usage"]),
    )


def _line(event: Event) -> bytes:
    """Half a surrogate pair, which a model can write, becomes its JSON escape."""
    return (_ENCODER.encode(event) + "\n").encode("utf-8", "backslashreplace")


def _events(stream: Iterable[bytes]) -> Iterator[tuple[Event, int]]:
    """Whole lines and where each ends: the last line of a killed run may be cut."""
    end = 0
    for line in stream:
        end += len(line)
        try:
            event = json.loads(line) if line.endswith(b"\n") else None
        except ValueError:
            return
        if not isinstance(event, dict):
            return
        yield event, end


def _resumable(stream: IO[bytes], file: Path) -> list[Event]:
    """The events, with the stream cut behind the last whole one so that writing goes on there."""
    stream.seek(0)
    found = list(_events(stream))
    size = stream.seek(0, os.SEEK_END)
    if found or size:
        _must_be_ours([event for event, _ in found] or [{}], file)
        stream.truncate(found[-1][1])
    return [event for event, _ in found]


def _must_be_ours(events: list[Event], file: Path) -> None:
    if events[0].get("event") != "task":
        raise UserError(f"{file} is no trace of an agent: `stage4 run --trace FILE` writes one")


def _locked(file: Path) -> IO[bytes]:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        stream = file.open("a+b")
    except OSError as error:
        raise LocalError(f"{file} cannot be written: {error.strerror}") from None
    try:
        import fcntl
    except ImportError:  # Windows: no lock
        return stream
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        stream.close()
        raise UserError(f"{file}: another process is running this session") from None
    return stream
