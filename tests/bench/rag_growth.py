"""Stage 3's store and LangChain's as they grow, over the same made-up chunks and ready vectors.

Our side is `store_speed`'s; what exact and approximate search cost us is there. LangChain searches
exactly until it is told to make an HNSW index, so it is asked both ways.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
from processes import Ask
from pydantic import SecretStr
from series import Comparison, Section, Table
from store_corpus import Corpus, MadeUp
from store_speed import COLD, QUESTIONS, K, _ask, _search, _write

from shared.settings import load_settings
from stage3_rag.store import Store, open_store

Cells = dict[str, list[float]]
HNSW = ", HNSW"


def growth_section(url: str, ask: Ask, sizes: Sequence[int]) -> Section:
    table: Table = {}
    for size in sizes:
        table[f"{size:,} stage 3"] = asyncio.run(_ours(url, size))
        for index, cells in _theirs(ask, size).items():
            table[f"{size:,} LangChain{index}"] = cells
    last = f"{sizes[-1]:,}"
    ours, theirs = table[f"{last} stage 3"], table[f"{last} LangChain{HNSW}"]
    return Section(
        "6d Growth, without embedding",
        f"{QUESTIONS - COLD} questions, ready vectors; hybrid: {K} by vector, {K} by words, fused, "
        "the text of five. HNSW is what stage 3 uses by itself from 20,000 chunks on.",
        table,
        [
            Comparison(
                f"stage 3 : LangChain{HNSW}, {column}, {last} chunks",
                [float(np.median(ours[column]) / np.median(theirs[column]))],
                aim=0.5 if column == "hybrid ms" else None,
            )
            for column in ("write ms a chunk", "vectors ms", "hybrid ms")
        ],
    )


async def _ours(url: str, size: int) -> Cells:
    settings = load_settings()
    settings.database_url = SecretStr(url)
    tenant = f"tenant of {size}"
    async with open_store(settings, tenant, embedder=MadeUp()) as first:
        store = Store(first.database, tenant, MadeUp())
        corpus = Corpus(size)
        written = await _write(store, corpus)
        questions = corpus.questions(QUESTIONS)
        vectors = await _ask(store, questions, lambda now, vector, _: now.dense(vector, K))
        hybrid = await _ask(store, questions, _search)
    return _cells(written["write ms a chunk"][0], written["tidy s"][0], vectors.walls, hybrid.walls)


def _theirs(ask: Ask, size: int) -> dict[str, Cells]:
    """Without an index over the vectors, and with one."""
    told = ask({"do": "grow", "size": size, "questions": QUESTIONS})
    return {
        index: _cells(1000 * told["write"] / size, *told[name])
        for index, name in (("", "exact"), (HNSW, "HNSW"))
    }


def _cells(write: float, then: float, vectors: Sequence[float], hybrid: Sequence[float]) -> Cells:
    return {
        "write ms a chunk": [write],
        "then s": [then],
        "vectors ms": list(vectors),
        "p99": [float(np.percentile(vectors, 99))],
        "hybrid ms": list(hybrid),
        "its p99": [float(np.percentile(hybrid, 99))],
    }
