"""Documents to what the store takes: cut, put in context, embedded; in that order, overlapping.

While one batch is embedded the next is read and cut, and the one before is written, so embedding,
which is nine tenths of the work, never waits. A batch spans documents: a short one would leave
the second thread idle at its end. Left out: which documents (`ingest`, `reindex`), and writing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol, TypeVar

from shared.embeddings import Embedder
from stage3_rag.chunking import chunk
from stage3_rag.contract import Chunk, Document
from stage3_rag.duplicates import Signature, signature
from stage3_rag.encoding import EncodedChunk, encode
from stage3_rag.spans import TokenCounter

BATCH = 64  # chunks: about a second of embedding, and what a kill can cost twice

T = TypeVar("T")


class Contexts(Protocol):
    """Writes a line of context for each chunk. `identity` is kept with what was written by it."""

    @property
    def identity(self) -> str: ...
    async def write(self, document: Document, chunks: Sequence[Chunk]) -> tuple[list[Chunk], bool]:
        """The chunks with their lines, and whether every one got its line."""


@dataclass(slots=True)
class Opened:
    """A file whose documents are under way; `left` counts those that are."""

    origin: str
    hash: str
    ids: tuple[str, ...]
    left: int


@dataclass(frozen=True, slots=True)
class Work:
    document: Document
    hash: str
    file: Opened


@dataclass(frozen=True, slots=True)
class Ready:
    """`hash` says with the content what wrote its contexts, if all of them were written."""

    document: Document
    hash: str
    file: Opened
    chunks: list[EncodedChunk]
    signature: Signature


@dataclass(frozen=True, slots=True)
class _Cut:
    work: Work
    hash: str
    chunks: list[Chunk]


class Pipeline:
    def __init__(self, embedder: Embedder, chunker: str, contexts: Contexts | None = None) -> None:
        self._embedder = embedder
        self._chunker = chunker
        self._contexts = contexts
        self._count = TokenCounter(embedder)

    def run(self, works: AsyncGenerator[Work]) -> AsyncGenerator[list[Ready]]:
        """In batches, each to be written in one go."""
        return ahead(self._encoded(ahead(_batches(self._cut(works)))))

    async def _cut(self, works: AsyncGenerator[Work]) -> AsyncGenerator[_Cut]:
        async with aclosing(works):
            async for work in works:
                chunks = await asyncio.to_thread(self._chunks, work.document)
                hash = work.hash
                if self._contexts:
                    chunks, whole = await self._contexts.write(work.document, chunks)
                    hash = f"{hash} {self._contexts.identity}" if whole else hash
                yield _Cut(work, hash, chunks)

    def _chunks(self, document: Document) -> list[Chunk]:
        return chunk(document, self._chunker, self._embedder, count=self._count)

    async def _encoded(self, batches: AsyncGenerator[list[_Cut]]) -> AsyncGenerator[list[Ready]]:
        async with aclosing(batches):
            async for batch in batches:
                yield await asyncio.to_thread(self._encode, batch)

    def _encode(self, batch: Sequence[_Cut]) -> list[Ready]:
        every = [one for cut in batch for one in cut.chunks]
        encoded = iter(
            [
                one
                for start in range(0, len(every), BATCH)
                for one in encode(every[start : start + BATCH], self._embedder)
            ]
        )
        return [
            Ready(
                cut.work.document,
                cut.hash,
                cut.work.file,
                [next(encoded) for _ in cut.chunks],
                signature(cut.work.document),
            )
            for cut in batch
        ]


async def _batches(cuts: AsyncGenerator[_Cut]) -> AsyncGenerator[list[_Cut]]:
    batch: list[_Cut] = []
    async with aclosing(cuts):
        async for cut in cuts:
            batch.append(cut)
            if sum(len(one.chunks) for one in batch) >= BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


async def ahead(source: AsyncGenerator[T]) -> AsyncGenerator[T]:
    """The same items, each made while the one before is still in use."""
    async with aclosing(source):
        coming = asyncio.ensure_future(anext(source, None))
        try:
            while (item := await coming) is not None:
                coming = asyncio.ensure_future(anext(source, None))
                yield item
        finally:
            coming.cancel()
            await asyncio.wait([coming])
