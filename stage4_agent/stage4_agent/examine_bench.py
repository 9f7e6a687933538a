"""One program before the examiner: how it is run, what it said, what model and tools saw of it.

Nothing here knows what is asked; that is in `examine_checks` and `examine_failures`.
"""

from __future__ import annotations

import itertools
import json
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.complaints import new_key, quoted
from shared.examine import Failed, NotRun, need
from shared.messages import Request
from shared.offline.server import LocalServer
from shared.programs import Program
from shared.programs import Run as ProgramRun
from stage4_agent.examine_desk import Called, Case, Desk, Misdeed
from stage4_agent.examine_model import Turns, after, results

RUN_S = 40.0  # a run takes about a second
STEPS = 6
TOOL_S = 2.0
Behave = Callable[[Case, Called], dict[str, Any] | Misdeed]
ITEM = {"item": {"type": "string"}, "month": {"type": "integer"}}
ORDER = {"item": {"type": "string"}, "quantity": {"type": "integer"}}
TOOLS = (
    ("stock", "Units of an item in stock at the end of a month (1 to 12).", ITEM, False),
    ("price", "Price of an item in a month (1 to 12).", ITEM, False),
    ("order", "Orders an item. It is bought and paid at once.", ORDER, True),
)


def fine(case: Case, called: Called) -> dict[str, Any]:
    """What a healthy tool says; the figure is this run's own."""
    if called.name == "order":
        return {"result": {"order": f"PO-{figure(case, called)}"}}
    return {"result": {"value": figure(case, called)}}


def figure(case: Case, called: Called) -> int:
    """A number that stands nowhere else."""
    given = called.arguments if isinstance(called.arguments, dict) else {}
    return int(case.number) * 13 + int(given.get("month") or 0) if given else 0


@dataclass(frozen=True, slots=True)
class Seen:
    run: ProgramRun
    case: Case

    @property
    def requests(self) -> list[Request]:
        return self.case.requests

    @property
    def answer(self) -> str:
        """A full answer; `Failed` when there is none."""
        code = self.run.exit_code
        need(code == 0, f"exit code {code}, standard error {quoted(self.run.stderr)}")
        need(self.case.number in self.run.stdout, f"no answer: {quoted(self.run.stdout)}")
        return self.run.stdout

    def told(self, call: str) -> str:
        """What the model was told of a call; `Failed` when nothing was."""
        for request in self.requests:
            if call in results(request):
                return results(request)[call]
        raise Failed(
            "the model was told nothing about its call: exit code "
            f"{self.run.exit_code}, standard error {quoted(self.run.stderr)}"
        )


class AgentBench:
    """One program. Every run has a case, a key and a home folder of its own."""

    def __init__(
        self, program: Program, server: LocalServer, desk: Desk, home: Path, run_s: float = RUN_S
    ) -> None:
        self.leaks: list[str] = []
        self._program, self._server, self._desk, self._home = program, server, desk, home
        self._run_s = run_s
        self._runs = itertools.count(1)
        self._probing = threading.Lock()
        self._probe: Seen | Failed | None = None

    def run(
        self,
        turns: Turns,
        behave: Behave = fine,
        *,
        decision: str = "no",
        script: Sequence[Any] = (),
        key: str = "",
        run_s: float | None = None,
    ) -> Seen:
        run_s, key = min(run_s or self._run_s, self._run_s), key or new_key()
        self._server.script(key, script)
        number = f"{secrets.randbelow(900_000_000) + 100_000_000}"
        case = Case(number, turns, behave, decision)
        job = {
            "task": f"This is case {number}: how many drums were in stock, and what is to be done?",
            "tools": [_spec(*tool) for tool in TOOLS],
            "tools_url": self._desk.open(case),
            "steps": STEPS,
            "tool_timeout_s": TOOL_S,
        }
        environment = {
            "ANTHROPIC_BASE_URL": self._server.base_url,
            "OPENAI_BASE_URL": self._server.openai_base_url,
            "ANTHROPIC_API_KEY": key,
            "OPENAI_API_KEY": key,
            "STAGES_HOME": str(self._home / str(next(self._runs))),
        }
        with self._program.start([], environment, json.dumps(job).encode()) as running:
            run = running.finish(run_s)
        if key in run.stdout + run.stderr:
            where = "output" if key in run.stdout else "error"
            self.leaks.append(f"the API key was printed on standard {where}")
        need(run.ending != "timeout", f"still running after {run_s:g} s, and was stopped")
        need(run.ending != "flood", "printed more than 8 MB, and was stopped")
        return Seen(run, case)

    def probe(self) -> Seen:
        """One call of a healthy tool; nothing else can be examined until that works."""
        with self._probing:
            if self._probe is None:
                self._probe = self._first_run()
        if isinstance(self._probe, Failed):
            raise Failed(str(self._probe))
        return self._probe

    def works(self) -> None:
        try:
            self.probe()
        except Failed:
            raise NotRun("a task with one call of a tool gave no answer") from None

    def _first_run(self) -> Seen | Failed:
        try:
            seen = self.run(after([("stock", {"item": "drum", "month": 3})]))
            need(
                seen.requests,
                "no model call reached the examiner: are ANTHROPIC_BASE_URL or OPENAI_BASE_URL "
                f"obeyed? Exit code {seen.run.exit_code}, standard error {quoted(seen.run.stderr)}",
            )
            need(seen.requests[0].tools, "the model was offered no tools")
            need(seen.case.calls, "the model called a tool, and nothing came to tools_url/call")
            _ = seen.answer
            return seen
        except Failed as failure:
            return failure


def _spec(name: str, about: str, takes: dict[str, Any], writes: bool) -> dict[str, Any]:
    schema = {"type": "object", "properties": takes, "required": list(takes)}
    return {"name": name, "description": about, "parameters": schema, "writes": writes}
