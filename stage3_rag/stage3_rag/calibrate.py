"""Sets a collection's own refusal line, from questions that it is known to answer."""

from __future__ import annotations

from collections.abc import Sequence

from stage3_rag import refusal
from stage3_rag.retrieve import Retriever


async def calibrate(retriever: Retriever, known_good: Sequence[str]) -> float:
    sure = [(await retriever.find(question, 1)).confidence for question in known_good]
    line = refusal.threshold(sure)
    await retriever.store.set_setting(refusal.SETTING, {"threshold": line, "questions": len(sure)})
    return line
