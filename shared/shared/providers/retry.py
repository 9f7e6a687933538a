"""When to try again and how long to wait first. The one retry layer of the project.

Written here because neither SDK does it safely and the ready-made decorators cap a server's wish
instead of refusing it: waiting less than `retry-after` only earns the next 429.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from shared.errors import CallError, DeadlineExceeded


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`tries` counts the first one. Waits double from `first_wait_s` up to `longest_wait_s`."""

    tries: int = 4
    first_wait_s: float = 0.5
    longest_wait_s: float = 8.0
    random: random.Random = field(default_factory=random.Random)

    def wait_s(self, tried: int, error: CallError, left_s: float) -> float:
        """Seconds to wait after try number `tried` failed with `error`.

        Raises `error` itself when another try is no use, and `DeadlineExceeded` when the wait does
        not fit into the `left_s` seconds of the time budget.
        """
        if not error.retryable or tried >= self.tries:
            raise error
        wait = self._wish(tried, error)
        if wait >= left_s:
            raise DeadlineExceeded(
                f"{error}. A retry would have to wait {wait:.1f} s and {max(left_s, 0):.1f} s of "
                "the time budget are left: try later, or raise STAGES_TIMEOUT_S",
                status=error.status,
                code=error.code,
                request_id=error.request_id,
                retry_after_s=error.retry_after_s,
                partial=error.partial,
            ) from error
        return wait

    def _wish(self, tried: int, error: CallError) -> float:
        """The server's wish plus a little, so that clients do not return in step; or backoff."""
        if error.retry_after_s is not None:
            return error.retry_after_s + self.random.uniform(0, 0.1)
        full = min(self.longest_wait_s, self.first_wait_s * 2.0 ** (tried - 1))
        return full * self.random.uniform(0.5, 1.0)
