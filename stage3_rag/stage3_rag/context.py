"""What of the hits a model is given: four to eight passages in a token budget, numbered from 1.

A chunk with a wider parent is given as its parent, once. What does not fit into one call makes
further packs, which `answer` asks one by one (map-reduce). Left out: which hits there are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stage3_rag.contract import Hit

BUDGET = 2400  # tokens of passages in one call
MOST = 8
_FENCE = re.compile(r"<(?=\s*/?\s*passage\b)", re.I)


@dataclass(frozen=True, slots=True)
class Passage:
    """`number` is what the model cites; `text` is what it may quote."""

    number: int
    hit: Hit
    text: str


def pack(
    hits: Sequence[Hit],
    count: Callable[[str], int],
    *,
    budget: int = BUDGET,
    most: int = MOST,
) -> list[list[Passage]]:
    """Packs in the order of the hits, numbered through; a passage over the budget is one alone."""
    packs: list[list[Passage]] = []
    left = 0
    seen: set[tuple[str, str]] = set()
    number = 0
    for hit in hits:
        text = hit.chunk.parent or hit.chunk.text
        if (hit.chunk.document_id, text) in seen:
            continue
        seen.add((hit.chunk.document_id, text))
        number += 1
        size = count(text)
        if not packs or size > left or len(packs[-1]) >= most:
            packs.append([])
            left = budget
        packs[-1].append(Passage(number, hit, text))
        left -= size
    return packs


def written(passages: Sequence[Passage]) -> str:
    """The passages as a prompt shows them, in fences that no text inside can close."""
    return "\n".join(_fenced(one) for one in passages)


def _fenced(one: Passage) -> str:
    title = _attribute(one.hit.chunk.context or one.hit.title)
    replaced = one.hit.superseded_by
    note = f' superseded_by="{_attribute(replaced)}"' if replaced else ""
    body = _FENCE.sub("\u2039", one.text)
    return f'<passage id="{one.number}" title="{title}"{note}>\n{body}\n</passage>'


def _attribute(text: str) -> str:
    return re.sub(r"[\"<\s]+", " ", text).strip()
