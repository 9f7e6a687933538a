"""Stage 3 on a real PostgreSQL: the embedded one, or a fresh database on that of DATABASE_URL."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from psycopg import sql

from shared.embedded_postgres import embedded_postgres
from shared.embeddings import MiniLM
from shared.settings import Settings, load_settings
from stage3_rag.contract import Chunk, Document, Section
from stage3_rag.store import Store, open_store

SIZE = 8  # of the vectors that `write` makes up
GIVEN = os.environ.get("DATABASE_URL", "")


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a server on which this run may make databases."""
    if GIVEN:
        yield GIVEN
        return
    folder = Path(tempfile.mkdtemp(prefix="stage3-"))
    folder.chmod(0o755)  # as root, PostgreSQL runs as another user
    try:
        with embedded_postgres(folder / "postgres") as address:
            yield address
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def fresh_database(server: str) -> Iterator[Callable[[], str]]:
    """Makes empty databases; each is dropped in the end."""
    made: list[str] = []

    def make() -> str:
        name = f"stage3_test_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        made.append(name)
        return address(server, name)

    yield make
    with psycopg.connect(server, autocommit=True) as connection:
        for name in made:
            drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            connection.execute(drop.format(sql.Identifier(name)))


def address(server: str, database: str) -> str:
    start, question, rest = server.partition("?")
    return f"{start.rpartition('/')[0]}/{database}{question}{rest}"


@pytest.fixture(scope="session")
def database_url(fresh_database: Callable[[], str]) -> str:
    """One database for the whole run: a test keeps apart by its tenant."""
    return fresh_database()


@pytest.fixture
def settings(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """In the environment too, for commands and processes that a test starts."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    return load_settings()


@pytest.fixture
def tenant() -> str:
    return f"tenant-{uuid.uuid4().hex}"


@pytest.fixture(scope="session")
def minilm() -> MiniLM:
    return MiniLM()


@dataclass(frozen=True)
class MadeUp:
    """An embedder by name only: what is written with it brings its own vectors."""

    name: str = "made-up@1"
    dimensions: int = SIZE
    max_tokens: int = 256

    def embed(self, texts: Sequence[str]) -> Any:
        """From the letters of a text: equal texts are equal, and that is all it means."""
        made = [np.random.default_rng(list(text.encode("utf-8", "replace"))) for text in texts]
        vectors = np.array([one.standard_normal(self.dimensions) for one in made], np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def count_tokens(self, text: str) -> int:
        return len(text.split())


@dataclass
class Encoded:
    chunk: Chunk
    vector: Any
    terms: tuple[str, ...]
    late: bytes | None = None


Paper = Callable[..., tuple[Document, list[Encoded]]]


@pytest.fixture
def paper() -> Paper:
    """Makes a document and its chunks, one a text; the terms of a chunk are its words."""

    def make(
        id: str, *texts: str, embedder: Any = None, **more: Any
    ) -> tuple[Document, list[Encoded]]:
        vectors = (embedder or MadeUp()).embed(texts) if texts else []
        document = Document(id=id, title=f"About {id}", sections=(Section((), "text"),), **more)
        return document, [
            Encoded(
                Chunk(document_id=id, ordinal=at, path=("A", id), text=text, context="B", tokens=3),
                vectors[at],
                tuple(text.split()),
            )
            for at, text in enumerate(texts)
        ]

    return make


@pytest.fixture
def made_up() -> type[MadeUp]:
    return MadeUp


Consistent = Callable[[str], tuple[int, int]]


@pytest.fixture
def consistent(database_url: str) -> Consistent:
    """Asserts that all tables agree on a tenant's corpus; its chunks and terms. As the owner."""
    return lambda tenant: agreed(database_url, tenant)


def agreed(url: str, tenant: str) -> tuple[int, int]:
    count = """
        SELECT i.chunks, i.terms,
            (SELECT count(*) FROM stage3.chunks WHERE index_id = i.id),
            (SELECT count(*) FROM stage3.vectors WHERE index_id = i.id),
            (SELECT coalesce(sum(chunks), 0) FROM stage3.documents WHERE index_id = i.id),
            (SELECT coalesce(sum(tf), 0) FROM stage3.postings WHERE index_id = i.id),
            (SELECT count(*) FROM stage3.postings AS p WHERE index_id = i.id
                AND NOT EXISTS (SELECT FROM stage3.chunks WHERE id = p.chunk_id)),
            (SELECT count(*) FROM stage3.terms AS t WHERE index_id = i.id AND t.chunks <> (
                SELECT count(*) FROM stage3.postings WHERE index_id = i.id AND term = t.term)),
            (SELECT count(*) FROM stage3.postings AS p WHERE index_id = i.id
                AND NOT EXISTS (SELECT FROM stage3.terms WHERE index_id = i.id AND term = p.term))
        FROM stage3.indexes AS i WHERE tenant = %s
    """
    with psycopg.connect(url) as connection:
        [row] = connection.execute(count, (tenant,)).fetchall()
    chunks, terms, *others = row
    assert others == [chunks, chunks, chunks, terms, 0, 0, 0]
    return chunks, terms


Open = Callable[..., AbstractAsyncContextManager[Store]]


@pytest.fixture
def opened(settings: Settings, tenant: str) -> Open:
    """Opens this test's own corpus, or another one's by name."""

    def open_(name: str = tenant, **options: Any) -> AbstractAsyncContextManager[Store]:
        return open_store(settings, name, **options)

    return open_


@pytest.fixture
async def store(opened: Open) -> AsyncIterator[Store]:
    """This test's corpus, still empty, with made-up vectors."""
    async with opened(embedder=MadeUp()) as store:
        yield store
