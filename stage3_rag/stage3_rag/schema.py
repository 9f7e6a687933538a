"""Tables made on first use, and the named queries of the `.sql` files.

Decided here: two processes that start on an empty database make the tables once, and a database of
another version is refused and not changed. Left out: migrations; the files can be ingested
again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, LiteralString, cast

from shared.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from shared.database import Connection, Database

VERSION = 2
ROLE = "stage3_tenant"  # owns nothing, so row-level security holds for it
LOCK = 0x57A6E3  # any number that nothing else in this database locks


Queries = Mapping[str, LiteralString]


def queries(name: str) -> Queries:
    """Query by name. A file's text is ours, never a user's: values travel beside it."""
    text = (files("stage3_rag") / "sql" / f"{name}.sql").read_text(encoding="utf-8")
    parts = re.split(r"^-- name: (\w+)\n", text, flags=re.MULTILINE)[1:]
    found = dict(zip(parts[::2], (part.strip() for part in parts[1::2]), strict=True))
    return cast("Queries", found)


async def install(database: Database) -> None:
    async with database.pool.connection() as connection, connection.transaction():
        if await _version(connection) is None:
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            if await _version(connection) is None:
                await _create(connection)
        version = await _version(connection)
    if version != VERSION:
        raise DatabaseUnavailable(
            f"the tables in {database.name} are of version {version} and this program writes "
            f"version {VERSION}: use the program that made them, or another database"
        )


async def _version(connection: Connection) -> int | None:
    """Looks into the catalogue: `to_regclass` may go by a cache that is older than the lock."""
    cursor = await connection.execute("SELECT FROM pg_namespace WHERE nspname = 'stage3'")
    if not cursor.rowcount:
        return None
    row = await (await connection.execute("SELECT number FROM stage3.version")).fetchone()
    return int(row[0]) if row else None


async def _create(connection: Connection) -> None:
    """A role belongs to the whole server: another database's first use may make it just now."""
    import psycopg

    try:
        async with connection.transaction():
            await connection.execute(f"CREATE ROLE {ROLE} NOLOGIN")
    except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        pass
    await connection.execute(f"GRANT {ROLE} TO CURRENT_USER")
    await connection.execute((files("stage3_rag") / "sql" / "schema.sql").read_bytes())
