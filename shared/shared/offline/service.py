"""What one server keeps between requests, and how a parsed call becomes a billed turn.

No HTTP here: `exchange` sends what this makes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.errors import MissingExtra
from shared.messages import Request
from shared.offline.answer import Answer
from shared.offline.billing import segments
from shared.offline.catalog import WINDOW, Kind, resolve
from shared.offline.faults import Faults
from shared.offline.fields import Rejected
from shared.offline.limits import RateLimits
from shared.offline.log import RequestLog
from shared.offline.prompt_cache import PromptCache
from shared.offline.scripts import Scripts
from shared.offline.skills.mind import Size
from shared.offline.spoil import change_usage, scripted, spoil
from shared.offline.threads import Threads
from shared.offline.turn import finish
from shared.offline.wire import Bill, Parsed, Turn, Wire

if TYPE_CHECKING:
    from shared.embeddings import Embedder

    Think = Callable[[Request, Size, Embedder | None], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`any_model` answers for unknown names. `pace`: tokens per second; 0 is at once."""

    any_model: str | None = None
    pace: float = 0.0
    window: int = WINDOW
    control: bool = False


class LazyEmbedder:
    """The embedding model, loaded at its first use and by one thread only."""

    def __init__(self, given: Embedder | None = None) -> None:
        self._embedder = given
        self._tried = given is not None
        self._lock = threading.Lock()

    def get(self) -> Embedder | None:
        """None when the `embeddings` extra is not installed."""
        with self._lock:
            if not self._tried:
                self._tried = True
                self._embedder = _load()
            return self._embedder


def _load() -> Embedder | None:
    try:
        from shared.embeddings import MiniLM

        return MiniLM()
    except (ImportError, MissingExtra):
        return None


class Service:
    def __init__(
        self,
        think: Think,
        options: Options,
        *,
        embedder: Embedder | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.options = options
        self.scripts = Scripts()
        self.log = RequestLog()
        self.limits = RateLimits(clock)
        self.embedder = LazyEmbedder(embedder)
        self._think = think
        self._cache = PromptCache(clock)
        self._threads = Threads()

    def size_of(self, model: str) -> Kind:
        return resolve(model, self.options.any_model).kind

    def count(self, parsed: Parsed, owner: str) -> int:
        """Tokens of a prompt that is only measured."""
        parsed = self._threads.join(owner, parsed)
        return sum(len(part.tokens) for part in segments(parsed))

    def turn(self, wire: Wire, parsed: Parsed, owner: str, faults: Faults) -> tuple[Turn, Bill]:
        """Bills the prompt, asks the brain, applies what the faults change; may take long."""
        parsed = self._threads.join(owner, parsed)
        bill = self._bill(wire, parsed, owner)
        answer = scripted(faults) or self._ask(parsed)
        answer = spoil(answer, parsed.request, faults)
        stop = faults.get("reply", {}).get("stop")
        turn, output = finish(answer, parsed, None, stop)
        if "truncated" in faults:
            limit = faults["truncated"].get("tokens", output // 2)
            turn, output = finish(answer, parsed, limit, "length")
        self._threads.keep(owner, parsed, turn)
        bill = replace(bill, output=output)
        return replace(turn, usage=change_usage(wire.usage(bill), faults)), bill

    def _bill(self, wire: Wire, parsed: Parsed, owner: str) -> Bill:
        prompt = segments(parsed)
        tokens = sum(len(part.tokens) for part in prompt)
        if tokens > self.options.window:
            problem = f"prompt is too long: {tokens} tokens > {self.options.window} maximum"
            raise Rejected(400, problem, param="messages", code=wire.TOO_LONG)
        scope = f"{owner}/{parsed.model}"
        if wire.NAME == "anthropic":
            return self._cache.marked(scope, prompt)
        return self._cache.automatic(scope, prompt)

    def _ask(self, parsed: Parsed) -> Answer:
        kind = self.size_of(parsed.model)
        embedder = self.embedder.get() if kind == "large" else None
        try:
            size: Size = "large" if kind == "large" else "small"
            answer = self._think(parsed.request, size, embedder)
        except MissingExtra as error:
            raise Rejected(400, str(error), param="model") from error
        return answer if parsed.parallel else replace(answer, tool_calls=answer.tool_calls[:1])
