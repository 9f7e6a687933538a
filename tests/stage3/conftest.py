"""Stage 3 on a real PostgreSQL: the embedded one, or a fresh database on that of DATABASE_URL."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from shared.embedded_postgres import embedded_postgres
from shared.embeddings import MiniLM
from shared.settings import Settings, load_settings
from stage3_rag.store import Store, open_store

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


Open = Callable[..., AbstractAsyncContextManager[Store]]


@pytest.fixture
def opened(settings: Settings, tenant: str) -> Open:
    """Opens this test's own corpus, or another one's by name."""

    def open_(name: str = tenant, **options: Any) -> AbstractAsyncContextManager[Store]:
        return open_store(settings, name, **options)

    return open_


@pytest.fixture
async def store(opened: Open, minilm: MiniLM) -> AsyncIterator[Store]:
    async with opened(embedder=minilm) as store:
        yield store
