"""One RAG in a process of its own: ours, LangChain's PGVectorStore, or the embedding model alone.

The same PostgreSQL, the same MiniLM (the very class, imported from `shared`), the same two threads.
Usage: rag_peer.py SIDE TASK, then orders as JSON lines on standard input, one answer a line; with
`once` after them it asks a single question, prints the answer, and ends. Left out: a model that
writes an answer, which would be the same model on every side.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Protocol

from rag_clock import asked, measured
from rag_langchain import Grown, LangChain

ROOT = Path(__file__).resolve().parents[2]
Json = dict[str, Any]
K = 5  # passages that are given back


class Side(Protocol):
    async def open(self) -> None: ...
    async def close(self) -> None: ...
    async def fresh(self) -> None:
        """Empty tables."""

    async def ingest(self) -> None: ...
    async def ask(self, way: str, question: str) -> list[int]:
        """Places in the task's `texts` of the passages that are found, best first."""


class Bare:
    """What embedding costs when nothing is read, cut, written or found."""

    def __init__(self, task: Json) -> None:
        from shared.embeddings import MiniLM

        self._texts = task["texts"]
        self._model = MiniLM()

    async def open(self) -> None: ...
    async def close(self) -> None: ...
    async def fresh(self) -> None: ...
    async def ingest(self) -> None:
        self._model.embed(self._texts)

    async def ask(self, way: str, question: str) -> list[int]:
        self._model.embed([question])
        return []


class Ours:
    """Reads and cuts the files; vectors, BM25 postings, token vectors, hashes, near-duplicates."""

    def __init__(self, task: Json) -> None:
        from shared.embeddings import MiniLM

        self._task = task
        self._places = {tuple(one): place for place, one in enumerate(task["places"])}
        self._model = MiniLM()
        self._stack = AsyncExitStack()

    async def open(self) -> None:
        from shared.settings import Settings
        from stage3_rag.retrieve import Retriever
        from stage3_rag.store import open_store

        settings = Settings.model_validate({"DATABASE_URL": self._task["url"]})
        opened = open_store(settings, "handbook", embedder=self._model)
        self._store = await self._stack.enter_async_context(opened)
        self._retriever = Retriever(self._store, self._model)

    async def close(self) -> None:
        await self._stack.aclose()

    async def fresh(self) -> None:
        async with self._store.database.pool.connection() as connection:
            await connection.execute("DROP SCHEMA stage3 CASCADE")
        await self.close()
        await self.open()

    async def ingest(self) -> None:
        from stage3_rag.ingest import ingest_path

        report = await ingest_path(Path(self._task["folder"]), self._store, self._model)
        assert report.chunks == len(self._places), "other chunks than were given to the peer"

    async def ask(self, way: str, question: str) -> list[int]:
        if way == "full":
            chunks = [hit.chunk for hit in await self._retriever.search(question, K)]
        else:
            [vector] = await asyncio.to_thread(self._model.embed, [question])
            async with self._store.snapshot() as now:
                best = [id for id, _ in await now.dense(vector, K)]
                found = await now.chunks(best)
            chunks = [found[id].chunk for id in best]
        return [self._places[one.document_id, one.ordinal] for one in chunks]


SIDES: dict[str, Callable[[Json], Side]] = {"ours": Ours, "langchain": LangChain, "bare": Bare}


class Desk:
    """Carries out orders for one side."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._grown: Grown | None = None

    async def answer(self, order: Json) -> Json:
        side = self._side
        match order:
            case {"do": "fresh"}:
                await side.fresh()
            case {"do": "ingest"}:
                wall, cpu, _ = await measured(side.ingest())
                return {"s": wall, "CPU s": cpu, "MB": _peak_mb()}
            case {"do": "ask", "way": way, "questions": questions}:
                return await asked(lambda text: side.ask(way, text), questions)
            case {"do": "corpus", "size": size, "questions": questions}:
                assert isinstance(side, LangChain)
                await side.open(f"grown_{size}")
                self._grown = Grown(side, size, questions)
            case {"do": "step", "name": name}:
                assert self._grown
                return await self._grown.step(name)
        return {}


def _peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def main(name: str, file: str, *once: str) -> None:
    sys.path += [str(ROOT / "shared"), str(ROOT / "stage3_rag")]
    asyncio.run(_run(name, json.loads(Path(file).read_text()), *once))


async def _run(name: str, task: Json, *once: str) -> None:
    side = SIDES[name](task)
    await side.open()
    if once:
        print(await side.ask(once[0], task["questions"][0]), flush=True)
    else:
        desk = Desk(side)
        while line := await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(await desk.answer(json.loads(line))), flush=True)
    await side.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
