"""Stage 3's store and LangChain's as they grow, over the same made-up chunks and ready vectors.

Our side is `store_speed`'s; what exact and approximate search cost us is there. LangChain searches
exactly until it is told to make an HNSW index, so it is asked both ways.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
from database_server import Server
from processes import Ask
from pydantic import SecretStr
from series import Comparison, Section, Table
from store_corpus import Corpus, MadeUp
from store_speed import COLD, QUESTIONS, K, _ask, _search, _write

from shared.settings import load_settings
from stage3_rag.store import Store, open_store

Cells = dict[str, list[float]]
HNSW = ", HNSW"


def growth_section(url: str, ask: Ask, server: Server, sizes: Sequence[int]) -> Section:
    table: Table = {}
    for size in sizes:
        table[f"{size:,} stage 3"] = asyncio.run(_ours(url, server, size))
        for index, cells in _theirs(ask, server, size).items():
            table[f"{size:,} LangChain{index}"] = cells
    last = f"{sizes[-1]:,}"
    ours, theirs = table[f"{last} stage 3"], table[f"{last} LangChain{HNSW}"]
    return Section(
        "6d Growth, without embedding",
        f"{QUESTIONS - COLD} questions, ready vectors; hybrid: {K} by vector, {K} by words, fused, "
        "the text of five; CPU with the server's. HNSW is what stage 3 uses from 20,000 chunks on.",
        table,
        [
            Comparison(
                f"stage 3 : LangChain{HNSW}, {column}, {last} chunks",
                [float(np.median(ours[column]) / np.median(theirs[column]))],
                aim=0.5 if column == "hybrid ms" else None,
            )
            for column in ("write ms", "vectors ms", "hybrid ms", "hybrid CPU")
        ],
    )


async def _ours(url: str, server: Server, size: int) -> Cells:
    settings = load_settings()
    settings.database_url = SecretStr(url)
    tenant = f"tenant of {size}"
    async with open_store(settings, tenant, embedder=MadeUp()) as first:
        store = Store(first.database, tenant, MadeUp())
        corpus, before = Corpus(size), server.cpu_s()
        written = await _write(store, corpus)
        cpu = written["own CPU ms"][0] + 1000 * (server.cpu_s() - before) / size
        questions = corpus.questions(QUESTIONS)
        vectors = await _ask(store, questions, lambda now, vector, _: now.dense(vector, K))
        hybrid = await _ask(store, questions, _search)
    return {
        "write ms": written["write ms a chunk"],
        "write CPU": [cpu],
        "then s": written["tidy s"],
        **_asked(vectors.walls, hybrid.walls, hybrid.own + hybrid.server),
    }


def _theirs(ask: Ask, server: Server, size: int) -> dict[str, Cells]:
    """Without an index over the vectors, and with one."""
    ask({"do": "corpus", "size": size, "questions": QUESTIONS})

    def step(name: str) -> tuple[list[float], float]:
        before = server.cpu_s()
        told = ask({"do": "step", "name": name})
        cpu = told["CPU ms"] + 1000 * (server.cpu_s() - before) / len(told["ms"])
        return told["ms"], cpu

    (wrote, cpu), (indexed, more) = step("write"), step("text index")
    cells = {
        "write ms": [sum(wrote) / size],
        "write CPU": [(cpu * len(wrote) + more) / size],
        "then s": [sum(indexed) / 1000],
    }
    exact = cells | _told(step("vectors"), step("hybrid"))
    indexed += step("HNSW index")[0]
    cells = cells | {"then s": [sum(indexed) / 1000]}
    return {"": exact, HNSW: cells | _told(step("vectors"), step("hybrid"))}


def _told(vectors: tuple[list[float], float], hybrid: tuple[list[float], float]) -> Cells:
    return _asked(vectors[0][COLD:], hybrid[0][COLD:], hybrid[1])


def _asked(vectors: Sequence[float], hybrid: Sequence[float], cpu: float) -> Cells:
    return {
        "vectors ms": list(vectors),
        "p99": [float(np.percentile(vectors, 99))],
        "hybrid ms": list(hybrid),
        "its p99": [float(np.percentile(hybrid, 99))],
        "hybrid CPU": [cpu],
    }
