"""Rate-limit headers as both vendors write them. They count down truly; nothing is ever refused.

A 429 is a fault that somebody scripts (`faults`), so that no test depends on how fast it runs.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

WINDOW_S = 60.0
REQUESTS = 4_000
TOKENS = 2_000_000
MAX_KEYS = 1000


class RateLimits:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._windows: OrderedDict[str, tuple[float, int, int]] = OrderedDict()

    def headers(self, wire: str, key_id: str, tokens: int = 0) -> dict[str, str]:
        """Counts one request of `tokens` and states what is left of this minute."""
        now = self._clock()
        started, requests, spent = self._windows.get(key_id, (now, 0, 0))
        if now - started >= WINDOW_S:
            started, requests, spent = now, 0, 0
        requests, spent = requests + 1, spent + tokens
        self._windows[key_id] = (started, requests, spent)
        self._windows.move_to_end(key_id)
        if len(self._windows) > MAX_KEYS:
            self._windows.popitem(last=False)
        left = {
            "requests": (REQUESTS, max(0, REQUESTS - requests)),
            "tokens": (TOKENS, max(0, TOKENS - spent)),
        }
        write = _anthropic if wire == "anthropic" else _openai
        return write(left, started + WINDOW_S - now)


def _anthropic(left: dict[str, tuple[int, int]], reset_s: float) -> dict[str, str]:
    reset = datetime.now(UTC) + timedelta(seconds=math.ceil(reset_s))
    out = {}
    for name, (limit, remaining) in left.items():
        out[f"anthropic-ratelimit-{name}-limit"] = str(limit)
        out[f"anthropic-ratelimit-{name}-remaining"] = str(remaining)
        out[f"anthropic-ratelimit-{name}-reset"] = reset.strftime("%Y-%m-%dT%H:%M:%SZ")
    return out


def _openai(left: dict[str, tuple[int, int]], reset_s: float) -> dict[str, str]:
    out = {}
    for name, (limit, remaining) in left.items():
        out[f"x-ratelimit-limit-{name}"] = str(limit)
        out[f"x-ratelimit-remaining-{name}"] = str(remaining)
        out[f"x-ratelimit-reset-{name}"] = f"{max(reset_s, 0):.3f}s"
    return out
