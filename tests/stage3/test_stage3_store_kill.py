"""Killed with -9 in the middle of a document, process or database: the old one is there, whole."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from shared.errors import DatabaseUnavailable
from shared.settings import Settings, load_settings
from stage3_rag.store import open_store

END_S = 60  # a guard for what hangs, not a measure
WRITER = """
import asyncio, os, signal, sys
from dataclasses import dataclass
from typing import Any
import numpy as np
from shared.settings import load_settings
from stage3_rag.contract import Chunk, Document, Section
from stage3_rag.store import open_store

@dataclass
class Embedder:
    name: str = "made-up@1"
    dimensions: int = 8

@dataclass
class Encoded:
    chunk: Any
    dies: bool
    vector = np.ones(8, np.float32)
    terms = ("red",)

    @property
    def late(self):  # asked for when texts and vectors are written and terms are not
        if self.dies:
            os.kill(os.getpid(), signal.SIGKILL)

async def main(tenant, count, dies):
    async with open_store(load_settings(), tenant, embedder=Embedder()) as store:
        for at in range(count):
            id = f"d{at}"
            document = Document(id=id, title=id, sections=(Section((), "x"),))
            chunks = [
                Encoded(
                    Chunk(document_id=id, ordinal=o, path=(), text="red", context="", tokens=1),
                    dies=at == dies and o == 1,
                )
                for o in range(2)
            ]
            await store.replace(document, "new", chunks)

asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
"""


def writer(tenant: str, count: int, dies: int = -1) -> subprocess.Popen[str]:
    """Writes documents d0, d1, … as `new`; kills itself half-way through number `dies`."""
    command = [sys.executable, "-c", WRITER, tenant, str(count), str(dies)]
    return subprocess.Popen(command, env=dict(os.environ), stderr=subprocess.PIPE, text=True)


async def test_a_killed_process_leaves_whole_documents(
    settings: Settings, tenant: str, store: Any, paper: Any, consistent: Any
) -> None:
    for at in range(4):
        document, chunks = paper(f"d{at}", "old")
        await store.replace(document, "old", chunks)
    process = writer(tenant, 4, dies=2)
    process.communicate(timeout=END_S)
    assert process.returncode == -signal.SIGKILL
    assert await store.hashes() == {"d0": "new", "d1": "new", "d2": "old", "d3": "old"}
    assert consistent(tenant) == (2 + 2 + 1 + 1, 6)
    process = writer(tenant, 4)  # the next run has nothing to clean up
    process.communicate(timeout=END_S)
    assert await store.hashes() == dict.fromkeys(("d0", "d1", "d2", "d3"), "new")
    assert consistent(tenant) == (8, 8)


async def test_two_processes_write_the_same_documents_at_once(
    settings: Settings, tenant: str, store: Any, consistent: Any
) -> None:
    processes = [writer(tenant, 15) for _ in range(2)]
    for process in processes:
        _, errors = process.communicate(timeout=END_S)
        assert (process.returncode, errors) == (0, "")
    assert await store.hashes() == {f"d{at}": "new" for at in range(15)}
    assert consistent(tenant) == (30, 30)


def test_two_processes_make_the_tables_once(
    fresh_database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", fresh_database())
    for process in [writer(f"t{number}", 1) for number in range(3)]:
        _, errors = process.communicate(timeout=END_S)
        assert (process.returncode, errors) == (0, "")


# --- the database --------------------------------------------------------------------------------
@pytest.fixture
def home() -> Iterator[Path]:
    """Of an embedded database of this test's own, since it is killed."""
    folder = Path(tempfile.mkdtemp(prefix="stage3-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Killing:
    """Kills the database when its texts and vectors are written and its terms are not."""

    chunk: Any
    vector: Any
    terms: Any
    pid_file: Path

    @property
    def late(self) -> None:
        server = psutil.Process(int(self.pid_file.read_text().split()[0]))
        children = server.children()
        server.kill()
        psutil.wait_procs([server, *children], timeout=END_S)


async def test_a_killed_database_comes_back_with_the_old_document(
    home: Path, made_up: Any, paper: Any
) -> None:
    settings = load_settings()
    settings.home = home
    old, new = paper("one", "old words", "old"), paper("one", "new")
    async with open_store(settings, embedder=made_up()) as store:
        await store.replace(*old[:1], "old", old[1])
    killing = [
        Killing(one.chunk, one.vector, one.terms, home / "postgres" / "postmaster.pid")
        for one in new[1]
    ]
    with pytest.raises(DatabaseUnavailable, match="run the command again"):
        async with open_store(settings, embedder=made_up()) as store:
            await store.replace(new[0], "new", killing)
    async with open_store(settings, embedder=made_up()) as store:
        assert await store.hashes() == {"one": "old"}
        assert len(await store.keyword(["old"], 5)) == 2
        assert await store.keyword(["new"], 5) == []
        await store.replace(new[0], "new", new[1])
        assert await store.hashes() == {"one": "new"}
        assert await store.keyword(["old"], 5) == []
