"""The state of one call over all its tries, and the one time budget that they share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

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
        """Awaits inside what is left of the time budget."""
        try:
            async with asyncio.timeout(max(self.left_s, 0)):
                return await awaitable
        except TimeoutError:
            raise DeadlineExceeded(
                f"no full answer within {self.timeout_s:g} s: raise STAGES_TIMEOUT_S or try later"
            ) from None
