"""The state of one call over all its tries, and the one time budget that they share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from shared.errors import CallError, DeadlineExceeded
from shared.messages import Reply, Request
from shared.providers.wires import Headers, StreamReader

T = TypeVar("T")


@dataclass
class Call:
    """`reader`, `headers` and `first_token_s` are those of the present try."""

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
    _timer: asyncio.TimerHandle | None = None
    _waiting: asyncio.Task[Any] | None = None
    _stopped: bool = False

    def next_try(self, reader: StreamReader | None = None) -> None:
        self.tries += 1
        self.reader, self.headers, self.first_token_s = reader, {}, None

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self.start

    @property
    def left_s(self) -> float:
        return self.timeout_s - self.elapsed_s

    async def within(self, awaitable: Awaitable[T]) -> T:
        """Awaits inside what is left of the time budget.

        One timer serves the whole call: `asyncio.timeout` around every event of a stream costs more
        than to read it. It stops a task only while that waits here, never the code that asked.
        """
        task = asyncio.current_task()
        assert task is not None
        cancels = task.cancelling()
        self._arm(task)
        try:
            return await awaitable
        except asyncio.CancelledError:
            if not (self._stopped and task.cancelling() <= cancels + 1):
                raise  # somebody else wants the task to end
            raise DeadlineExceeded(
                f"no full answer within {self.timeout_s:g} s: raise STAGES_TIMEOUT_S or try later"
            ) from None
        finally:
            self._waiting = None
            if self._stopped:
                self._stopped = False
                task.uncancel()

    def close(self) -> None:
        if self._timer:
            self._timer.cancel()

    def _arm(self, task: asyncio.Task[Any]) -> None:
        self._waiting = task
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(max(self.left_s, 0), self._stop)

    def _stop(self) -> None:
        self._timer = None  # so that a later wait is stopped as well
        if self._waiting:
            self._stopped = True
            self._waiting.cancel()
