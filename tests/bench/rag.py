"""Stage 3 beside LangChain with pgvector: the handbook in, questions out, one server, one model.

Ours reads and cuts the files and keeps vectors, BM25 postings and token vectors; LangChain is given
the very chunk texts that ours embeds. The same embedding is the larger part of both, so "embedding
alone" is the floor under either. LangChain and not LlamaIndex: 53 packages against 76, 47 MB less,
and the same psycopg 3. Growth is in `rag_growth`. Left out: the model that writes an answer.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from database_server import Server
from environments import HERE, PEERS, peer
from processes import Ask, timed, worker
from rag_growth import growth_section
from series import Comparison, Section, Table, bounded, interleave, ratios
from store_speed import SIZES, _home

from shared.database import open_database
from shared.embeddings import MiniLM
from shared.settings import load_settings
from stage3_rag.chunking import chunk
from stage3_rag.contract import Chunk
from stage3_rag.encoding import searched
from stage3_rag.golden import CORPUS, Question, holds, load_questions
from stage3_rag.reading import find_sources, load, read_source
from stage3_rag.store import CHUNKER

LANGCHAIN = (
    "langchain-postgres==0.0.19",
    "langchain-core==1.8.3",
    "onnxruntime==1.31.1",
    "tokenizers==0.23.3",
)
TENANT = "handbook"
ROUNDS = 3
AGAIN_BY_S = 120  # after which no further round of ingestion is begun
TWICE_AS_FAST, WITHIN_A_TENTH = 0.5, 1.10
OURS, THEIRS, BARE = "stage 3", "LangChain", "embedding alone"
SIDES = {OURS: "ours", THEIRS: "langchain", BARE: "bare"}
WAYS = {  # row -> side, and how it is asked
    "stage 3": (OURS, "full"),
    "stage 3, vectors only": (OURS, "dense"),
    "LangChain, hybrid": (THEIRS, "hybrid"),
    "LangChain, vectors only": (THEIRS, "dense"),
    "embedding alone": (BARE, "dense"),
}


def rag_sections(sizes: Sequence[int] = SIZES) -> list[Section]:
    PEERS.setdefault("langchain", list(LANGCHAIN))
    python = str(peer("langchain") / "python")
    with _home() as home:
        settings = load_settings()
        settings.home, settings.database_url = home, None

        async def measure() -> list[Section]:
            async with open_database(settings) as database:  # what is measured has its own
                return await asyncio.to_thread(_measure, database.url, home, python, sizes)

        return asyncio.run(measure())


def _measure(url: str, home: Path, python: str, sizes: Sequence[int]) -> list[Section]:
    chunks, questions = _chunks(), [one for one in load_questions() if not one.history]
    file = home / "task.json"
    file.write_text(json.dumps(_task(url, chunks, questions)))
    commands = {
        row: [
            python if row == THEIRS else sys.executable,
            str(HERE / "rag_peer.py"),
            side,
            str(file),
        ]
        for row, side in SIDES.items()
    }
    server = Server(url)
    with ExitStack() as stack:
        asks = {row: stack.enter_context(worker(command)) for row, command in commands.items()}
        sections = [
            _ingestion(asks, server, chunks),
            _questions(asks, server, chunks, questions),
        ]
    sections.append(_whole_process(commands, home))
    if sizes:
        with worker(commands[THEIRS]) as ask:
            sections.append(growth_section(url, ask, server, sizes))
    return sections


def _chunks() -> list[Chunk]:
    model = MiniLM()
    documents = [one for file in find_sources(CORPUS) for one in read_source(file, load(file))]
    ours = [one for one in documents if one.tenant in ("", TENANT)]
    return [one for document in ours for one in chunk(document, CHUNKER, model)]


def _task(url: str, chunks: Sequence[Chunk], questions: Sequence[Question]) -> dict[str, Any]:
    return {
        "url": url,
        "folder": str(CORPUS),
        "texts": [searched(one) for one in chunks],
        "places": [(one.document_id, one.ordinal) for one in chunks],
        "questions": [one.text for one in questions],
    }


def _ingestion(asks: Mapping[str, Ask], server: Server, chunks: Sequence[Chunk]) -> Section:
    def measure(row: str) -> Callable[[], dict[str, float]]:
        def once() -> dict[str, float]:
            asks[row]({"do": "fresh"})
            before = server.cpu_s()
            told = asks[row]({"do": "ingest"})
            cpu = server.cpu_s() - before if row != BARE else 0.0
            return {
                "chunks/s": len(chunks) / told["s"],
                "s": told["s"],
                "CPU s": told["CPU s"] + cpu,
                "of it server": cpu,
                "peak MB": told["MB"],
                "MB on disk": server.mb({OURS: "stage3", THEIRS: "langchain"}.get(row, "none")),
            }

        return once

    until = time.monotonic() + AGAIN_BY_S
    table, rounds = bounded({row: measure(row) for row in SIDES}, ROUNDS, until)
    aims = {BARE: WITHIN_A_TENTH, THEIRS: TWICE_AS_FAST}
    pairs = [(OURS, BARE), (OURS, THEIRS), (THEIRS, BARE)]
    return Section(
        "6a The handbook ingested",
        f"{len(chunks):,} chunks; {rounds} interleaved rounds into empty tables. {OURS} reads and "
        f"cuts the files itself, {THEIRS} is given the chunks. {', '.join(LANGCHAIN[:2])}.",
        table,
        [
            Comparison(
                f"{ours} : {row}, {column}",
                ratios(table, column, ours, row),
                aim=aims[row] if ours == OURS else None,
            )
            for ours, row in pairs
            for column in ("s", "CPU s")
        ],
    )


def _questions(
    asks: Mapping[str, Ask],
    server: Server,
    chunks: Sequence[Chunk],
    questions: Sequence[Question],
) -> Section:
    texts = [one.text for one in questions]
    table: Table = {row: {} for row in WAYS}
    for turn in range(1 + ROUNDS):  # the first one warms up
        for row, (side, way) in WAYS.items():
            before = server.cpu_s()
            told = asks[side]({"do": "ask", "way": way, "questions": texts})
            cpu = 1000 * (server.cpu_s() - before) / len(texts) if side != BARE else 0.0
            if turn == 0:
                continue
            cells = table[row]
            cells.setdefault("ms", []).extend(told["ms"])
            cells["p99"] = [float(np.percentile(cells["ms"], 99))]
            cells.setdefault("CPU ms", []).append(told["CPU ms"] + cpu)
            cells.setdefault("of it server", []).append(cpu)
            cells["recall@5"] = [_recall(questions, chunks, told["found"])]
    pairs = [
        ("stage 3", "LangChain, hybrid", TWICE_AS_FAST),
        ("stage 3", "LangChain, vectors only", TWICE_AS_FAST),
        ("stage 3, vectors only", "LangChain, vectors only", TWICE_AS_FAST),
        ("stage 3", "embedding alone", None),
    ]
    return Section(
        "6b A question, from its text to five passages",
        f"{len(texts)} golden questions, {ROUNDS} interleaved rounds; ratios question by question. "
        "Recall@5: the labelled quotes that are in the five, of questions that have an answer.",
        table,
        [
            Comparison(f"{ours} : {row}, {column}", ratios(table, column, ours, row), aim=aim)
            for ours, row, aim in pairs
            for column in ("ms", "CPU ms")
        ],
    )


def _recall(
    questions: Sequence[Question], chunks: Sequence[Chunk], found: Sequence[Sequence[int]]
) -> float:
    shares = []
    for question, places in zip(questions, found, strict=True):
        if question.answerable:
            met = {need for place in places for need in holds(question, chunks[place])}
            shares.append(len(met) / len(question.needs))
    return float(np.mean(shares))


def _whole_process(commands: Mapping[str, Sequence[str]], folder: Path) -> Section:
    rows = {OURS: "full", THEIRS: "hybrid"}
    measures = {
        row: lambda row=row, way=way: timed([*commands[row], way], folder, {})
        for row, way in rows.items()
    }
    table = interleave(measures, ROUNDS)
    return Section(
        "6c One question, a whole process",
        f"Start, model, tables, one question (first byte), end; {ROUNDS} rounds.",
        table,
        [
            Comparison(f"{OURS} : {THEIRS}, {column}", ratios(table, column, OURS, THEIRS), aim=aim)
            for column, aim in (("first byte ms", TWICE_AS_FAST), ("CPU ms", None))
        ],
    )
