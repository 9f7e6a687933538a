"""A folder or a file into the store: only what is new or changed is cut, embedded and written.

Each document is one transaction, so whatever kills this process or the database, every document is
there whole in its old or its new form, and the next run takes up where this one was. A file that
cannot be read is named and left as it was; the others go on. Left out: how files are read
(`reading`) and where rows go (`store`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shared.embeddings import Embedder
from stage3_rag.contract import Chunk, Document
from stage3_rag.duplicates import Signature
from stage3_rag.encoding import EncodedChunk
from stage3_rag.reading import find_sources
from stage3_rag.store import Store

AHEAD = 2  # documents that are encoded while one is written
SLICE = 64  # chunks of one document that are embedded in one go

Context = Callable[[Document, Sequence[Chunk]], "asyncio.Future[list[Chunk]]"]


@dataclass(slots=True)
class Report:
    """What one run did. `alike` names, for a near-duplicate, the document it repeats."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    foreign: dict[str, str] = field(default_factory=dict)
    alike: dict[str, str] = field(default_factory=dict)
    chunks: int = 0


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document ready to be written; `chunks` is None when nothing of it has changed."""

    document: Document
    hash: str
    chunks: list[EncodedChunk] | None = None
    signature: Signature | None = None


async def ingest_path(
    path: Path,
    store: Store,
    embedder: Embedder,
    *,
    finished: Callable[[str], None] = lambda _: None,
    found: Callable[[int], None] = lambda _: None,
) -> Report:
    """Everything below `path`; what this path held before and holds no longer is removed."""
    sources = await asyncio.to_thread(find_sources, path)
    found(len(sources))
    report = Report()
    origin = str(path.resolve())
    known = await store.hashes()
    seen: set[str] = set()
    async for source, documents in _read(sources, report):
        for document in documents:
            seen.add(document.id)
        await ingest_documents(
            documents, store, embedder, origin=origin, known=known, report=report
        )
        finished(source.id)
    if path.is_dir():
        await _remove(store, origin, seen, report)
    return report


async def ingest_documents(
    documents: Sequence[Document],
    store: Store,
    embedder: Embedder,
    *,
    origin: str = "",
    known: dict[str, str] | None = None,
    report: Report | None = None,
) -> Report:
    """The documents of a list; none is removed. `known` and `report` carry on an earlier call."""
    report = report or Report()
    known = await store.hashes() if known is None else known
    mine = [one for one in documents if _mine(one, store, report)]
    async for prepared in _prepared(mine, known, store.chunker, embedder):
        id = prepared.document.id
        if prepared.chunks is None:
            report.unchanged.append(id)
            continue
        await store.replace(
            prepared.document,
            prepared.hash,
            prepared.chunks,
            origin=origin,
            signature=prepared.signature,
        )
        (report.changed if id in known else report.added).append(id)
        known[id] = prepared.hash
        report.chunks += len(prepared.chunks)
    return report
