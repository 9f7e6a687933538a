"""Vector search against NumPy: exact wherever it must be, and complete everywhere.

`tests/bench/run.py store` does the same with 100,000 chunks. Here the switch to the approximate
index is set low and the planner is pushed, so that a small table takes the plans of a large one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import psycopg
import pytest

from stage3_rag.contract import Filters
from stage3_rag.store import Store

SIZE, TENTH, LARGE, SMALL = 32, 10, 3000, 30
PUSHED = "SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off"


def unit(rows: Any) -> Any:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def cloud(seed: int, count: int) -> Any:
    return unit(np.random.default_rng(seed).standard_normal((count, SIZE)))


async def fill(store: Store, paper: Any, embedder: Any, vectors: Any) -> None:
    """Documents of up to 500 chunks; every tenth chunk is alone in a document tagged `rare`."""
    rare = vectors[:: len(vectors) // TENTH][:TENTH]
    for name, rows in [("rare", rare)] + [
        (f"d{at}", vectors[at : at + 500]) for at in range(0, len(vectors), 500)
    ]:
        document, chunks = paper(name, *["x"] * len(rows), embedder=embedder, tags=(name[0],))
        for chunk, row in zip(chunks, rows, strict=True):
            chunk.vector = row
        await store.replace(document, "h", chunks)


def best(vectors: Any, question: Any, k: int) -> list[float]:
    return sorted(vectors @ question, reverse=True)[:k]


async def test_exact_search_is_numpy(store: Store, paper: Any, made_up: Any, opened: Any) -> None:
    embedder = made_up(dimensions=SIZE)
    vectors = cloud(1, 500)
    async with opened(embedder=embedder) as mine:
        await fill(mine, paper, embedder, vectors)
        everything = np.concatenate([vectors, vectors[::50]])
        for question in cloud(2, 20):
            found = await mine.dense(question, 10)
            assert [s for _, s in found] == pytest.approx(best(everything, question, 10), abs=1e-6)
        assert len(await mine.dense(question, 10_000)) == 510


@pytest.fixture
async def large(opened: Any, paper: Any, made_up: Any) -> Any:
    """A corpus beyond the switch, with its approximate index."""
    embedder = made_up(dimensions=SIZE)
    async with opened(embedder=embedder, exact_below=1000) as store:
        await fill(store, paper, embedder, cloud(3, LARGE))
        await store.tidy()
        assert (await store.index()).has_hnsw
        yield store


@pytest.fixture
async def small(large: Store, paper: Any, made_up: Any) -> Store:
    """A tenant of one percent in the same tables."""
    embedder = made_up(dimensions=SIZE)
    store = Store(large.database, f"{large.tenant}-small", embedder, exact_below=1000)
    await fill(store, paper, embedder, cloud(4, SMALL))
    return store


async def test_large_and_small_tenants_get_what_is_theirs(large: Store, small: Store) -> None:
    everything = np.concatenate([cloud(3, LARGE), cloud(3, LARGE)[:: LARGE // TENTH]])
    theirs = np.concatenate([cloud(4, SMALL), cloud(4, SMALL)[:: SMALL // TENTH][:TENTH]])
    recalled = []
    async with large.database.pool.connection() as connection:
        await connection.execute("SELECT 1")
    for question in cloud(5, 30):
        found = await large.dense(question, 10)
        assert len(found) == 10
        last = best(everything, question, 10)[-1]
        recalled.append(np.mean([score >= last - 1e-6 for _, score in found]))
        exact = await small.dense(question, 10)
        assert [s for _, s in exact] == pytest.approx(best(theirs, question, 10), abs=1e-6)
        filtered = await large.dense(question, 10, Filters(tags=("r",)))
        assert len(filtered) == TENTH
        assert len({id for id, _ in filtered}) == TENTH
    assert np.mean(recalled) >= 0.98


async def test_no_plan_makes_an_answer_short(large: Store, small: Store, database_url: str) -> None:
    """An approximate index over all tenants, which pgvector's users have, and a planner that wants
    it: a search that did not forbid it would find three of every thousand rows to be its own."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            f"CREATE INDEX of_everybody ON stage3.vectors USING hnsw "
            f"((embedding::vector({SIZE})) vector_cosine_ops) WHERE vector_dims(embedding) = {SIZE}"
        )
        connection.execute("ALTER ROLE CURRENT_USER SET enable_seqscan = off")
    try:
        theirs = np.concatenate([cloud(4, SMALL), cloud(4, SMALL)[:: SMALL // TENTH][:TENTH]])
        for question in cloud(6, 10):
            async with small.snapshot() as now:
                await now._connection.execute(PUSHED.replace("SET ", "SET LOCAL "))
                exact = await now.dense(question, 10)
            assert [s for _, s in exact] == pytest.approx(best(theirs, question, 10), abs=1e-6)
    finally:
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("ALTER ROLE CURRENT_USER RESET enable_seqscan")
            connection.execute("DROP INDEX stage3.of_everybody")


async def test_an_approximate_index_that_finds_too_little_is_not_the_last_word(
    large: Store, paper: Any
) -> None:
    """All but a few rows are deleted, and the index still walks among the dead."""
    await large.remove(*(f"d{at}" for at in range(0, LARGE, 500)))
    question = cloud(7, 1)[0]
    async with large.snapshot() as now:
        now._exact_below = 1
        assert len(await now.dense(question, TENTH)) == TENTH
        assert len(await now._approximate(question, TENTH, Filters())) <= TENTH
