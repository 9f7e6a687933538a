"""How the store of stage 3 grows: writing, asking and memory at 1,000, 10,000 and 100,000 chunks.

Everything is one database with a tenant a size, so the smallest is a tenant of one percent. The
corpus is made up (`store_corpus`); only the time that embedding takes is that of real texts.
Besides the wall clock, the CPU time is shown: it grows less with the work of neighbours.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from series import Comparison, Section, Table
from store_corpus import Corpus, MadeUp

from shared.embeddings import MiniLM
from shared.settings import load_settings
from stage3_rag.contract import Filters
from stage3_rag.snapshot import EVERYTHING, Scored, Snapshot
from stage3_rag.store import Store, open_store

SIZES = (1_000, 10_000, 100_000)
QUESTIONS, COLD, K = 200, 20, 30
AIM_MS = 20  # dense, keyword and fusion at 100,000 chunks
AIM_INGEST = 1.10  # embedding and writing, in times of embedding alone
RRF_K = 10
SERVER, OWN = "its CPU, server", "its CPU, ours"
NEVER = 10**9
Ask = Callable[[Snapshot, Any, list[str]], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Asked:
    """Milliseconds: each question on the wall clock; CPU for one on average, theirs and ours."""

    walls: list[float]
    server: float
    own: float


def store_sections(sizes: Sequence[int] = SIZES) -> list[Section]:
    with _home() as home:
        return asyncio.run(_measure(home, sizes))


async def _measure(home: Path, sizes: Sequence[int]) -> list[Section]:
    settings = load_settings()
    settings.home = home
    settings.database_url = None
    growth: Table = {}
    vectors: Table = {}
    async with open_store(settings, "first", embedder=MadeUp()) as first:
        for size in sizes:
            corpus = Corpus(size)
            store = Store(first.database, f"tenant of {size}", MadeUp())
            before = _folder_mb(home)
            written = await _write(store, corpus)
            cells = growth[f"{size:,} chunks"] = written
            cells["MB on disk"] = [_folder_mb(home) - before]
            await _ask_all(store, corpus, cells)
            vectors |= await _compare_vectors(store, corpus)
        small = Store(first.database, f"tenant of {sizes[0]}", MadeUp())
        vectors |= await _compare_vectors(small, Corpus(sizes[0]), of=sum(sizes))
    embedding = _embedding_ms()
    largest = growth[f"{sizes[-1]:,} chunks"]
    cpu = [a + b for a, b in zip(largest[SERVER], largest[OWN], strict=True)]
    ingest = [(embedding + one) / embedding for one in largest["write ms a chunk"]]
    return [
        Section(
            "5a The store as it grows",
            f"{QUESTIONS - COLD} questions of six terms, {K} hits each; a search is dense, "
            f"keyword, fusion and the text of five chunks. Embedding one took {embedding:.1f} ms.",
            growth,
            [
                Comparison(
                    "search at the largest size, median", largest["search ms"], "ms", AIM_MS
                ),
                Comparison("the same, CPU of server and client together", cpu, "ms", AIM_MS),
                Comparison("embedding and writing : embedding", ingest, aim=AIM_INGEST),
            ],
        ),
        Section(
            "5b Exact or approximate",
            "Ten hits a question; recall and rows are shares of what exact search has.",
            vectors,
        ),
    ]


async def _write(store: Store, corpus: Corpus) -> dict[str, list[float]]:
    """Document by document, as ingestion does it; making the corpus up is not counted."""
    spent = cpu = 0.0
    for document, chunks in corpus.documents():
        wall, own = time.perf_counter(), time.process_time()
        await store.replace(document, "hash", chunks)
        spent += time.perf_counter() - wall
        cpu += time.process_time() - own
    start = time.perf_counter()
    await store.tidy()
    return {
        "write chunks/s": [corpus.size / spent],
        "write ms a chunk": [1000 * spent / corpus.size],
        "own CPU ms": [1000 * cpu / corpus.size],
        "tidy s": [time.perf_counter() - start],
    }


async def _ask_all(store: Store, corpus: Corpus, cells: dict[str, list[float]]) -> None:
    questions = corpus.questions(QUESTIONS)
    dense = await _ask(store, questions, lambda now, vector, _: now.dense(vector, K))
    keyword = await _ask(store, questions, lambda now, _, terms: now.keyword(terms, K))
    both = await _ask(store, questions, _search)
    for name, asked in (("dense", dense), ("keyword", keyword), ("search", both)):
        cells[f"{name} ms"] = asked.walls
        cells[f"{name} p99"] = [float(np.percentile(asked.walls, 99))]
    cells[SERVER] = [both.server]
    cells[OWN] = [both.own]


async def _search(now: Snapshot, vector: Any, terms: list[str]) -> Any:
    fused = fuse(await now.dense(vector, K), await now.keyword(terms, K))
    return await now.chunks(fused[:5])


def fuse(*rankings: Scored) -> list[int]:
    scores: dict[int, float] = {}
    for ranking in rankings:
        for place, (id, _) in enumerate(ranking, 1):
            scores[id] = scores.get(id, 0) + 1 / (RRF_K + place)
    return sorted(scores, key=lambda id: -scores[id])


async def _ask(store: Store, questions: Sequence[Any], ask: Ask) -> Asked:
    """A transaction a question, as a search has it; the server's CPU from its process."""
    walls = []
    async with store.snapshot() as now:
        server = psutil.Process(await _backend(now))
    for turn, (vector, terms) in enumerate(questions):
        if turn == COLD:
            before, own = sum(server.cpu_times()[:2]), time.process_time()
        start = time.perf_counter()
        async with store.snapshot() as now:
            await ask(now, vector, terms)
        walls.append(1000 * (time.perf_counter() - start))
    counted = (len(questions) - COLD) / 1000
    used = sum(server.cpu_times()[:2]) - before
    return Asked(walls[COLD:], used / counted, (time.process_time() - own) / counted)


