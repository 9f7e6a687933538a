"""The same documents with another chunker or embedder: a second index is filled, then they switch.

Documents come out of the store, not from disk, so a folder that has moved is not missed. Until the
switch everybody is answered from the old index, and after a kill the next run goes on. Settings,
such as the threshold of refusal, belong to the old index and go with it, and so do lines of context
that a model wrote. Left out: the switch itself (`store`).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass

from shared.embeddings import Embedder
from shared.errors import UserError
from stage3_rag.chunking import chunker as existing
from stage3_rag.pipeline import Opened, Pipeline, Work
from stage3_rag.snapshot import Stored
from stage3_rag.store import Store


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """`kept` documents were in the new index already, from a run that was interrupted."""

    documents: int
    kept: int
    chunks: int
    embedder: str
    chunker: str


async def reindex(
    store: Store,
    embedder: Embedder,
    chunker: str = "",
    *,
    found: Callable[[int], None] = lambda _: None,
    finished: Callable[[], None] = lambda: None,
) -> Rebuilt:
    """`store` is opened without an embedder: its own may be another one by now.

    `chunker` is by default the one in use.
    """
    index = await store.index()
    if index is None:
        raise UserError(
            f"there is no collection of {store.tenant} to rebuild: fill one with `stage3 ingest`"
        )
    chunker = chunker or index.chunker
    existing(chunker)
    async with store.rebuild(embedder, chunker) as fresh:
        missing = await _missing(store, fresh)
        total = len(await store.documents())
        kept = total - len(missing)
        found(len(missing))
        while missing:  # once more for what was ingested meanwhile
            await _fill(store, fresh, Pipeline(embedder, chunker), missing, finished)
            missing = await _missing(store, fresh)
        await _drop_surplus(store, fresh)
    now = await store.index()
    assert now
    return Rebuilt(len(await store.documents()), kept, now.chunks, embedder.name, chunker)


async def _missing(store: Store, fresh: Store) -> list[Stored]:
    there = {one.id: _hash(one) for one in await fresh.documents()}
    return [one for one in await store.documents() if there.get(one.id) != _hash(one)]


def _hash(one: Stored) -> str:
    """Of the content alone: who wrote its contexts does not count."""
    return one.content_hash.split(" ")[0]


async def _fill(
    store: Store,
    fresh: Store,
    pipeline: Pipeline,
    missing: Iterable[Stored],
    finished: Callable[[], None],
) -> None:
    async with aclosing(pipeline.run(_works(store, missing))) as every:
        async for batch in every:
            async with fresh.writing() as writer:
                for ready in batch:
                    await writer.replace(
                        ready.document,
                        ready.hash,
                        ready.chunks,
                        origin=ready.file.origin,
                        file_hash=ready.file.hash,
                        signature=ready.signature,
                    )
                    finished()


async def _works(store: Store, missing: Iterable[Stored]) -> AsyncGenerator[Work]:
    for one in missing:
        document = await store.whole(one.id)
        if document:
            yield Work(document, _hash(one), Opened(one.origin, one.file_hash, (one.id,), 1))


async def _drop_surplus(store: Store, fresh: Store) -> None:
    wanted = {one.id for one in await store.documents()}
    surplus = [one.id for one in await fresh.documents() if one.id not in wanted]
    if surplus:
        await fresh.remove(*surplus)
