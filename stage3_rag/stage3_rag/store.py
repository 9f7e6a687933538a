"""One tenant's corpus in PostgreSQL: written document by document, asked in snapshots.

Read `sql/schema.sql` first; then `tenancy` (who sees what), `snapshot` (what can be asked),
`writing` (how rows get there), `upkeep` (vacuum and the approximate index). Decided here: a
document is one transaction, and a rebuild fills a second index and switches. Left out: chunking,
embedding, ranking.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from shared.database import Database, open_database
from stage3_rag.contract import Document, Filters
from stage3_rag.schema import install, queries
from stage3_rag.snapshot import EVERYTHING, EXACT_BELOW, Found, Scored, Snapshot, Stored
from stage3_rag.tenancy import (
    BadTenant,
    Index,
    IndexMismatch,
    State,
    find_index,
    tenant_transaction,
)
from stage3_rag.upkeep import RebuildRunning, only_rebuild, tidy
from stage3_rag.writing import Encoded, Signed, Writer, storable

if TYPE_CHECKING:
    from shared.database import Connection
    from shared.embeddings import Embedder, Vectors
    from shared.settings import Settings

__all__ = ["IndexMismatch", "RebuildRunning", "Store", "open_store"]

CHUNKER = "heading"


@asynccontextmanager
async def open_store(
    settings: Settings,
    tenant: str = "handbook",
    *,
    embedder: Embedder | None = None,
    chunker: str = "",
    exact_below: int = EXACT_BELOW,
) -> AsyncIterator[Store]:
    """The store of one tenant, with its tables made on first use.

    `embedder` is needed to write, and checked against the index. `chunker` is the name that goes
    into a new index; given one that differs from the index's, every call is an `IndexMismatch`.
    From `exact_below` chunks on, vectors are searched approximately.
    """
    async with open_database(settings) as database:
        await install(database)
        yield Store(database, tenant, embedder, chunker, exact_below=exact_below)


class Store:
    """Safe to share between tasks: each call takes a connection and a transaction of its own."""

    def __init__(
        self,
        database: Database,
        tenant: str,
        embedder: Embedder | None = None,
        chunker: str = "",
        *,
        state: State = "active",
        exact_below: int = EXACT_BELOW,
    ) -> None:
        self.database = database
        if storable(tenant) != tenant:
            raise BadTenant(f"no tenant can be called {tenant!r}: leave out what is no character")
        self.tenant = tenant
        self._embedder = embedder
        self._chunker = chunker
        self._state: State = state
        self._exact_below = exact_below
        self._search = queries("search")
        self._write = {**queries("write"), "alike": self._search["alike"]}

    # --- asking ------------------------------------------------------------------------------
    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        """Several questions to one moment of the index, in one transaction."""
        async with tenant_transaction(self.database, self.tenant, snapshot=True) as connection:
            index = await self._find(connection)
            if index:
                index.refuse_other(self._embedder, self._chunker)
            yield Snapshot(connection, index, self._search, self._exact_below)

    async def dense(self, vector: Vectors, k: int, filters: Filters = EVERYTHING) -> Scored:
        async with self.snapshot() as now:
            return await now.dense(vector, k, filters)

    async def keyword(self, terms: Sequence[str], k: int, filters: Filters = EVERYTHING) -> Scored:
        async with self.snapshot() as now:
            return await now.keyword(terms, k, filters)

    async def idf(self, terms: Sequence[str]) -> dict[str, float]:
        async with self.snapshot() as now:
            return await now.idf(terms)

    async def chunks(self, ids: Sequence[int]) -> dict[int, Found]:
        async with self.snapshot() as now:
            return await now.chunks(ids)

    async def chunks_of(self, document_id: str) -> list[Found]:
        async with self.snapshot() as now:
            return await now.chunks_of(document_id)

    async def late(self, ids: Sequence[int]) -> dict[int, bytes]:
        async with self.snapshot() as now:
            return await now.late(ids)

    async def documents(self) -> list[Stored]:
        async with self.snapshot() as now:
            return await now.documents()

    async def hashes(self) -> dict[str, str]:
        async with self.snapshot() as now:
            return await now.hashes()

    async def whole(self, document_id: str) -> Document | None:
        async with self.snapshot() as now:
            return await now.whole(document_id)

    async def pairs(self) -> list[tuple[str, str, bytes, bytes]]:
        async with self.snapshot() as now:
            return await now.pairs()

    async def alike(self, bands: Sequence[int]) -> dict[str, bytes]:
        async with self.snapshot() as now:
            return await now.alike(bands)

    async def setting(self, name: str) -> Any:
        async with self.snapshot() as now:
            return await now.setting(name)

    async def index(self) -> Index | None:
        """What answers, whoever made it; None before the first document."""
        async with tenant_transaction(self.database, self.tenant, snapshot=True) as connection:
            return await self._find(connection)

    # --- writing -----------------------------------------------------------------------------
    async def replace(
        self,
        document: Document,
        content_hash: str,
        chunks: Sequence[Encoded],
        *,
        origin: str = "",
        file_hash: str = "",
        signature: Signed | None = None,
    ) -> None:
        """Puts the document in the place of what was there under its id: whole, or not at all."""
        async with self.writing() as writer:
            await writer.replace(
                document,
                content_hash,
                chunks,
                origin=origin,
                file_hash=file_hash,
                signature=signature,
            )

    async def seal(self, ids: Sequence[str], origin: str, file_hash: str) -> None:
        """Says that these are all the documents of a file: until it changes it need not be read."""
        async with self.writing() as writer:
            await writer.seal(ids, origin, file_hash)

    async def remove(self, *ids: str) -> int:
        """How many of these documents there were."""
        async with self.writing() as writer:
            return await writer.remove(ids)

    async def set_setting(self, name: str, value: Any) -> None:
        """Kept with the index and gone with it: a threshold is worth nothing to another model."""
        async with self.writing() as writer:
            await writer.set_setting(name, value)

    async def tidy(self, changed: int | None = None) -> None:
        """After writing: statistics for the planner, and a large corpus gets its HNSW index.

        `changed` is how many chunks were written; a small share of the corpus is let be.
        """
        index = await self.index()
        if index and (changed is None or changed * 10 >= index.chunks):
            await tidy(self.database, index, self._exact_below)

    @asynccontextmanager
    async def rebuild(self, embedder: Embedder, chunker: str = "") -> AsyncIterator[Store]:
        """A second index to fill, which takes the first one's place when the block ends well.

        Until then everybody is answered from the first. After a failure the second stays as it is,
        and the next rebuild with the same embedder and chunker goes on with it. What is written to
        the first meanwhile is lost: ingest once more afterwards.
        """
        fresh = Store(
            self.database,
            self.tenant,
            embedder,
            chunker or CHUNKER,
            state="building",
            exact_below=self._exact_below,
        )
        async with only_rebuild(self.database, self.tenant):
            await fresh._drop_unlike()
            yield fresh
            await fresh.tidy()
            await fresh._take_over()

    @property
    def chunker(self) -> str:
        return self._chunker or CHUNKER

    async def _drop_unlike(self) -> None:
        async with tenant_transaction(self.database, self.tenant) as connection:
            index = await self._find(connection)
            try:
                if index:
                    index.refuse_other(self._embedder, self._chunker)
            except IndexMismatch:
                await self._drop(connection, "building")
            await self._create(connection)

    async def _take_over(self) -> None:
        async with tenant_transaction(self.database, self.tenant) as connection:
            await self._drop(connection, "active")
            await connection.execute(self._write["activate"])

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Writer]:
        """Several changes in one transaction: all of them, or none. Other writers wait."""
        async with tenant_transaction(self.database, self.tenant) as connection:
            yield await self._writer(connection)

    async def _writer(self, connection: Connection) -> Writer:
        """Ready to write: the index is there, is ours to write, and nobody else writes to it."""
        while True:
            index = await self._find(connection)
            if index is None:
                await self._create(connection)
                continue
            index.refuse_other(self._embedder, self._chunker)
            writer = Writer(connection, index, self._write)
            if await writer.lock():  # else a rebuild has just replaced it: look again
                return writer

    async def _create(self, connection: Connection) -> None:
        if self._embedder is None:
            raise TypeError("writing to a new index takes an embedder: open_store(embedder=…)")
        await connection.execute(
            self._write["create_index"],
            {
                "tenant": self.tenant,
                "embedder": self._embedder.name,
                "dimensions": self._embedder.dimensions,
                "chunker": self.chunker,
                "state": self._state,
            },
        )

    async def _find(self, connection: Connection) -> Index | None:
        return await find_index(connection, self._state, self._search["index"])

    async def _drop(self, connection: Connection, state: State) -> None:
        await connection.execute(self._write["drop_postings"], {"state": state})
        await connection.execute(self._write["drop_index"], {"state": state})
