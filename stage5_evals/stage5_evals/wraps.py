"""Faults to lay around any target, also a program or a server: `wrap` in a suite or a plant.

Each takes the answer as the target gave it and the case's question. They stand for a fault in the
target where that has no option to switch the fault on; an option that does is the better plant.
"""

from __future__ import annotations

from random import Random
from typing import Any

Json = dict[str, Any]


def without_citations(answer: Json, question: str) -> Json:
    return answer | {"citations": []}


def first_passage_only(answer: Json, question: str) -> Json:
    return answer | {"retrieved": answer.get("retrieved", [])[:1]}


def shuffled_passages(answer: Json, question: str) -> Json:
    """As a ranking that lost its reranker, or its mind; the same for the same question."""
    passages = list(answer.get("retrieved", []))
    Random(question).shuffle(passages)  # noqa: S311
    return answer | {"retrieved": passages}


def never_declines(answer: Json, question: str) -> Json:
    if not answer.get("declined"):
        return answer
    passages = answer.get("retrieved") or [{"text": "Certainly."}]
    return answer | {"declined": False, "answer": passages[0]["text"][:200]}


def always_declines(answer: Json, question: str) -> Json:
    return answer | {"declined": True, "citations": []}


def invented_numbers(answer: Json, question: str) -> Json:
    """Each digit becomes the next one, as in an answer that is no longer held to its passages."""
    digits = str.maketrans("0123456789", "1234567890")
    return answer | {"answer": str(answer.get("answer", "")).translate(digits)}
