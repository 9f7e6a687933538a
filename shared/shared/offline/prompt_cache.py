"""Prompt caching as the vendors bill it, simulated per API key and model.

Anthropic: a prefix is written at each `cache_control` mark and read when the same prefix was
written or read within its time to live (5 minutes or 1 hour); under 1,024 tokens nothing is cached;
the longest match wins; a mark also finds prefixes that ended up to 20 blocks before it.
OpenAI: automatic, every 128 tokens from 1,024 on, kept for 5 minutes after its last use; writing
is free. Nothing is stored but digests, at most `CAPACITY` of them; the oldest go first.
"""

from __future__ import annotations

import threading
import time
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterable
from hashlib import blake2b

from shared.offline.billing import Segment
from shared.offline.wire import Bill

MINIMUM = 1024
STEP = 128
LOOK_BACK = 20
AUTOMATIC_TTL_S = 300
CAPACITY = 65_536

Prefix = tuple[int, bytes]  # tokens, digest


class PromptCache:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._expires: OrderedDict[bytes, tuple[float, int]] = OrderedDict()
        self._lock = threading.Lock()

    def marked(self, owner: str, prompt: list[Segment]) -> Bill:
        """The Anthropic way: read, then write, at the marks of the prompt."""
        prefixes = _ends(owner, prompt)
        total = prefixes[-1][0] if prefixes else 0
        marks = [i for i, part in enumerate(prompt) if part.ttl_s and prefixes[i][0] >= MINIMUM]
        if not marks:
            return Bill(total)
        with self._lock:
            read = self._longest(prefixes[i] for i in _within_reach(marks))
            written = {300: 0, 3600: 0}
            reached = read
            for i in marks:
                tokens, digest = prefixes[i]
                self._keep(digest, prompt[i].ttl_s)
                written[prompt[i].ttl_s] += max(0, tokens - reached)
                reached = max(reached, tokens)
        return Bill(total, read, written[300], written[3600])

    def automatic(self, owner: str, prompt: list[Segment]) -> Bill:
        """The OpenAI way: the longest known multiple of 128 tokens is cached."""
        total = sum(len(part.tokens) for part in prompt)
        steps = _steps(owner, prompt)
        with self._lock:
            read = self._longest(reversed(steps))
            for _, digest in steps:
                self._keep(digest, AUTOMATIC_TTL_S)
        return Bill(total, read)

    def _longest(self, prefixes: Iterable[Prefix]) -> int:
        now = self._clock()
        live = 0
        for tokens, digest in prefixes:
            expires, ttl_s = self._expires.get(digest, (0.0, 0))
            if expires > now and tokens >= MINIMUM and tokens > live:
                live = tokens
                self._keep(digest, ttl_s)
        return live

    def _keep(self, digest: bytes, ttl_s: int) -> None:
        self._expires[digest] = (self._clock() + ttl_s, ttl_s)
        self._expires.move_to_end(digest)
        while len(self._expires) > CAPACITY:
            self._expires.popitem(last=False)


def _within_reach(marks: list[int]) -> list[int]:
    return sorted({i for mark in marks for i in range(max(0, mark - LOOK_BACK), mark + 1)})


def _ends(owner: str, prompt: list[Segment]) -> list[Prefix]:
    """The prefix that ends after each segment."""
    digest, total, out = blake2b(owner.encode(), digest_size=16), 0, []
    for part in prompt:
        digest.update(array("q", (len(part.tokens), *part.tokens)).tobytes())
        total += len(part.tokens)
        out.append((total, digest.digest()))
    return out


def _steps(owner: str, prompt: list[Segment]) -> list[Prefix]:
    """The prefixes of 1,024, 1,152, 1,280 … tokens."""
    tokens = array("q", (token for part in prompt for token in part.tokens))
    digest, out = blake2b(owner.encode(), digest_size=16), []
    for end in range(STEP, len(tokens) + 1, STEP):
        digest.update(tokens[end - STEP : end].tobytes())
        if end >= MINIMUM:
            out.append((end, digest.digest()))
    return out
