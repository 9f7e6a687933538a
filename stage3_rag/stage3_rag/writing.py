"""A document's rows written, replaced and taken out, always within the caller's transaction.

Decided here: rows go over in arrays, one statement a table, never one a row. Left out: when.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from stage3_rag.contract import Chunk, Document
from stage3_rag.encoding import searched
from stage3_rag.language import guess
from stage3_rag.lexical import terms
from stage3_rag.schema import Queries
from stage3_rag.spelling import words
from stage3_rag.tenancy import Index, IndexMismatch

if TYPE_CHECKING:
    from shared.database import Connection
    from shared.embeddings import Vectors

JOINT = "\x1f"  # between the parts of a text that PostgreSQL takes apart again


class Encoded(Protocol):
    """A chunk with what is searched; `late` is the packed vectors of its tokens, if any."""

    @property
    def chunk(self) -> Chunk: ...
    @property
    def vector(self) -> Vectors: ...
    @property
    def terms(self) -> Sequence[str]: ...
    @property
    def late(self) -> bytes | None: ...


class Signed(Protocol):
    """A document's MinHash; documents that share no band are unlike."""

    @property
    def digest(self) -> bytes: ...
    @property
    def bands(self) -> Sequence[int]: ...


def storable(text: str) -> str:
    """PostgreSQL keeps neither a NUL nor half of a surrogate pair; both become a mark."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def _joined(texts: Iterable[str]) -> str:
    return storable(JOINT.join(text.replace(JOINT, " ") for text in texts))


class Writer:
    """Writes into one index, whose row the transaction has locked."""

    def __init__(self, connection: Connection, index: Index, sql: Queries) -> None:
        self._connection = connection
        self._index = index
        self._sql = sql

    async def lock(self) -> bool:
        """False when the index is gone, as after a rebuild."""
        return bool(await self._rows("lock_index"))

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
        """Puts the document in the place of what was there under its id."""
        await self.remove([document.id])
        await self.add(document, content_hash, chunks, origin, file_hash, signature)

    async def alike(self, bands: Sequence[int]) -> dict[str, bytes]:
        """Digests of the documents that share one of these bands."""
        return dict(await self._rows("alike", bands=list(bands)))

    async def remove(self, ids: Sequence[str]) -> int:
        """How many of these documents there were."""
        old = await self._rows("old_chunks", ids=[storable(id) for id in ids])
        if not old:
            return 0
        chunks = [row[0] for row in old if row[0] is not None]
        [(terms,)] = await self._rows("remove_postings", ids=chunks)
        [(documents,)] = await self._rows("remove_documents", ids=[storable(id) for id in ids])
        await self._run("count", chunks=-len(chunks), terms=-terms)
        return int(documents)

    async def add(
        self,
        document: Document,
        content_hash: str,
        chunks: Sequence[Encoded],
        origin: str,
        file_hash: str,
        signature: Signed | None,
    ) -> None:
        for one in chunks:
            if len(one.vector) != self._index.dimensions:
                raise IndexMismatch(
                    f"a vector of {len(one.vector)} numbers cannot go into an index of "
                    f"{self._index.dimensions}: embed with {self._index.embedder}"
                )
        [(no,)] = await self._rows(
            "add_document",
            id=storable(document.id),
            title=storable(document.title),
            tags=[storable(tag) for tag in document.tags],
            updated=document.updated,
            superseded_by=storable(document.superseded_by),
            origin=storable(origin),
            content_hash=content_hash,
            file_hash=file_hash,
            sections=_sections(document),
            chunks=len(chunks),
            digest=signature.digest if signature else None,
            bands=list(signature.bands) if signature else [],
        )
        if chunks:
            ids = await self._add_chunks(no, [one.chunk for one in chunks])
            await self._add_searched(no, ids, chunks)

    async def seal(self, ids: Sequence[str], origin: str, file_hash: str) -> None:
        await self._run("seal", ids=list(ids), origin=storable(origin), file_hash=file_hash)

    async def set_setting(self, name: str, value: Any) -> None:
        from psycopg.types.json import Jsonb

        await self._run("set_setting", name=name, value=Jsonb(value))

    async def _add_chunks(self, document: int, chunks: Sequence[Chunk]) -> list[int]:
        rows = await self._rows(
            "add_chunks",
            document=document,
            ordinals=[one.ordinal for one in chunks],
            paths=[_joined(one.path) for one in chunks],
            texts=[storable(one.text) for one in chunks],
            contexts=[storable(one.context) for one in chunks],
            tokens=[one.tokens for one in chunks],
            parents=[storable(one.parent) for one in chunks],
        )
        return [row[0] for row in rows]

    async def _add_searched(
        self, document: int, ids: Sequence[int], chunks: Sequence[Encoded]
    ) -> None:
        vectors = [one.vector for one in chunks]
        await self._run("add_vectors", document=document, ids=list(ids), vectors=vectors)
        packed = [(id, one.late) for id, one in zip(ids, chunks, strict=True) if one.late]
        if packed:
            late_ids, late = zip(*packed, strict=True)
            await self._run("add_token_vectors", ids=list(late_ids), packed=list(late))
        counts = [_counted(one.terms) for one in chunks]
        await self._run(
            "add_postings",
            document=document,
            ids=list(ids),
            lengths=[len(one.terms) for one in chunks],
            terms=[JOINT.join(one) for one in counts],
            tfs=[f"{{{','.join(map(str, one.values()))}}}" for one in counts],
        )
        met = _spoken(searched(one.chunk) for one in chunks)
        await self._run("add_words", words=list(met), terms=list(met.values()))
        total = sum(len(one.terms) for one in chunks)
        await self._run("count", chunks=len(chunks), terms=total)

    async def _run(self, name: str, /, **values: Any) -> Any:
        return await self._connection.execute(self._sql[name], {"index": self._index.id, **values})

    async def _rows(self, name: str, /, **values: Any) -> list[Any]:
        cursor = await self._run(name, **values)
        return list(await cursor.fetchall())


def _spoken(texts: Iterable[str]) -> dict[str, str]:
    """Each word with the term that it is searched as; empty for a word that is not searched."""
    met: dict[str, str] = {}
    for text in texts:
        language = guess(text)
        for word in words(text):
            if word not in met:
                met[storable(word)] = storable(next(iter(terms(word, language)), ""))
    return dict(sorted(met.items()))


def _sections(document: Document) -> str:
    pairs = (([storable(part) for part in s.path], storable(s.text)) for s in document.sections)
    return json.dumps(list(pairs), ensure_ascii=False)


def _counted(terms: Sequence[str]) -> Counter[str]:
    """As they are stored: two that differ only in what is not would be one row twice."""
    return Counter(_joined(terms).split(JOINT)) if terms else Counter()
