"""BM25 three ways over the same terms: postings in PostgreSQL, rank-bm25, bm25s.

rank-bm25 is the reference of the tests and compares every chunk in Python; bm25s keeps a sparse
matrix in the memory of one process and is made anew for each new document. Ours is the store's own.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from environments import HERE, PEERS, clean_environment, peer
from processes import ProgramFailed
from series import Section, Table
from store_corpus import Corpus, MadeUp
from store_speed import K, _ask, _home, _write

from shared.settings import load_settings
from stage3_rag.store import Store, open_store

SIZES = (1_000, 10_000)
LARGE = 100_000  # for the engines in memory alone; the store's own number is in section 5a
QUESTIONS = 40
OURS = "postings in PostgreSQL"
PEERS_OF_BM25 = ("bm25s==0.3.16",)


def keyword_sections() -> list[Section]:
    PEERS.setdefault("bm25s", list(PEERS_OF_BM25))
    table: Table = {}
    with _home() as home:
        for size in (*SIZES, LARGE):
            corpus = Corpus(size)
            chunks = [list(one.terms) for _, made in corpus.documents() for one in made]
            questions = corpus.questions(QUESTIONS)
            if size != LARGE:
                table[f"{size:,} {OURS}"] = asyncio.run(_ours(home, size, questions))
            for engine, python in (
                ("rank-bm25", sys.executable),
                ("bm25s", str(peer("bm25s") / "python")),
            ):
                table[f"{size:,} {engine}"] = _in_memory(engine, python, chunks, questions)
    note = f"{QUESTIONS} questions, {K} hits; build: until the first question can be asked."
    return [Section("5c Keyword engines", note, table)]


async def _ours(home: Path, size: int, questions: Any) -> dict[str, list[float]]:
    settings = load_settings()
    settings.home = home
    settings.database_url = None
    async with open_store(settings, f"tenant of {size}", embedder=MadeUp()) as first:
        store = Store(first.database, f"tenant of {size}", MadeUp())
        written = await _write(store, Corpus(size))
        asked = await _ask(store, questions * 2, lambda now, _, terms: now.keyword(terms, K))
    build = size / written["write chunks/s"][0]
    return {
        "ms": asked.walls,
        "p99": [float(np.percentile(asked.walls, 99))],
        "build s": [build],
        "MB in memory": [0.0],
    }


def _in_memory(
    engine: str, python: str, chunks: list[list[str]], questions: Any
) -> dict[str, list[float]]:
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "terms.json"
        asked = [terms for _, terms in questions]
        file.write_text(json.dumps({"chunks": chunks, "questions": asked, "k": K}))
        start = time.monotonic()
        done = subprocess.run(
            [python, HERE / "keyword_peer.py", engine, file],
            env=clean_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            took = time.monotonic() - start
            raise ProgramFailed(f"{engine} failed after {took:.0f} s: {done.stderr.strip()[-500:]}")
    found: dict[str, list[float]] = json.loads(done.stdout)
    return found
