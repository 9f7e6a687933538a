"""What an index knows at one moment: dense and keyword search, chunks, documents, settings.

All answers of one snapshot belong together, whatever is written meanwhile. Decided here: exact
comparison of vectors below a measured size and wherever few chunks match, HNSW above; BM25 in
Lucene's form, with idf and average length of this moment. Left out: fusing and reranking.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from stage3_rag.contract import Chunk, Document, Filters, Section
from stage3_rag.language import common, languages, tag
from stage3_rag.schema import Queries
from stage3_rag.writing import storable

if TYPE_CHECKING:
    from shared.database import Connection
    from shared.embeddings import Vectors
    from stage3_rag.tenancy import Index

K1, B = 1.5, 0.75
EXACT_BELOW = 20_000  # chunks; `tests/bench/run.py store` prints what either costs
CANDIDATES = 100  # that HNSW looks for and full vectors sort
COUNTED = 1000  # chunks of one language; more is many
EVERYTHING = Filters()

Scored = list[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class Found:
    """A chunk with its id and what a reader wants to know of its document."""

    id: int
    chunk: Chunk
    title: str
    superseded_by: str


@dataclass(frozen=True, slots=True)
class Stored:
    """A document as the index knows it; `chunks` is how many it has."""

    id: str
    title: str
    tags: tuple[str, ...]
    updated: date | None
    superseded_by: str
    origin: str
    content_hash: str
    file_hash: str
    chunks: int


class Snapshot:
    """Empty answers when there is no index yet (`index` is None)."""

    def __init__(
        self, connection: Connection, index: Index | None, sql: Queries, exact_below: int
    ) -> None:
        self._connection = connection
        self._sql = sql
        self._exact_below = exact_below
        self.index = index

    async def dense(self, vector: Vectors, k: int, filters: Filters = EVERYTHING) -> Scored:
        """The `k` nearest chunks by cosine, best first: all of them when there are fewer."""
        if self.index is None or k < 1:
            return []
        matching = self.index.chunks
        if filters != EVERYTHING:
            [(matching,)] = await self._rows("matching", filters)
        if self.index.has_hnsw and matching >= self._exact_below:
            found = await self._approximate(vector, k, filters)
            if len(found) >= min(k, matching):
                return found
        return await self._rows("dense_exact", filters, vector=vector, k=k)

    async def _approximate(self, vector: Vectors, k: int, filters: Filters) -> Scored:
        candidates = min(max(CANDIDATES, 2 * k), 1000)
        async with self._connection.pipeline():  # one round trip
            await self._connection.execute(self._sql["approximate"], {"candidates": candidates})
            return await self._rows(
                "dense_hnsw", filters, vector=vector, k=k, candidates=candidates
            )

    async def keyword(self, terms: Sequence[str], k: int, filters: Filters = EVERYTHING) -> Scored:
        """The `k` best chunks by BM25; a term asked twice counts twice. No common term, no row."""
        asked = await self._weighed(terms)
        if not asked or k < 1:
            return []
        return await self._rows("keyword", filters, k=k, **asked)

    async def _weighed(self, terms: Sequence[str]) -> dict[str, Any]:
        """What BM25 needs to know of the question and of the index; empty when nothing matches."""
        if self.index is None or not self.index.chunks:
            return {}
        asked = Counter(storable(term) for term in terms)
        return {
            "terms": list(asked),
            "counts": list(asked.values()),
            "chunks": float(self.index.chunks),
            "flat": K1 * (1 - B),
            "slope": K1 * B * self.index.chunks / max(1, self.index.terms),
            "k1": K1,
        }

    async def dense_of(self, vector: Vectors, ids: Sequence[int]) -> dict[int, float]:
        """The cosine of each of these chunks."""
        return dict(await self._rows("dense_of", vector=vector, ids=list(ids)))

    async def keyword_of(self, terms: Sequence[str], ids: Sequence[int]) -> dict[int, float]:
        """The BM25 of each of these chunks; one without a common term is left out."""
        asked = await self._weighed(terms)
        return dict(await self._rows("keyword_of", ids=list(ids), **asked)) if asked else {}

    async def frequencies(self, terms: Sequence[str]) -> dict[str, int]:
        """In how many chunks each term stands; a term that stands in none is left out."""
        if not terms:
            return {}
        return dict(await self._rows("frequencies", terms=[storable(term) for term in set(terms)]))

    async def languages(self) -> list[str]:
        """Languages of the chunks, the most common first."""
        tags = {tag(name): name for name in languages()}
        found = await self.frequencies(list(tags))
        return common({tags[term]: min(found[term], COUNTED) for term in tags if term in found})

    async def words(self, after: int) -> tuple[int, list[str]]:
        """Words of the texts that are newer than `after`, and the number of the newest."""
        for last, found in await self._rows("words", after=after):
            return last, found.split()
        return after, []

    async def idf(self, terms: Sequence[str]) -> dict[str, float]:
        """Lucene's idf, which is never negative; a term that no chunk has is left out."""
        found = await self.frequencies(terms)
        total = self.index.chunks if self.index else 0
        return {term: lucene_idf(df, total) for term, df in found.items()}

    async def chunks(self, ids: Sequence[int]) -> dict[int, Found]:
        """Those of `ids` that are there."""
        return {row[0]: _found(row) for row in await self._rows("chunks", ids=list(ids))}

    async def chunks_of(self, document_id: str) -> list[Found]:
        return [_found(row) for row in await self._rows("chunks_of", id=storable(document_id))]

    async def late(self, ids: Sequence[int]) -> dict[int, bytes]:
        """Packed token vectors of those chunks that were stored with them."""
        return dict(await self._rows("late", ids=list(ids)))

    async def documents(self) -> list[Stored]:
        return [
            Stored(row[0], row[1], tuple(row[2]), *row[3:]) for row in await self._rows("documents")
        ]

    async def hashes(self) -> dict[str, str]:
        return {one.id: one.content_hash for one in await self.documents()}

    async def whole(self, document_id: str) -> Document | None:
        """A document as it was read; None when it is not there."""
        rows = await self._rows("whole", id=document_id)
        for id, title, sections, tags, updated, superseded_by in rows:
            return Document(
                id=id,
                title=title,
                sections=tuple(Section(tuple(path), text) for path, text in sections),
                tags=tuple(tags),
                updated=updated,
                superseded_by=superseded_by,
            )
        return None

    async def pairs(self) -> list[tuple[str, str, bytes, bytes]]:
        """Ids and digests of every two documents that share a band."""
        return await self._rows("pairs")

    async def alike(self, bands: Sequence[int]) -> dict[str, bytes]:
        """Digests of the documents that share one of these bands."""
        return dict(await self._rows("alike", bands=list(bands)))

    async def setting(self, name: str) -> Any:
        """What was stored with the index under this name; None when nothing was."""
        rows = await self._rows("setting", name=name)
        return rows[0][0] if rows else None

    async def postings(self) -> list[tuple[int, dict[str, int]]]:
        """Every chunk as its terms and their counts, for a search in memory."""
        rows = await self._rows("every_posting")
        return [(id, dict(zip(terms, counts, strict=True))) for id, terms, counts in rows]

    async def matching_chunks(self, filters: Filters) -> set[int]:
        return {row[0] for row in await self._rows("filtered_chunks", filters)}

    async def _rows(self, name: str, filters: Filters | None = None, /, **values: Any) -> list[Any]:
        if self.index is None:
            return []
        query = self._sql[name]
        if filters is not None:
            query = self._with_filters(query, filters)
            values |= _values(filters)
        query = query.replace("{index}", str(int(self.index.id)))
        query = query.replace("{dimensions}", str(int(self.index.dimensions)))
        cursor = await self._connection.execute(query, {"index": self.index.id, **values})
        return await cursor.fetchall()

    def _with_filters(self, query: str, filters: Filters) -> str:
        """Only our own text is put in; what a filter asks for travels beside the query."""
        for name in ("filtered", "filters"):
            part = self._sql[name] if filters != EVERYTHING else "true"
            query = query.replace(f"{{{name}}}", part)
        return query


def lucene_idf(frequency: int, total: int) -> float:
    return math.log(1 + (total - frequency + 0.5) / (frequency + 0.5))


def _values(filters: Filters) -> dict[str, Any]:
    return {
        "documents": [storable(id) for id in filters.documents] or None,
        "tags": [storable(tag) for tag in filters.tags] or None,
        "since": filters.since,
        "until": filters.until,
    }


def _found(row: Sequence[Any]) -> Found:
    id, document_id, ordinal, path, text, context, tokens, parent, title, superseded_by = row
    chunk = Chunk(
        document_id=document_id,
        ordinal=ordinal,
        path=tuple(path),
        text=text,
        context=context,
        tokens=tokens,
        parent=parent,
    )
    return Found(id, chunk, title, superseded_by)
