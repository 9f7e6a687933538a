"""Stage 4 as its user runs it: tools of the test's own, a scripted model, or the offline model."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shared.offline.server import LocalServer
from shared.settings import load_settings
from stage4_agent.agent import solve
from stage4_agent.cli import main
from stage4_agent.contract import Approve, Kit, Limits, Outcome, Solve, Tool, nobody
from stage4_agent.journal import Journal
from stage4_agent.runner import Bench, open_bench
from stage4_agent.scripted import Script, ScriptedModel
from stage4_agent.tasks import Task, load_tasks
from stage4_agent.toolbox import Toolbox
from stage4_agent.tools.offered import DATA

END_S = 60  # a guard for a hanging process, not a measure


def tool(name: str, run: Callable[..., Any], /, **more: Any) -> Tool:
    """A tool that takes one whole number `n`, unless `parameters` says otherwise."""
    takes = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    fields = {"description": f"The tool {name}.", "parameters": takes} | more
    return Tool(name=name, run=run, **fields)


@dataclass(frozen=True)
class Played:
    outcome: Outcome
    model: ScriptedModel
    journal: Journal

    @property
    def results(self) -> list[dict[str, Any]]:
        return [event for event in self.journal.events if event["event"] == "result"]

    def seen(self, call_id: str) -> str:
        """What the model was shown of a call's result."""
        for request in self.model.requests:
            for message in request.messages:
                for part in message.parts:
                    if getattr(part, "call_id", "") == call_id:
                        return str(part.content)  # type: ignore[union-attr]
        raise AssertionError(f"{call_id} was never answered")


async def play(
    script: Script,
    *tools: Tool,
    approve: Approve = nobody,
    journal: Journal | None = None,
    **more: Any,
) -> Played:
    """A run of the loop with a scripted model."""
    model, book = ScriptedModel(script), journal or Journal()
    price = {"price": more.pop("price")} if "price" in more else {}
    kit = Kit(
        model=model,
        tools=Toolbox(tools),
        journal=book,
        approve=approve,
        limits=more.pop("limits", Limits()),
        **price,
    )
    return Played(await playing["solve"]("The task.", kit), model, book)


WAYS = ["loop", pytest.param("langgraph", marks=pytest.mark.langgraph)]
playing: dict[str, Solve] = {"solve": solve}


@pytest.fixture(params=WAYS)
def each_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Solve:
    """The test runs twice: with the loop and with its port, which must behave alike."""
    if request.param == "langgraph":
        from stage4_agent.langgraph_port import ported

        monkeypatch.setitem(playing, "solve", ported())
    return playing["solve"]


@pytest.fixture(scope="session")
def server() -> Iterator[LocalServer]:
    from shared.embeddings import MiniLM  # an extra that `make alone4` does not install

    with LocalServer(embedder=MiniLM()) as running:
        yield running


@pytest.fixture
async def bench(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[Bench]:
    """The offline model behind its real wire, and a shop of the test's own."""
    monkeypatch.setenv("OFFLINE_BASE_URL", server.base_url)
    async with open_bench("offline-large", load_settings(), tmp_path) as opened:
        yield opened


@pytest.fixture(scope="session")
def tasks() -> list[Task]:
    return load_tasks(DATA / "tasks.jsonl")


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def stage4(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ran]:
    """The command in this process, without a terminal."""
    monkeypatch.setenv("OFFLINE_BASE_URL", server.base_url)

    def run(*words: str, stdin: str = "") -> Ran:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
        code = main(list(words))
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return run
