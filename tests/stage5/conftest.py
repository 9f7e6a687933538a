"""Suites made of a few lines, targets that are real functions, processes and servers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stage5_evals.cli import main
from stage5_evals.harness import run_suite
from stage5_evals.runs import Run, RunStore
from stage5_evals.suite import Suite, suite_of

FERRY = Path(__file__).parents[2] / "stage5_evals" / "examples" / "ferry"


TOOLS = """
import re
LOG = __file__ + ".log"

def asked(question):
    with open(LOG, "a") as log:
        log.write(question + "\\n")
    return int(re.search(r"\\d+", question)[0])

def right(number):
    quote = f"w{number} x{number} y{number} z{number}"
    return {
        "answer": quote, "declined": False, "model": "fake", "cost_usd": 0.01,
        "citations": [{"document": "d.md", "quote": quote}],
        "retrieved": [{"document": "d.md", "text": quote}],
    }
"""
ALL_RIGHT = """
async def answer(question, history):
    return right(asked(question))
"""


@dataclass
class Place:
    """A folder with cases, a corpus and a target that a test may rewrite."""

    folder: Path
    store: RunStore

    def suite(self, **more: Any) -> Suite:
        given = {"folder": str(self.folder), "cases": "cases.jsonl", "corpus": "corpus"}
        return suite_of({"target": f"{self.module}:answer"} | given | more, "test")

    @property
    def module(self) -> str:
        return f"target_{self.folder.name.replace('-', '_')}"

    @staticmethod
    def case(number: int, **more: Any) -> dict[str, Any]:
        """Answered by the word w<number> of d.md, unless `needs` is empty."""
        return {
            "id": f"c{number:03d}",
            "split": "dev" if number % 2 else "test",
            "kind": "plain",
            "question": f"what is word {number}?",
            "answer": f"w{number}",
            "needs": [[{"document": "d.md", "quote": f"w{number} x{number} y{number} z{number}"}]],
        } | more

    def calls(self) -> list[str]:
        """What the target was asked, over all runs."""
        log = self.folder / f"{self.module}.py.log"
        return log.read_text().splitlines() if log.exists() else []

    def cases(self, rows: Sequence[dict[str, Any]]) -> None:
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (self.folder / "cases.jsonl").write_text(text)

    def target(self, code: str = ALL_RIGHT) -> None:
        """The target's module; a test writes it once, since Python remembers what it imported."""
        (self.folder / f"{self.module}.py").write_text(TOOLS + code)

    def run(self, **more: Any) -> Run:
        options = {name: more.pop(name) for name in ("resume", "fresh") if name in more}
        return asyncio.run(run_suite(self.suite(**more), self.store, **options))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    folder = tmp_path / f"suite-{abs(hash(tmp_path.as_posix())) % 10**9}"
    (folder / "corpus").mkdir(parents=True)
    words = [f"w{number} x{number} y{number} z{number}" for number in range(200)]
    (folder / "corpus" / "d.md").write_text(". ".join(words) + ".\n")
    made = Place(folder, RunStore(tmp_path / "runs"))
    made.cases([made.case(number) for number in range(20)])
    return made


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Runs `stage5` inside this process."""

    def run(*words: object) -> Ran:
        capsys.readouterr()
        code = main([str(word) for word in words])
        printed = capsys.readouterr()
        return Ran(code, printed.out, printed.err)

    return run
