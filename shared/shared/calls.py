"""One finished call, well or badly ended: what a ledger, a budget and a trace are told.

A `Tap` is any function that takes a `CallRecord`; a provider calls its taps after each call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.errors import CallError
from shared.messages import Reply, Request, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """`started_at` is UTC. Exactly one of `reply` and `error` is set, unless it was cancelled:

    then `reply` is what had arrived and `cancelled` is true.
    """

    started_at: datetime
    total_s: float
    provider: str
    model: str
    feature: str
    streamed: bool
    request: Request
    reply: Reply | None = None
    error: CallError | None = None
    cancelled: bool = False

    @property
    def partial(self) -> Reply | None:
        """What arrived, whole or not."""
        return self.reply or (self.error.partial if self.error else None)

    @property
    def usage(self) -> Usage | None:
        """Tokens that were counted, also those of a call that broke; None when nobody said."""
        return self.partial.usage if self.partial else None


Tap = Callable[[CallRecord], None]
