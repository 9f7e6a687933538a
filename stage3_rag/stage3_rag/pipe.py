"""`stage3 pipe`: JSON lines in, JSON lines out, as `pipe_contract` has it; what `compare` examines.

A thin layer over one tenant's collection, which is there already when it was filled before. Beyond
the contract a question may bring `history`, the turns before it, and `texts`: then the chunks that
were found are told word for word, with model and cost, as an eval wants them. Left out: filters,
several requests at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from shared.errors import StageError, UserError
from shared.process import answer, without_secrets
from shared.settings import Settings
from stage3_rag.contract import Answer, Turn
from stage3_rag.ingest import ingest_path
from stage3_rag.opening import Rag, open_rag
from stage3_rag.pipe_contract import MOST_RETRIEVED


async def serve(settings: Settings, tenant: str, model: str) -> None:
    """Until the input ends. What cannot be done is an answer with the error in it."""
    async with open_rag(settings, tenant, model) as rag:
        async for line in _lines():
            try:
                told = await _answered(rag, _request(line))
            except StageError as error:
                told = {"error": without_secrets(str(error), settings.secrets())}
            answer(json.dumps(told, ensure_ascii=False) + "\n")


def told_of(result: Answer) -> dict[str, Any]:
    """An answer as the contract has it."""
    cited = dict.fromkeys(one for said in result.statements for one in said.citations)
    return {
        "answer": result.text,
        "declined": result.declined,
        "citations": [{"document": one.document_id, "quote": one.quote} for one in cited],
        "retrieved": list(dict.fromkeys(hit.chunk.document_id for hit in result.hits))[
            :MOST_RETRIEVED
        ],
    }


def told_with_texts(result: Answer) -> dict[str, Any]:
    """The same with every chunk that was found, and what the answer took."""
    chunks = [hit.chunk for hit in result.hits]
    return {
        **told_of(result),
        "retrieved": [{"document": one.document_id, "text": one.text} for one in chunks],
        "model": result.model,
        "cost_usd": None if result.cost_usd is None else float(result.cost_usd),
    }


async def _answered(rag: Rag, request: dict[str, Any]) -> dict[str, Any]:
    if request["op"] == "ask":
        turns = [Turn(**turn) for turn in request["history"]]
        result = await rag.answerer.ask(request["question"], history=turns)
        return told_with_texts(result) if request["texts"] else told_of(result)
    store = rag.collection.store
    await ingest_path(Path(request["folder"]), store, rag.collection.embedder)
    return {"documents": len(await store.documents())}


def _request(line: bytes) -> dict[str, Any]:
    """`UserError` for what is no request."""
    try:
        request = json.loads(line)
        wanted = {"ingest": "folder", "ask": "question"}[request["op"]]
        turns = [
            {"question": str(turn["question"]), "answer": str(turn["answer"])}
            for turn in request.get("history") or ()
        ]
        if isinstance(request[wanted], str):
            return {
                "op": request["op"],
                wanted: request[wanted],
                "history": turns,
                "texts": bool(request.get("texts")),
            }
    except (ValueError, LookupError, TypeError, RecursionError):
        pass
    raise UserError(
        'no request: {"op": "ingest", "folder": "…"} or {"op": "ask", "question": "…"}, on one line'
    )


async def _lines() -> AsyncIterator[bytes]:
    """Standard input, read by a thread that nobody waits for: Ctrl-C comes between two lines."""
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[bytes] = asyncio.Queue()

    def read() -> None:
        with (
            contextlib.suppress(RuntimeError),  # the loop has ended meanwhile
            open(sys.stdin.fileno(), "rb", closefd=False) as given,
        ):
            for line in given:
                loop.call_soon_threadsafe(arrived.put_nowait, line)
            loop.call_soon_threadsafe(arrived.put_nowait, b"")

    threading.Thread(target=read, name="standard input", daemon=True).start()
    while line := await arrived.get():
        if line.strip():
            yield line
