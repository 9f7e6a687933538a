"""A document is there whole in its newest form or not at all; an index answers for its model."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from stage3_rag.contract import Filters
from stage3_rag.store import IndexMismatch, RebuildRunning, Store


async def texts(store: Store) -> dict[str, list[str]]:
    documents = await store.documents()
    return {
        one.id: [found.chunk.text for found in await store.chunks_of(one.id)] for one in documents
    }


async def test_an_empty_store_answers_nothing(store: Store, made_up: Any) -> None:
    assert await store.index() is None
    assert await store.documents() == []
    assert await store.dense(made_up().embed(["x"])[0], 5) == []
    assert await store.keyword(["x"], 5) == []
    assert await store.chunks([1, 2, 3]) == {}
    assert await store.setting("threshold") is None


async def test_a_document_comes_back_as_it_was_written(store: Store, paper: Any) -> None:
    document, chunks = paper(
        "a/b.md", "red apple", "green pear", tags=("x", "y"), updated=date(2026, 1, 2)
    )
    chunks[0].late = b"packed"
    await store.replace(document, "hash", chunks, origin="folder")
    [stored] = await store.documents()
    assert (stored.id, stored.title, stored.tags) == ("a/b.md", "About a/b.md", ("x", "y"))
    assert (stored.updated, stored.origin, stored.chunks) == (date(2026, 1, 2), "folder", 2)
    found = await store.chunks_of("a/b.md")
    assert [one.chunk for one in found] == [one.chunk for one in chunks]
    assert await store.late([one.id for one in found]) == {found[0].id: b"packed"}
    nearest = await store.dense(chunks[1].vector, 1)
    assert [id for id, _ in nearest] == [found[1].id]
    assert nearest[0][1] == pytest.approx(1)


async def test_a_changed_document_takes_the_place_of_the_old(
    store: Store, paper: Any, tenant: str, consistent: Any
) -> None:
    await store.replace(*with_hash(paper("one", "alpha beta", "beta"), "h1"))
    await store.replace(*with_hash(paper("two", "beta"), "h2"))
    await store.replace(*with_hash(paper("one", "gamma beta beta"), "h3"))
    assert await texts(store) == {"one": ["gamma beta beta"], "two": ["beta"]}
    assert await store.hashes() == {"one": "h3", "two": "h2"}
    assert await store.keyword(["alpha"], 5) == []
    assert consistent(tenant) == (2, 4)


def with_hash(made: Any, content_hash: str) -> tuple[Any, str, Any]:
    document, chunks = made
    return document, content_hash, chunks


async def test_a_removed_document_is_gone_everywhere(
    store: Store, paper: Any, tenant: str, consistent: Any
) -> None:
    await store.replace(*with_hash(paper("one", "alpha"), "h"))
    await store.replace(*with_hash(paper("empty"), "h"))
    await store.replace(*with_hash(paper("two", "beta"), "h"))
    assert await store.remove("one", "empty", "never there") == 2
    assert await texts(store) == {"two": ["beta"]}
    assert consistent(tenant) == (1, 1)


async def test_what_postgresql_cannot_keep_becomes_a_mark(store: Store, paper: Any) -> None:
    await store.replace(*with_hash(paper("o\0ne", "nul\0 half\ud800", tags=("t\0",)), "h"))
    [found] = await store.chunks_of("o\0ne")
    assert found.chunk.text == "nul\ufffd half?"
    assert await store.keyword(["nul\0"], 5, Filters(tags=("t\0",), documents=("o\0ne",)))


async def test_a_failure_half_way_leaves_the_old_document(
    store: Store, paper: Any, tenant: str, consistent: Any
) -> None:
    await store.replace(*with_hash(paper("one", "old words"), "h1"))
    document, chunks = paper("one", "new", "newer")
    chunks[1] = Failing(chunks[1].chunk, chunks[1].vector, chunks[1].terms)
    with pytest.raises(ZeroDivisionError):
        await store.replace(document, "h2", chunks)
    assert await texts(store) == {"one": ["old words"]}
    assert await store.hashes() == {"one": "h1"}
    assert consistent(tenant) == (1, 2)


@dataclass
class Failing:
    """Fails when its texts and vectors have been written and its terms have not."""

    chunk: Any
    vector: Any
    terms: Any

    @property
    def late(self) -> bytes:
        raise ZeroDivisionError


async def test_a_vector_of_another_length_is_refused(store: Store, paper: Any) -> None:
    document, chunks = paper("one", "new", "newer")
    chunks[1].vector = chunks[1].vector[:3]
    with pytest.raises(IndexMismatch, match="3 numbers"):
        await store.replace(document, "h", chunks)
    assert await store.documents() == []


async def test_a_reader_sees_the_old_or_the_new_and_never_both(store: Store, paper: Any) -> None:
    versions = {
        "old": paper("one", "same old", "same old", "same old"),
        "new": paper("one", "same new", "same new"),
    }
    await store.replace(*with_hash(versions["old"], "old"))
    seen: set[tuple[str, int, frozenset[str]]] = set()
    writing = asyncio.create_task(write_often(store, versions))
    while not writing.done():
        async with store.snapshot() as now:
            [one] = await now.documents()
            found = await now.keyword(["same"], 10)
            chunks = await now.chunks([id for id, _ in found])
        words = frozenset(one.chunk.text for one in chunks.values())
        seen.add((one.content_hash, len(found), words))
    await writing
    old = ("old", 3, frozenset({"same old"}))
    new = ("new", 2, frozenset({"same new"}))
    assert seen <= {old, new}


async def write_often(store: Store, versions: dict[str, Any]) -> None:
    for turn in range(30):
        name = "new" if turn % 2 else "old"
        await store.replace(*with_hash(versions[name], name))


async def test_many_writers_at_once_count_right(
    store: Store, paper: Any, tenant: str, consistent: Any
) -> None:
    made = [paper(f"d{turn % 5}", *["word other"] * (1 + turn % 3)) for turn in range(30)]
    await asyncio.gather(*(store.replace(*with_hash(one, "h")) for one in made))
    assert set(await store.hashes()) == {f"d{turn}" for turn in range(5)}
    consistent(tenant)


# --- an index and its model ----------------------------------------------------------------------
async def test_another_embedder_is_refused_with_the_command_that_helps(
    opened: Any, store: Store, paper: Any, made_up: Any
) -> None:
    await store.replace(*with_hash(paper("one", "alpha"), "h"))
    other = made_up("made-up@2")
    async with opened(embedder=other) as wrong:
        with pytest.raises(IndexMismatch, match=r"made-up@1.*made-up@2.*stage3 reindex"):
            await wrong.dense(other.embed(["alpha"])[0], 5)
        with pytest.raises(IndexMismatch):
            await wrong.replace(*with_hash(paper("two", "beta"), "h"))
    async with opened(embedder=made_up(dimensions=16)) as wrong:
        with pytest.raises(IndexMismatch):
            await wrong.keyword(["alpha"], 5)
    async with opened(chunker="other") as wrong:
        with pytest.raises(IndexMismatch, match="chunker"):
            await wrong.keyword(["alpha"], 5)
    async with opened() as unnamed:  # who asks for no vectors need not name a model
        assert len(await unnamed.keyword(["alpha"], 5)) == 1


async def test_a_rebuild_switches_at_its_end_and_not_before(
    opened: Any, store: Store, paper: Any, made_up: Any, tenant: str, consistent: Any
) -> None:
    await store.replace(*with_hash(paper("one", "alpha", "beta"), "h"))
    await store.set_setting("threshold", 0.3)
    bigger = made_up("made-up@2", 16)
    async with store.rebuild(bigger, "fixed") as fresh:
        await fresh.replace(*with_hash(paper("one", "alpha beta", embedder=bigger), "h"))
        assert await texts(store) == {"one": ["alpha", "beta"]}
        assert await store.setting("threshold") == 0.3
    async with opened(embedder=bigger, chunker="fixed") as now:
        assert await texts(now) == {"one": ["alpha beta"]}
        assert await now.setting("threshold") is None
        assert len(await now.dense(bigger.embed(["x"])[0], 5)) == 1
    with pytest.raises(IndexMismatch):
        await store.hashes()
    assert consistent(tenant) == (1, 2)


async def test_a_rebuild_that_fails_changes_nothing_and_goes_on_later(
    opened: Any, store: Store, paper: Any, made_up: Any
) -> None:
    await store.replace(*with_hash(paper("one", "alpha"), "h"))
    other = made_up("made-up@2")
    document = with_hash(paper("one", "alpha", embedder=other), "h")
    with pytest.raises(ZeroDivisionError):
        await fail_in_rebuild(store, other, document)
    assert set(await store.hashes()) == {"one"}
    async with store.rebuild(other) as fresh:
        assert set(await fresh.hashes()) == {"one"}  # what was done is not done again
    with pytest.raises(ZeroDivisionError):
        await fail_in_rebuild(store, made_up("made-up@3"))  # of another model: begins anew
    async with opened(embedder=other) as now:
        assert set(await now.hashes()) == {"one"}


async def fail_in_rebuild(store: Store, embedder: Any, *documents: Any) -> None:
    async with store.rebuild(embedder) as fresh:
        assert await fresh.hashes() == {}
        for one in documents:
            await fresh.replace(*one)
        raise ZeroDivisionError


async def test_two_rebuilds_at_a_time_are_refused(store: Store, paper: Any, made_up: Any) -> None:
    await store.replace(*with_hash(paper("one", "alpha"), "h"))
    async with store.rebuild(made_up("made-up@2")):
        with pytest.raises(RebuildRunning):
            async with store.rebuild(made_up("made-up@3")):
                pass


async def test_settings_are_values_and_the_last_one_counts(store: Store) -> None:
    await store.set_setting("threshold", {"value": 0.25, "questions": 75})
    await store.set_setting("threshold", {"value": 0.5, "questions": 75})
    assert await store.setting("threshold") == {"value": 0.5, "questions": 75}


async def test_documents_that_share_a_band_are_found(store: Store, paper: Any) -> None:
    for id, bands in (("a", (1, 2)), ("b", (2, 3)), ("c", (4,))):
        document, chunks = paper(id, "x")
        await store.replace(document, "h", chunks, signature=Signature(id.encode(), bands))
    assert await store.alike([2, 9]) == {"a": b"a", "b": b"b"}


class Signature:
    def __init__(self, digest: bytes, bands: tuple[int, ...]) -> None:
        self.digest, self.bands = digest, bands
