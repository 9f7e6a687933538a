"""A folder or a file into the store: only what is new or changed is cut, embedded and written.

Each document is one transaction, so whatever kills this process or the database, every document is
there whole in its old or its new form, and the next run takes up where this one was. A file that
cannot be read is named and left as it was; the others go on. Left out: how files are read
(`reading`) and where rows go (`store`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from shared.documents import UnreadableDocument
from shared.embeddings import Embedder
from stage3_rag.chunking import chunk
from stage3_rag.contract import Document
from stage3_rag.duplicates import ALIKE, Signature, likeness, signature
from stage3_rag.encoding import EncodedChunk, encode
from stage3_rag.reading import SourceFile, content_hash, find_sources, load, read_source
from stage3_rag.store import Store

SLICE = 64  # chunks that are embedded in one go: what a kill costs at most of a long document


@dataclass(slots=True)
class Report:
    """What one run did, by document id; `failed` and `foreign` say why, `alike` names the twin."""

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
    """A document ready to be written."""

    document: Document
    hash: str
    chunks: list[EncodedChunk]
    signature: Signature


async def ingest_path(
    path: Path,
    store: Store,
    embedder: Embedder,
    *,
    found: Callable[[int], None] = lambda _: None,
    finished: Callable[[], None] = lambda: None,
) -> Report:
    """Everything below `path`. What this folder held before and holds no longer is removed."""
    origin, sources = await asyncio.to_thread(_scan, path)
    found(len(sources))
    report = Report()
    seen: set[str] = set()

    async def documents() -> AsyncIterator[Document]:
        for source in sources:
            try:
                read = await asyncio.to_thread(_read, source)
            except UnreadableDocument as error:
                report.failed[source.id] = str(error)
                seen.add(source.id)
                read = []
            for one in read:
                seen.add(one.id)
                yield one
            finished()

    await _ingest(documents(), store, embedder, origin, report)
    if origin:
        await _remove_vanished(store, origin, seen, report)
    await store.tidy(report.chunks)
    return report


async def ingest_documents(
    documents: Iterable[Document], store: Store, embedder: Embedder
) -> Report:
    """The documents of a list; none is removed."""

    async def each() -> AsyncIterator[Document]:
        for one in documents:
            yield one

    report = Report()
    await _ingest(each(), store, embedder, "", report)
    await store.tidy(report.chunks)
    return report


async def _ingest(
    documents: AsyncIterator[Document],
    store: Store,
    embedder: Embedder,
    origin: str,
    report: Report,
) -> None:
    """While one document is written, the next one is already being embedded."""
    known = await store.hashes()
    writing: asyncio.Task[None] | None = None
    try:
        async for document in documents:
            hash = content_hash(document)
            if document.tenant not in ("", store.tenant):
                report.foreign[document.id] = document.tenant
            elif known.get(document.id) == hash:
                report.unchanged.append(document.id)
            else:
                ready = await asyncio.to_thread(_prepared, document, hash, store.chunker, embedder)
                if writing:
                    await writing
                writing = asyncio.create_task(_write(ready, store, origin, known, report))
        if writing:
            await writing
    except BaseException:
        if writing:
            writing.cancel()
        raise


async def _write(
    ready: Prepared, store: Store, origin: str, known: dict[str, str], report: Report
) -> None:
    id = ready.document.id
    twin = await _twin(ready, store)
    await store.replace(
        ready.document, ready.hash, ready.chunks, origin=origin, signature=ready.signature
    )
    (report.changed if id in known else report.added).append(id)
    known[id] = ready.hash
    report.chunks += len(ready.chunks)
    if twin:
        report.alike[id] = twin


async def _twin(ready: Prepared, store: Store) -> str:
    """The stored document that says almost the same; empty when there is none."""
    digest = ready.signature.digest
    near = await store.alike(ready.signature.bands)
    likely = {
        id: share
        for id, other in near.items()
        if id != ready.document.id and (share := likeness(digest, other)) >= ALIKE
    }
    return max(likely, key=lambda id: likely[id], default="")


def _prepared(document: Document, hash: str, chunker: str, embedder: Embedder) -> Prepared:
    chunks = chunk(document, chunker, embedder)
    encoded = [
        one
        for start in range(0, len(chunks), SLICE)
        for one in encode(chunks[start : start + SLICE], embedder)
    ]
    return Prepared(document, hash, encoded, signature(document))


async def _remove_vanished(store: Store, origin: str, seen: set[str], report: Report) -> None:
    """`seen` holds the ids of files that could not be read, too: what was read before stays."""
    gone = [
        one.id
        for one in await store.documents()
        if one.origin == origin and one.id not in seen and one.id.split("#")[0] not in seen
    ]
    if gone:
        await store.remove(*gone)
    report.removed += gone


def _scan(path: Path) -> tuple[str, list[SourceFile]]:
    """Where documents come from, empty for a single file; and the files."""
    sources = find_sources(path)
    return (str(path.resolve()) if path.is_dir() else ""), sources


def _read(source: SourceFile) -> list[Document]:
    return read_source(source, load(source))
