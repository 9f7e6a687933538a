"""Vector search against NumPy: exact wherever it must be, and complete everywhere.

`tests/bench/run.py store` does the same with 100,000 chunks. Here the switch to the approximate
index is set low and the planner is pushed, so that a small table takes the plans of a large one.
"""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import psycopg
import pytest

from shared.settings import load_settings
from stage3_rag.contract import Filters
from stage3_rag.store import Store, open_store

SIZE, TENTH, LARGE, SMALL = 32, 10, 3000, 30
PUSHED = """
    SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off
"""


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


async def test_no_plan_makes_an_answer_short(
    fresh_database: Any, paper: Any, made_up: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One approximate index over all tenants, as many have it, and a planner that wants it.

    The same rows asked for without `+ 0` come out too few: that is what the query must withstand.
    """
    monkeypatch.setenv("DATABASE_URL", url := fresh_database())
    embedder = made_up(dimensions=SIZE)
    async with open_store(load_settings(), "large", embedder=embedder) as large:
        small = Store(large.database, "small", embedder)
        await fill(large, paper, embedder, cloud(3, LARGE))
        await fill(small, paper, embedder, cloud(4, SMALL))
        with psycopg.connect(url, autocommit=True) as connection:
            fixed = f"ALTER TABLE stage3.vectors ALTER embedding TYPE vector({SIZE})"
            connection.execute(fixed)
            index = "CREATE INDEX ON stage3.vectors USING hnsw (embedding vector_cosine_ops)"
            connection.execute(index)
        await assert_complete(small)


async def assert_complete(small: Store) -> None:
    theirs = np.concatenate([cloud(4, SMALL), cloud(4, SMALL)[:: SMALL // TENTH][:TENTH]])
    index = await small.index()
    short = []
    for question in cloud(6, 10):
        async with small.snapshot() as now:
            await now._connection.execute(PUSHED)
            exact = await now.dense(question, 10)
            naive = await now._connection.execute(
                "SELECT FROM stage3.vectors WHERE index_id = %s ORDER BY embedding <=> %s LIMIT 10",
                (index.id, question),
            )
            short.append(naive.rowcount < 10)
        assert [s for _, s in exact] == pytest.approx(best(theirs, question, 10), abs=1e-6)
    assert all(short)


async def test_an_approximate_index_that_finds_too_little_is_not_the_last_word(
    large: Store,
) -> None:
    """A filter that leaves one row in three hundred, and a search that soon gives up."""
    rare = Filters(tags=("r",))
    async with large.snapshot() as now:
        now._exact_below = 1
        for question in cloud(7, 10):
            await now._connection.execute(f"{PUSHED}; SET LOCAL hnsw.max_scan_tuples = 1")
            assert len(await now._approximate(question, TENTH, rare)) < TENTH
            assert len(await now.dense(question, TENTH, rare)) == TENTH


async def test_two_processes_that_tidy_build_one_index(
    opened: Any, paper: Any, made_up: Any
) -> None:
    embedder = made_up(dimensions=SIZE)
    async with (
        opened(embedder=embedder, exact_below=100) as one,
        opened(embedder=embedder, exact_below=100) as other,
    ):
        await fill(one, paper, embedder, cloud(9, 1000))
        await asyncio.gather(one.tidy(), other.tidy(), one.tidy())
        assert (await other.index()).has_hnsw


async def test_deleted_rows_do_not_crowd_out_the_others(large: Store) -> None:
    await large.remove(*(f"d{at}" for at in range(0, LARGE, 500)))
    async with large.snapshot() as now:
        now._exact_below = 1
        assert len(await now.dense(cloud(8, 1)[0], TENTH)) == TENTH
