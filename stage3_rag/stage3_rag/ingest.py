"""A folder or a file into the store: only what is new or changed is cut, embedded and written.

A document is written within one transaction, with a few others where they are small; so whatever
kills this process or the database, every document is there whole in its old or its new form, and
the next run takes up where this one was. A file that cannot be read is named and keeps what it had;
the others go on. Left out: what a path means (`corpus`), how files are read (`reading`), how
documents are cut and embedded (`pipeline`), where rows go (`store`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

from shared.documents import NothingToRead, UnreadableDocument
from shared.embeddings import Embedder
from stage3_rag.contract import Document
from stage3_rag.corpus import Corpus, file_of, find_corpus
from stage3_rag.duplicates import closest
from stage3_rag.pipeline import Contexts, Opened, Pipeline, Ready, Work
from stage3_rag.reading import SourceFile, content_hash, file_hash, load, read_source
from stage3_rag.snapshot import Stored
from stage3_rag.store import Store
from stage3_rag.writing import Writer


@dataclass(slots=True)
class Report:
    """What one run did, by document id; `skipped`, `failed` and `foreign` say why.

    `skipped` are files with nothing in them, `failed` files that could not be read. `foreign` names
    the tenant that a document says it belongs to, `alike` the document that says almost the same.
    """

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    foreign: dict[str, str] = field(default_factory=dict)
    alike: dict[str, str] = field(default_factory=dict)
    chunks: int = 0


Found = Callable[[int], None]
Finished = Callable[[], None]


async def ingest_path(
    path: Path,
    store: Store,
    embedder: Embedder,
    *,
    contexts: Contexts | None = None,
    found: Found = lambda _: None,
    finished: Finished = lambda: None,
) -> Report:
    """Everything below `path`. What it held before and holds no longer is removed.

    `found` hears how many files there are, `finished` of each one that is done.
    """
    stored = await store.documents()
    corpus = await asyncio.to_thread(find_corpus, path, stored)
    found(len(corpus.sources))
    run = Ingestion(store, {one.id: one for one in stored}, contexts, corpus, finished)
    await run.write(run.files(corpus.sources), embedder)
    await run.remove(corpus.gone(stored, run.seen, run.report.failed))
    if corpus.is_file:  # asked for by name, so something was expected in it
        run.report.failed |= run.report.skipped
        run.report.skipped = {}
    await store.tidy(run.report.chunks)
    return run.report


async def ingest_documents(
    documents: Iterable[Document], store: Store, embedder: Embedder
) -> Report:
    """The documents of a list; none is removed."""
    run = Ingestion(store, {one.id: one for one in await store.documents()})
    await run.write(run.each(documents), embedder)
    await store.tidy(run.report.chunks)
    return run.report


class Ingestion:
    """One run. `seen` are the documents that are there and ours, whether they changed or not."""

    def __init__(
        self,
        store: Store,
        stored: Mapping[str, Stored],
        contexts: Contexts | None = None,
        corpus: Corpus | None = None,
        finished: Finished = lambda: None,
    ) -> None:
        self._store = store
        self._stored = stored
        self._contexts = contexts
        self._corpus = corpus
        self._finished = finished
        self._files: dict[str, list[Stored]] = {}
        for one in stored.values():
            for file in {one.id, file_of(one.id)}:
                self._files.setdefault(file, []).append(one)
        self.report = Report()
        self.seen: set[str] = set()

    async def write(self, works: AsyncGenerator[Work], embedder: Embedder) -> None:
        index = await self._store.index()
        chunker = index.chunker if index else self._store.chunker
        pipeline = Pipeline(embedder, chunker, self._contexts)
        async with aclosing(pipeline.run(works)) as every:
            async for batch in every:
                async with self._store.writing() as writer:
                    for ready in batch:
                        await self._write(ready, writer)

    async def remove(self, ids: list[str]) -> None:
        if ids:
            await self._store.remove(*ids)
        self.report.removed += ids
        for id, twin in list(self.report.alike.items()):
            if twin in ids:  # it was moved, not copied
                del self.report.alike[id]

    async def each(self, documents: Iterable[Document]) -> AsyncGenerator[Work]:
        for one in documents:
            async for work in self._of_file(Opened("", "", (one.id,), 1), [one]):
                yield work

    async def files(self, sources: Iterable[SourceFile]) -> AsyncGenerator[Work]:
        for source in sources:
            try:
                data = await asyncio.to_thread(load, source)
                hash = await asyncio.to_thread(file_hash, data)
                if self._is_known(source.id, hash):
                    continue
                documents = await asyncio.to_thread(read_source, source, data)
            except NothingToRead as error:
                self.report.skipped[source.id] = str(error)
            except UnreadableDocument as error:
                self.report.failed[source.id] = str(error)
            else:
                assert self._corpus
                ids = tuple(one.id for one in documents)
                file = Opened(self._corpus.origin, hash, ids, len(ids))
                async for work in self._of_file(file, documents):
                    yield work
                continue
            self._finished()

    def _is_known(self, id: str, hash: str) -> bool:
        """Whether all that this file holds is stored already: then it need not be read."""
        documents = self._files.get(id, [])
        if not documents or not all(self._is_same(one, hash) for one in documents):
            return False
        ids = [one.id for one in documents]
        self.report.unchanged += ids
        self.seen.update(ids)
        self._finished()
        return True

    def _is_same(self, one: Stored, hash: str) -> bool:
        assert self._corpus
        same = one.file_hash == hash and one.origin == self._corpus.origin
        return same and self._has_contexts(one)

    def _has_contexts(self, one: Stored) -> bool:
        """As wished now. A run without a model for them leaves paid ones in place."""
        return not self._contexts or one.content_hash.endswith(f" {self._contexts.identity}")

    async def _of_file(self, file: Opened, documents: Iterable[Document]) -> AsyncGenerator[Work]:
        for document in documents:
            hash = content_hash(document)
            if self._is_wanted(document, hash, file):
                yield Work(document, hash, file)
            else:
                await self._done(file, self._store)

    def _is_wanted(self, document: Document, hash: str, file: Opened) -> bool:
        id, report = document.id, self.report
        stored = self._stored.get(id)
        if document.tenant not in ("", self._store.tenant):
            report.foreign[id] = document.tenant
            return False
        if id in self.seen:
            file.hash = ""  # to be told of it again next time
            report.failed[id] = f"two documents of this run are called {id}: the first one counts"
            return False
        same = stored is not None and stored.content_hash.split(" ")[0] == hash
        if stored and self._corpus and self._corpus.taken(stored):
            if same:
                report.unchanged.append(id)
                return False
            file.hash = ""
            report.failed[id] = (
                f"{id} is in the collection already, from {stored.origin}: ingest a folder above "
                "both, or use another --tenant"
            )
            return False
        self.seen.add(id)
        if stored and same and self._has_contexts(stored):
            report.unchanged.append(id)
            return False
        return True

    async def _write(self, ready: Ready, writer: Writer) -> None:
        id = ready.document.id
        near = await writer.alike(ready.signature.bands)
        near.pop(id, None)
        alone = len(ready.file.ids) == 1
        await writer.replace(
            ready.document,
            ready.hash,
            ready.chunks,
            origin=ready.file.origin,
            file_hash=ready.file.hash if alone else "",
            signature=ready.signature,
        )
        (self.report.changed if id in self._stored else self.report.added).append(id)
        self.report.chunks += len(ready.chunks)
        if twin := closest(ready.signature.digest, near):
            self.report.alike[id] = twin
        await self._done(ready.file, writer, sealed=alone)

    async def _done(self, file: Opened, to: Store | Writer, *, sealed: bool = False) -> None:
        """One document less to wait for; after the last, the file is known to be all there."""
        file.left -= 1
        if file.left:
            return
        ids = [id for id in file.ids if id in self.seen]
        if ids and file.hash and not sealed:
            await to.seal(ids, file.origin, file.hash)
        self._finished()
