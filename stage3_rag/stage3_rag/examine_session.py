"""One run of a program that stays alive: what it is told, what it answers, how it ends.

Everything it prints is looked through for its key. Left out: what is asked, and starting it again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from shared.complaints import CRASH, quoted
from shared.examine import Failed, need
from shared.offline.app import CALLS
from shared.offline.log import Entry
from shared.offline.server import LocalServer
from shared.programs import Program, Run
from stage3_rag.examine_world import Fact, numbers_of
from stage3_rag.pipe_contract import BadReply, Told, read_count, read_told

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds that a program has before it counts as hanging."""

    ask_s: float = 60.0
    ingest_s: float = 300.0
    end_s: float = 20.0


@dataclass(frozen=True, slots=True)
class Ingested:
    """How many documents a program says it holds, and what that took."""

    documents: int
    seconds: float
    calls: list[Entry]


@dataclass(frozen=True, slots=True)
class Timed:
    """An answer, how long it took, and the model calls in that time."""

    told: Told
    seconds: float
    calls: list[Entry]


class Session:
    """Started at once; every failure of the program is a `Failed`, and ends this run of it."""

    def __init__(
        self,
        program: Program,
        server: LocalServer,
        key: str,
        home: Path,
        folder: Path,
        limits: Limits,
    ) -> None:
        self.server, self.key, self.folder, self._limits = server, key, folder, limits
        self.alive = True
        self.first: Ingested | None = None  # its first ingestion, its start included
        self._leaked = False
        environment = {
            "ANTHROPIC_BASE_URL": server.base_url,
            "OPENAI_BASE_URL": server.openai_base_url,
            "ANTHROPIC_API_KEY": key,
            "OPENAI_API_KEY": key,
            "STAGES_HOME": str(home),
        }
        self._running = program.start([], environment, None)

    @property
    def leaked(self) -> bool:
        """Whether its key was printed so far."""
        return self._leaked or self.key in self._running.stderr

    def ingest(self) -> Ingested:
        request = {"op": "ingest", "folder": str(self.folder)}
        return Ingested(*self._told(request, self._limits.ingest_s, read_count))

    def ask(self, question: str) -> Timed:
        request = {"op": "ask", "question": question}
        return Timed(*self._told(request, self._limits.ask_s, read_told))

    def answer(self, fact: Fact) -> Told:
        """Its answer, which must be the right one."""
        told = self.ask(fact.question).told
        need(not told.error, f"{fact.question!r} gave an error: {quoted(told.error)}")
        need(not told.declined, f"{fact.question!r} was declined; {fact.document} answers it")
        need(
            fact.value in numbers_of(told.answer),
            f"{fact.question!r} was answered with {quoted(told.answer)}; {fact.document} says "
            f"{fact.value}",
        )
        return told

    def hang_up(self) -> None:
        self._running.hang_up()

    def end(self) -> Run:
        """No more input; the way it ends."""
        self.alive = False
        run = self._running.finish(self._limits.end_s)
        self._look_through(run.stdout)
        return run

    def _told(
        self, request: dict[str, Any], within_s: float, read: Callable[[str], T]
    ) -> tuple[T, float, list[Entry]]:
        calls = len(self._calls())
        start = time.monotonic()
        self._running.say(json.dumps(request, ensure_ascii=False))
        line = self._running.next_line(within_s)
        seconds = time.monotonic() - start
        if line is None:
            raise Failed(self._why_silent(request["op"], within_s, seconds))
        self._look_through(line)
        try:
            return read(line), seconds, self._calls()[calls:]
        except BadReply as problem:
            self.end()  # nobody knows which line answers which from here on
            raise Failed(str(problem)) from None

    def _why_silent(self, op: str, within_s: float, seconds: float) -> str:
        if seconds >= within_s:
            self._running.kill()
            self.end()
            return f"no answer to {op!r} within {within_s:g} s"
        run = self.end()
        if run.ending == "flood":
            return f"printed more than 8 MB at {op!r}, and was stopped"
        how = "a stack trace" if CRASH.search(run.stderr) else "standard error"
        return f"it ended at {op!r}: exit code {run.exit_code}, {how} {quoted(run.stderr)}"

    def _calls(self) -> list[Entry]:
        return [entry for entry in self.server.log(self.key) if entry.path in CALLS]

    def _look_through(self, printed: str) -> None:
        self._leaked = self._leaked or self.key in printed