async def _backend(now: Snapshot) -> int:
    """One task asks at a time, so the pool always gives the same connection."""
    cursor = await now._connection.execute("SELECT pg_backend_pid()")
    row = await cursor.fetchone()
    assert row
    return int(row[0])


async def _compare_vectors(store: Store, corpus: Corpus, of: int = 0) -> Table:
    """Exact and approximate search over the same corpus; `of`: a small tenant among so many."""
    questions = corpus.questions(60)
    truth = [set(_best(corpus.vectors, vector)) for vector, _ in questions]
    ways = {"exact": NEVER, "HNSW": 1} if not of else {"chosen": store._exact_below}
    table: Table = {}
    async with _with_hnsw(store):
        for way, exact_below in ways.items():
            one = Store(store.database, store.tenant, MadeUp(), exact_below=exact_below)
            name = f"{corpus.size:,} {way}" if not of else f"{corpus.size:,} of {of:,}, {way}"
            table[name] = await _recall(one, questions, truth)
    one = Store(store.database, store.tenant, MadeUp())
    half = Filters(tags=("odd",))
    if not of:
        kept = [at for at in range(corpus.size) if corpus.tag(at) == "odd"]
        truth = [{kept[at] for at in _best(corpus.vectors[kept], v)} for v, _ in questions]
        table[f"{corpus.size:,} half of it"] = await _recall(one, questions, truth, half)
    return table


async def _recall(
    store: Store, questions: Sequence[Any], truth: Sequence[set[int]], filters: Filters = EVERYTHING
) -> dict[str, list[float]]:
    places = await _places(store)
    walls, recalls, rows = [], [], []
    for (vector, _), best in zip(questions, truth, strict=True):
        start = time.perf_counter()
        found = await store.dense(vector, 10, filters)
        walls.append(1000 * (time.perf_counter() - start))
        recalls.append(len(best & {places[id] for id, _ in found}) / 10)
        rows.append(len(found))
    return {
        "ms": walls[10:],
        "recall@10": [float(np.mean(recalls))],
        "rows, fewest": [float(min(rows))],
    }


async def _places(store: Store) -> dict[int, int]:
    """Chunk ids come in the order of writing, one size after the other."""
    async with store.snapshot() as now:
        return {id: place for place, id in enumerate(sorted(await now.matching_chunks(EVERYTHING)))}


@asynccontextmanager
async def _with_hnsw(store: Store) -> AsyncIterator[None]:
    """Built for the comparison where the store would not have one, and dropped again."""
    index = await store.index()
    assert index
    if not index.has_hnsw:
        await Store(store.database, store.tenant, MadeUp(), exact_below=1).tidy()
    yield
    if not index.has_hnsw:
        async with store.database.pool.connection() as connection:
            await connection.execute(f"DROP INDEX stage3.vectors_hnsw_{index.id}")


def _best(vectors: Any, question: Any) -> list[int]:
    return [int(at) for at in np.argsort(-(vectors @ question))[:10]]


def _embedding_ms() -> float:
    """A chunk of about 200 tokens, one after another, as many cores as MiniLM takes."""
    text = " ".join(f"the budget of team {number} was kept" for number in range(22))
    model = MiniLM()
    model.embed([text] * 4)
    start = time.perf_counter()
    model.embed([text] * 40)
    return 1000 * (time.perf_counter() - start) / 40


def _folder_mb(folder: Path) -> float:
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file()) / 1e6


@contextmanager
def _home() -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="bench-"))
    home.chmod(0o755)  # as root, PostgreSQL runs as another user
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)
