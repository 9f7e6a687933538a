"""What ingestion costs beyond embedding: the same documents embedded only, and ingested.

Ingestion reads, cuts, embeds, makes search terms and token vectors, looks for near-duplicates and
writes it all to PostgreSQL, each document durably. CPU time is that of this process and of the
database server together, so nothing is hidden in either; on a busy machine it is the ratio to
trust. Left out: the same with another library, which is `retrieval`'s.
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from environments import ROOT
from series import Comparison, Measured, Section, interleave, ratios

from shared.embedded_postgres import embedded_postgres
from shared.embeddings import MiniLM
from shared.settings import Settings, load_settings
from stage3_rag.chunking import chunk
from stage3_rag.encoding import searched
from stage3_rag.ingest import ingest_path
from stage3_rag.reading import find_sources, load, read_source
from stage3_rag.spans import TokenCounter
from stage3_rag.store import CHUNKER, open_store

HANDBOOK = ROOT / "stage3_rag" / "data" / "handbook"
EVERY = 4  # of the handbook's documents, so that a round takes seconds
ROUNDS = 3
AIM = 1.10


def ingestion_sections() -> list[Section]:
    embedder = MiniLM()
    with _corpus() as folder, _server() as (settings, server):
        texts = _texts(folder, embedder)
        table = interleave(
            {
                "embedding only": lambda: _measured(lambda: _embed(texts, embedder), server),
                "ingestion": lambda: _measured(
                    lambda: asyncio.run(_ingest(folder, settings, embedder)), server
                ),
                "again, unchanged": lambda: _measured(
                    lambda: asyncio.run(_again(folder, settings, embedder)), server
                ),
            },
            ROUNDS,
            thrown_away=1,
        )
    note = f"{len(texts)} chunks of the handbook; a chunk's share of embedding is what it must cost"
    pairs = ("ingestion", "embedding only")
    return [
        Section(
            "Ingestion against its own embedding",
            note,
            table,
            [
                Comparison(
                    "CPU time, ingestion / embedding", ratios(table, "CPU s", *pairs), aim=AIM
                ),
                Comparison("wall time, ingestion / embedding", ratios(table, "wall s", *pairs)),
            ],
        )
    ]


def _embed(texts: list[str], embedder: MiniLM) -> None:
    embedder.embed(texts)


async def _ingest(folder: Path, settings: Settings, embedder: MiniLM) -> None:
    async with open_store(settings, f"bench-{uuid.uuid4().hex}", embedder=embedder) as store:
        report = await ingest_path(folder, store, embedder)
    assert report.added
    assert not report.failed


async def _again(folder: Path, settings: Settings, embedder: MiniLM) -> None:
    """Into a collection that has it all; the first round, which is thrown away, fills it."""
    async with open_store(settings, "bench", embedder=embedder) as store:
        await ingest_path(folder, store, embedder)


def _texts(folder: Path, embedder: MiniLM) -> list[str]:
    count = TokenCounter(embedder)
    documents = [one for file in find_sources(folder) for one in read_source(file, load(file))]
    return [
        searched(one)
        for document in documents
        for one in chunk(document, CHUNKER, embedder, count=count)
    ]


def _measured(work: Callable[[], None], server: psutil.Process) -> Measured:
    start, own, theirs = time.perf_counter(), time.process_time(), _cpu_s(server)
    work()
    return {
        "CPU s": time.process_time() - own + _cpu_s(server) - theirs,
        "of it PostgreSQL": _cpu_s(server) - theirs,
        "wall s": time.perf_counter() - start,
    }


def _cpu_s(server: psutil.Process) -> float:
    """Of the server, its workers, and those of them that have ended."""
    total = 0.0
    for process in (server, *server.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
        if process == server:
            total += times.children_user + times.children_system
    return total


@contextmanager
def _corpus() -> Iterator[Path]:
    """A part of the handbook, as nobody's in particular."""
    folder = Path(tempfile.mkdtemp(prefix="stage3-"))
    try:
        for file in itertools.islice(sorted(HANDBOOK.rglob("*.md")), 0, None, EVERY):
            text = file.read_text(encoding="utf-8")
            lines = (line for line in text.split("\n") if not line.startswith("tenant:"))
            (folder / file.name).write_text("\n".join(lines), encoding="utf-8")
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _server() -> Iterator[tuple[Settings, psutil.Process]]:
    """A database server of this bench's own, so that its CPU time is ours alone."""
    home = Path(tempfile.mkdtemp(prefix="stage3-"))
    home.chmod(0o755)
    settings = load_settings().model_copy(update={"home": home, "database_url": None})
    try:
        with embedded_postgres(home / "postgres"):
            pid = (home / "postgres" / "postmaster.pid").read_text().split()[0]
            yield settings, psutil.Process(int(pid))
    finally:
        shutil.rmtree(home, ignore_errors=True)
