"""The database of a command: `DATABASE_URL`, or an embedded PostgreSQL when that is not set.

Decided here: who is let in (PostgreSQL 15 and pgvector 0.8 or newer), that a server which is still
starting is waited for, and that every failure of the database is one sentence. Left out: tables
and queries, which belong to a stage.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from shared.embeddings import missing
from shared.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from psycopg import AsyncConnection
    from psycopg_pool import AsyncConnectionPool

    from shared.settings import Settings

    Connection = AsyncConnection[tuple[Any, ...]]
    Pool = AsyncConnectionPool[Connection]

OLDEST_SERVER = 150000  # 15: MERGE, NULLS NOT DISTINCT, and still supported in 2027
OLDEST_PGVECTOR = (0, 8)  # iterative scans
STARTING_S = 60.0  # for a server that answers "not yet"
CONNECTIONS = 8
STARTING = ("starting up", "not yet accepting", "recovery", "shutting down")


@dataclass(frozen=True, slots=True)
class Database:
    """`url` may hold a password. `name` is what a message may say."""

    url: str = field(repr=False)
    pool: Pool = field(repr=False)
    name: str


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """A pool of connections with pgvector's types, for as long as the context lasts.

    `DatabaseUnavailable` when there is no usable server, and for one that goes away meanwhile.
    """
    async with _address(settings) as url, _pool(url) as database:
        yield database


@asynccontextmanager
async def _address(settings: Settings) -> AsyncIterator[str]:
    if settings.database_url:
        yield settings.database_url.get_secret_value()
        return
    try:
        from shared.embedded_postgres import embedded_postgres
    except ImportError as error:
        if error.name == "fcntl":
            raise DatabaseUnavailable(
                "no embedded PostgreSQL on Windows: set DATABASE_URL to a PostgreSQL of your own"
            ) from None
        raise missing("postgres", error) from error
    server = embedded_postgres(settings.home / "postgres")
    url = await asyncio.to_thread(server.__enter__)
    try:
        yield url
    finally:
        await asyncio.to_thread(server.__exit__, None, None, None)


@asynccontextmanager
async def _pool(url: str) -> AsyncIterator[Database]:
    try:
        import psycopg
        from psycopg_pool import AsyncConnectionPool
    except ImportError as error:
        raise missing("postgres", error) from error
    name = _name(url)
    try:
        await _ready(url, name)
        pool: Pool = AsyncConnectionPool(
            url, min_size=1, max_size=CONNECTIONS, open=False, configure=_configure
        )
        async with pool:
            yield Database(url, pool, name)
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise _unavailable(name, error) from error


async def _configure(connection: Connection) -> None:
    """Compiling a query, and a plan made for no value in particular, cost more than they save."""
    from pgvector.psycopg import register_vector_async

    await register_vector_async(connection)
    await connection.execute("SET jit = off")
    await connection.execute("SET plan_cache_mode = force_custom_plan")
    await connection.commit()


async def _ready(url: str, name: str) -> None:
    """Waits for a server that is starting; checks its version; loads pgvector."""
    import psycopg

    deadline = asyncio.get_running_loop().time() + STARTING_S
    while True:
        try:
            connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
        except psycopg.OperationalError as error:
            late = asyncio.get_running_loop().time() > deadline
            if late or not any(word in str(error) for word in STARTING):
                raise
            await asyncio.sleep(0.1)
            continue
        async with connection:
            return await _check(connection, name)


async def _check(connection: Connection, name: str) -> None:
    import psycopg

    version = connection.info.server_version
    if version < OLDEST_SERVER:
        raise DatabaseUnavailable(
            f"{name} is PostgreSQL {version // 10000}: "
            f"{OLDEST_SERVER // 10000} or newer is needed; upgrade it or set another DATABASE_URL"
        )
    try:
        await connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    except psycopg.errors.UniqueViolation:
        pass  # another process made it at the same moment
    except psycopg.errors.InsufficientPrivilege:
        raise DatabaseUnavailable(
            f"pgvector is not switched on in {name}, and only an administrator may do it: "
            "have `CREATE EXTENSION vector` run there once"
        ) from None
    except psycopg.Error as error:
        raise DatabaseUnavailable(
            f"{name} has no pgvector ({_first_line(error)}): install it on the server, "
            "then run `CREATE EXTENSION vector` as its administrator"
        ) from error
    cursor = await connection.execute(
        "SELECT extversion FROM pg_extension WHERE extname = 'vector'"
    )
    row = await cursor.fetchone()
    found = row[0] if row else "0"
    if tuple(int(part) for part in found.split(".")[:2]) < OLDEST_PGVECTOR:
        raise DatabaseUnavailable(
            f"{name} has pgvector {found}: 0.8 or newer is needed; "
            "upgrade it, then run `ALTER EXTENSION vector UPDATE`"
        )


def _unavailable(name: str, error: Exception) -> DatabaseUnavailable:
    return DatabaseUnavailable(
        f"{name} cannot be used ({_first_line(error)}): "
        "start it, or correct or unset DATABASE_URL, and run the command again"
    )


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _name(url: str) -> str:
    """Host, port and database; no user, no password."""
    try:
        parts = urlsplit(url)
        where = f"{parts.hostname}:{parts.port or 5432}" if parts.hostname else "this machine"
    except ValueError:
        return "the database of DATABASE_URL"
    return f"the database {parts.path.lstrip('/') or 'postgres'} on {where}"
