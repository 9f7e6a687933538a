"""What is written to the store is what it says, whole and by one writer at a time."""

from __future__ import annotations

from dataclasses import dataclass

from shared.embeddings import MiniLM
from stage3_rag.contract import Chunk, Document, Section
from stage3_rag.store import Store


@dataclass
class Encoded:
    chunk: Chunk
    vector: object
    terms: tuple[str, ...]
    late: bytes | None = None


def document(id: str, **more: object) -> Document:
    return Document(id=id, title=id.title(), sections=(Section((), "x"),), **more)


def encoded(minilm: MiniLM, id: str, *texts: str) -> list[Encoded]:
    vectors = minilm.embed(texts)
    return [
        Encoded(
            Chunk(document_id=id, ordinal=at, path=("A", "B"), text=text, context="c", tokens=3),
            vectors[at],
            tuple(text.split()),
            b"late",
        )
        for at, text in enumerate(texts)
    ]


async def test_a_document_comes_back_as_it_was_written(store: Store, minilm: MiniLM) -> None:
    assert await store.index() is None
    assert await store.keyword(["red"], 5) == []
    await store.replace(
        document("one"), "h1", encoded(minilm, "one", "red apple", "green pear red")
    )
    await store.replace(document("two"), "h2", encoded(minilm, "two", "blue sea"))
    await store.replace(document("two"), "h3", encoded(minilm, "two", "blue sky", "dark sea"))
    assert await store.hashes() == {"one": "h1", "two": "h3"}
    index = await store.index()
    assert (index.chunks, index.terms) == (4, 9)
    found = await store.keyword(["sea", "red"], 5)
    assert len(found) == 3
    dense = await store.dense(minilm.embed(["blue sky"])[0], 10)
    assert len(dense) == 4 and dense[0][1] > 0.99
    chunk = (await store.chunks([dense[0][0]]))[dense[0][0]]
    assert chunk.chunk.text == "blue sky" and chunk.chunk.path == ("A", "B")
    await store.set_setting("threshold", 0.5)
    assert await store.setting("threshold") == 0.5
    assert await store.late([dense[0][0]]) == {dense[0][0]: b"late"}
    assert await store.remove("one", "none") == 1
    await store.tidy()
    async with store.rebuild(minilm, "fixed") as fresh:
        await fresh.replace(document("z"), "h", encoded(minilm, "z", "zebra"))
        assert set(await store.hashes()) == {"two"}
    assert set(await store.hashes()) == {"z"}
