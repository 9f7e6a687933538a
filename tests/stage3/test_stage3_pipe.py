"""`stage3 pipe` as another program sees it: a real process and database, one line for a line."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.programs import Program, Running
from shared.settings import Settings
from stage3_rag.contract import Answer, Chunk, Citation, Hit, Statement
from stage3_rag.pipe import told_of
from stage3_rag.pipe_contract import read_count, read_told

pytestmark = pytest.mark.embeddings
END_S = 60  # a guard for a hanging process, not a measure
BAD_LINES = [
    "nonsense",
    "[]",
    '{"op": "drop"}',
    '{"op": "ask"}',
    '{"op": "ask", "question": 7}',
    '{"op": ["ask"], "question": "x"}',
    "[" * 9999,
]


@pytest.fixture
def pipe(settings: Settings, tenant: str, tmp_path: Path) -> Iterator[Running]:
    """Its database is the test run's own."""
    argv = [sys.executable, "-m", "stage3_rag", "pipe", "--tenant", tenant, "--model", "small"]
    environment = os.environ | {"STAGES_HOME": str(tmp_path)}
    with Program(argv, environment=environment).start([], {}, None) as running:
        yield running


def reply(pipe: Running, line: str | dict[str, Any]) -> str:
    pipe.say(line if isinstance(line, str) else json.dumps(line))
    found = pipe.next_line(END_S)
    assert found is not None, pipe.stderr
    return found


def test_one_line_for_a_line_until_a_polite_kill(pipe: Running, tmp_path: Path) -> None:
    for line in BAD_LINES:
        assert read_told(reply(pipe, line)).error.startswith("no request: "), line
    nowhere = {"op": "ingest", "folder": str(tmp_path / "nowhere")}
    assert "does not exist" in json.loads(reply(pipe, nowhere))["error"]
    assert "empty" in read_told(reply(pipe, {"op": "ask", "question": " "})).error
    assert read_told(reply(pipe, {"op": "ask", "question": "Is anybody there?"})).declined

    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "tee.md").write_text("# Tee\n\nGrüner Tee zieht drei Minuten.\n", encoding="utf-8")
    assert read_count(reply(pipe, {"op": "ingest", "folder": str(folder)})) == 1
    told = read_told(reply(pipe, {"op": "ask", "question": "Wie lange zieht grüner Tee?"}))
    assert told.retrieved == ("tee.md",)

    pipe.signal(signal.SIGTERM)
    run = pipe.finish(END_S)
    assert (run.exit_code, run.stdout) == (128 + signal.SIGTERM, "")
    assert "Traceback" not in run.stderr


def hit(document: str, number: int) -> Hit:
    chunk = Chunk(document_id=document, ordinal=0, path=(), text="x", context="", tokens=1)
    return Hit(chunk_id=number, chunk=chunk, title="", score=1.0)


def test_documents_are_named_once_and_so_are_quotes() -> None:
    quote = Citation("a.md", "words", 1)
    hits = [hit(name, at) for at, name in enumerate(("b.md", "a.md", "b.md"))]
    statements = (Statement("One.", (quote,)), Statement("Two.", (quote,)))
    told = told_of(Answer(question="?", statements=statements, hits=tuple(hits)))
    assert told == {
        "answer": "One. Two.",
        "declined": False,
        "citations": [{"document": "a.md", "quote": "words"}],
        "retrieved": ["b.md", "a.md"],
    }
