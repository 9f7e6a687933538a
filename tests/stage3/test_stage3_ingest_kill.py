"""Killed in the middle, interrupted, two at once: the real command in a process of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from shared.errors import DatabaseUnavailable
from shared.settings import Settings, load_settings
from stage3_rag.ingest import ingest_path
from stage3_rag.store import open_store

END_S = 60  # a guard for what hangs, not a measure
FILES, LINES = 24, 8  # 8 chunks a file, so a batch is 8 files
# The command with an embedder by letters, which sends its own process a signal at a given call.
CHILD = """
import os, sys
import numpy as np
import shared.embeddings

number, call = int(sys.argv[1]), int(sys.argv[2])

class Embedder:
    name, dimensions, max_tokens = "made-up@1", 8, 256
    calls = 0

    def embed(self, texts):
        self.calls += 1
        if self.calls == call:
            os.kill(os.getpid(), number)
        return np.array([[len(text), *text.encode()[:7]] for text in texts], np.float32)

    def count_tokens(self, text):
        return len(text.split())

shared.embeddings.MiniLM = Embedder
from stage3_rag.cli import main
raise SystemExit(main(sys.argv[3:]))
"""


def start(*words: object, number: int = 0, call: int = 0) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHILD, str(int(number)), str(call), *map(str, words)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=dict(os.environ), stdout=pipe, stderr=pipe, text=True)


def write(folder: Path, word: str) -> None:
    for file in range(FILES):
        parts = [f"## Part {n}\n\nThis is {word} {file} {n}." for n in range(LINES)]
        (folder / f"{file:02}.md").write_text("\n\n".join([f"# File {file}", *parts]))


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    write(folder, "old")
    return folder


class Counting:
    """Keeps the texts it was given; calls `at` before it does its work for the third time."""

    def __init__(self, inner: Any, at: Any = None) -> None:
        self.inner, self.at = inner, at
        self.name, self.dimensions, self.max_tokens = inner.name, inner.dimensions, 256
        self.texts: list[str] = []
        self.calls = 0

    def embed(self, texts: Sequence[str]) -> Any:
        self.calls += 1
        if self.at and self.calls == 3:
            self.at()
        self.texts += texts
        return self.inner.embed(texts)

    def count_tokens(self, text: str) -> int:
        return int(self.inner.count_tokens(text))


async def is_new(store: Any) -> dict[str, bool]:
    """Whether each document is there in its new form; it must be whole, old or new."""
    found = {}
    for id in await store.hashes():
        document = await store.whole(id)
        chunks = [one.chunk.text for one in await store.chunks_of(id)]
        words = {("new" in text, "old" in text) for text in [*chunks, document.text]}
        assert words in ({(True, False)}, {(False, True)})
        assert len(chunks) == LINES
        found[id] = words == {(True, False)}
    return found


async def test_killed_in_the_middle_then_resumed(
    notes: Path, store: Any, made_up: Any, settings: Settings, tenant: str, consistent: Any
) -> None:
    await ingest_path(notes, store, made_up())
    write(notes, "new")
    process = start("ingest", notes, "--tenant", tenant, number=signal.SIGKILL, call=3)
    process.communicate(timeout=END_S)
    assert process.returncode == -signal.SIGKILL
    before = await is_new(store)
    assert len(before) == FILES
    assert 8 <= sum(before.values()) < FILES  # the first batch was written before the third began
    assert consistent(tenant)[0] == FILES * LINES
    embedder = Counting(made_up())
    report = await ingest_path(notes, store, embedder)
    done = {id for id, new in before.items() if new}
    assert set(report.unchanged) == done
    assert len(embedder.texts) == (FILES - len(done)) * LINES  # nothing committed twice
    assert all((await is_new(store)).values())


async def test_ctrl_c_ends_without_a_word_and_loses_nothing(
    notes: Path, store: Any, tenant: str, consistent: Any
) -> None:
    process = start("ingest", notes, "--tenant", tenant, number=signal.SIGINT, call=3)
    out, errors = process.communicate(timeout=END_S)
    assert (process.returncode, out, errors) == (130, "", "")
    found = await is_new(store)
    assert 8 <= len(found) < FILES
    assert consistent(tenant)[0] == len(found) * LINES


async def test_a_polite_kill_ends_the_same_way(notes: Path, store: Any, tenant: str) -> None:
    process = start("ingest", notes, "--tenant", tenant, number=signal.SIGTERM, call=3)
    out, errors = process.communicate(timeout=END_S)
    assert (process.returncode, out, errors) == (128 + signal.SIGTERM, "", "")
    assert 8 <= len(await is_new(store)) < FILES


async def test_two_processes_over_one_folder(
    notes: Path, store: Any, tenant: str, consistent: Any
) -> None:
    processes = [start("ingest", notes, "--tenant", tenant) for _ in range(2)]
    for process in processes:
        _, errors = process.communicate(timeout=END_S)
        assert (process.returncode, errors) == (0, "")
    assert len(await is_new(store)) == FILES
    assert consistent(tenant)[0] == FILES * LINES


@pytest.fixture
def home() -> Iterator[Path]:
    """Of an embedded database of this test's own, since it is killed."""
    folder = Path(tempfile.mkdtemp(prefix="stage3-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


async def test_the_database_is_killed_in_the_middle(home: Path, notes: Path, made_up: Any) -> None:
    settings = load_settings()
    settings.home = home

    def kill() -> None:
        server = psutil.Process(int((home / "postgres" / "postmaster.pid").read_text().split()[0]))
        children = server.children()
        server.kill()
        psutil.wait_procs([server, *children], timeout=END_S)

    async with open_store(settings, embedder=made_up()) as store:
        await ingest_path(notes, store, made_up())
    write(notes, "new")
    with pytest.raises(DatabaseUnavailable, match="run the command again"):
        async with open_store(settings, embedder=made_up()) as store:
            await ingest_path(notes, store, Counting(made_up(), at=kill))
    async with open_store(settings, embedder=made_up()) as store:
        done = {id for id, new in (await is_new(store)).items() if new}
        assert 8 <= len(done) < FILES
        embedder = Counting(made_up())
        assert set((await ingest_path(notes, store, embedder)).unchanged) == done
        assert len(embedder.texts) == (FILES - len(done)) * LINES
        assert all((await is_new(store)).values())
