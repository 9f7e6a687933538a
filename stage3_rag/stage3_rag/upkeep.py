"""What is done to the tables as a whole: statistics, the approximate index, one rebuild at a time.

Done by the owner of the tables, outside any transaction. Decided here: an HNSW index holds one
corpus and no other (a partial index), so one tenant's vectors never stand in the way of another's,
and a small corpus pays for none. It is built over half-precision vectors. Left out: a schedule.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from psycopg import sql

from shared.errors import LocalError

if TYPE_CHECKING:
    from shared.database import Connection, Database
    from stage3_rag.tenancy import Index

LOCK = "hashtextextended('stage3 ' || %s, 0)"
TABLES = ("documents", "chunks", "vectors", "token_vectors", "postings", "terms", "words")
WAIT_S = 0.05
MEMORY = "512MB"  # while building; with the default of 64 MB it takes three times as long


class RebuildRunning(LocalError):
    """Two rebuilds of one tenant at a time."""


async def tidy(database: Database, index: Index, exact_below: int) -> None:
    async with _owner(database) as connection, _turn(connection):
        for table in TABLES:  # a search that reads only the index needs the visibility map
            await connection.execute(
                sql.SQL("VACUUM (ANALYZE) stage3.{}").format(sql.Identifier(table))
            )
        await _drop_orphans(connection)
        if index.chunks >= exact_below and not await _built(connection, index):
            await _build(connection, index)


@asynccontextmanager
async def only_rebuild(database: Database, tenant: str) -> AsyncIterator[None]:
    async with _owner(database) as connection, _lock(connection, f"rebuild {tenant}") as alone:
        if not alone:
            raise RebuildRunning(
                f"{tenant} is being rebuilt by another process: wait for it to end"
            )
        yield


@asynccontextmanager
async def _turn(connection: Connection) -> AsyncIterator[None]:
    """One process tidies at a time. Asked for again and again, not waited for in the database:

    building an index concurrently waits for every statement that is under way, also for one that
    waits for the builder, and that would be a deadlock.
    """
    while True:
        async with _lock(connection, "tidy") as mine:
            if mine:
                yield
                return
        await asyncio.sleep(WAIT_S)


@asynccontextmanager
async def _lock(connection: Connection, name: str) -> AsyncIterator[bool]:
    """Whether we have it. It ends with its connection, so a killed process is in nobody's way."""
    cursor = await connection.execute(f"SELECT pg_try_advisory_lock({LOCK})", (name,))
    mine = bool((await cursor.fetchone() or [False])[0])
    try:
        yield mine
    finally:
        if mine:
            await connection.execute(f"SELECT pg_advisory_unlock({LOCK})", (name,))


async def _built(connection: Connection, index: Index) -> bool:
    """Whether it is there and whole: a build that was killed leaves an index that is not valid."""
    cursor = await connection.execute(
        "SELECT bool_and(i.indisvalid) FROM pg_index AS i"
        " JOIN pg_class AS c ON c.oid = i.indexrelid"
        " JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'stage3' AND c.relname = %s",
        (f"vectors_hnsw_{index.id}",),
    )
    row = await cursor.fetchone()
    return bool(row and row[0])


async def _build(connection: Connection, index: Index) -> None:
    name = sql.Identifier(f"vectors_hnsw_{index.id}")
    await connection.execute(sql.SQL("SET maintenance_work_mem = {}").format(MEMORY))
    await connection.execute(sql.SQL("DROP INDEX IF EXISTS stage3.{}").format(name))
    await connection.execute(
        sql.SQL(
            "CREATE INDEX CONCURRENTLY {name} ON stage3.vectors USING hnsw "
            "((embedding::halfvec({dimensions})) halfvec_cosine_ops) WHERE index_id = {index}"
        ).format(name=name, dimensions=index.dimensions, index=index.id)
    )
    await connection.execute("RESET maintenance_work_mem")


async def _drop_orphans(connection: Connection) -> None:
    cursor = await connection.execute(
        "SELECT indexname FROM pg_indexes WHERE schemaname = 'stage3'"
        " AND indexname LIKE 'vectors_hnsw_%'"
    )
    names = [row[0] for row in await cursor.fetchall()]
    cursor = await connection.execute("SELECT id FROM stage3.indexes")
    alive = {f"vectors_hnsw_{row[0]}" for row in await cursor.fetchall()}
    for name in names:
        if name not in alive and re.fullmatch(r"vectors_hnsw_\d+", name):
            await connection.execute(
                sql.SQL("DROP INDEX IF EXISTS stage3.{}").format(sql.Identifier(name))
            )


@asynccontextmanager
async def _owner(database: Database) -> AsyncIterator[Connection]:
    async with database.pool.connection() as connection:
        await connection.set_autocommit(True)
        try:
            yield connection
        finally:
            await connection.set_autocommit(False)
