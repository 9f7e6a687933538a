"""A transaction that sees one tenant's rows, and the index of that tenant which answers.

Decided here: every transaction takes on a role that owns no table and says its tenant, both only
until it ends; what is visible is then decided by the policies in `sql/schema.sql` and not by any
query. Left out: who a tenant is; that is the caller's to prove.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, LiteralString

from shared.errors import UserError
from stage3_rag.schema import ROLE

if TYPE_CHECKING:
    from shared.database import Connection, Database
    from shared.embeddings import Embedder

State = Literal["active", "building"]


class BadTenant(UserError):
    """A name that the database could only keep as another one, and so as another tenant's."""


class IndexMismatch(UserError):
    """The index was made with another embedder or chunker than it is used with."""


@dataclass(frozen=True, slots=True)
class Index:
    """One corpus, cut by one chunker and embedded by one model. `terms` counts all its chunks'."""

    id: int
    embedder: str
    dimensions: int
    chunker: str
    chunks: int
    terms: int
    has_hnsw: bool

    def refuse_other(self, embedder: Embedder | None, chunker: str) -> None:
        """Vectors of two models say nothing about each other, and fail without a word."""
        made, given = self.embedder, embedder.name if embedder else self.embedder
        if made != given or (embedder and embedder.dimensions != self.dimensions):
            raise IndexMismatch(
                f"this corpus was embedded with {made} and you use {given}: ask with {made}, "
                "or embed it anew with `stage3 reindex`"
            )
        if chunker not in ("", self.chunker):
            raise IndexMismatch(
                f"this corpus was cut by the chunker {self.chunker} and you ask for {chunker}: "
                f"leave it at {self.chunker}, or cut it anew with `stage3 reindex`"
            )


@asynccontextmanager
async def tenant_transaction(
    database: Database, tenant: str, *, snapshot: bool = False
) -> AsyncIterator[Connection]:
    """`snapshot`: nothing is written, and all of it sees one moment.

    The pool commits in the end, or takes everything back when the block raises.
    """
    async with database.pool.connection() as connection:
        async with connection.pipeline():  # one round trip
            if snapshot:
                mode = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
                await connection.execute(mode)
            await connection.execute(f"SET LOCAL ROLE {ROLE}")
            await connection.execute("SELECT set_config('stage3.tenant', %s, true)", (tenant,))
        yield connection


async def find_index(connection: Connection, state: State, query: LiteralString) -> Index | None:
    cursor = await connection.execute(query, {"state": state})
    row = await cursor.fetchone()
    return Index(*row) if row else None
