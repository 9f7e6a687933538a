"""Which fault comes next for an API key, and which held streams may go on.

Scripts are kept under the key's digest. Releases are counted, so one that comes before its stream
has reached the hold is not lost.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict, deque

from shared.offline.faults import Faults
from shared.offline.spoil import scripted

MAX_KEYS = 1000


class Scripts:
    def __init__(self) -> None:
        self._faults: OrderedDict[str, deque[Faults]] = OrderedDict()
        self._waiting: dict[str, deque[asyncio.Event]] = {}
        self._permits: dict[str, int] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    def put(self, key_id: str, faults: list[Faults]) -> None:
        """Replaces what was left of the key's script; `Rejected` for an unreadable reply."""
        for entry in faults:
            scripted(entry)
        with self._lock:
            self._faults[key_id] = deque(faults)
            self._faults.move_to_end(key_id)
            self._permits.pop(key_id, None)
            while len(self._faults) > MAX_KEYS:
                old, _ = self._faults.popitem(last=False)
                self._permits.pop(old, None)

    def next(self, key_id: str) -> Faults:
        with self._lock:
            waiting = self._faults.get(key_id)
            return waiting.popleft() if waiting else {}

    def hold(self, key_id: str) -> asyncio.Event:
        """An event that the next release of this key sets; called on the server's loop."""
        with self._lock:
            self._loop = asyncio.get_running_loop()
            event = asyncio.Event()
            if self._permits.get(key_id, 0):
                self._permits[key_id] -= 1
                event.set()
            else:
                self._waiting.setdefault(key_id, deque()).append(event)
            return event

    def drop(self, key_id: str, event: asyncio.Event) -> None:
        """The stream that waited is gone."""
        with self._lock:
            if event in self._waiting.get(key_id, ()):
                self._waiting[key_id].remove(event)

    def release(self, key_id: str) -> None:
        """Lets one held stream go on, the present or the next; from any thread."""
        with self._lock:
            waiting = self._waiting.get(key_id)
            if waiting and self._loop:
                self._loop.call_soon_threadsafe(waiting.popleft().set)
            else:
                self._permits[key_id] = self._permits.get(key_id, 0) + 1
