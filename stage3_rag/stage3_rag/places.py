"""Five hits are five places: what says the same in the same words, or has one parent, counts once.

Two chunks are the same place when they are cut from the same wider text of a document, or when
their words are equal, as in copies of a document. One differing word makes two places, since that
may be the number that was asked for. Of equal chunks the better one is taken, but never one of a
superseded document before one of its successor. Left out: which chunks are good.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from stage3_rag.contract import Chunk

WORD = re.compile(r"\w+")


def places(
    ordered: Iterable[int],
    chunk_of: Callable[[int], Chunk],
    most: int,
    outdated: Callable[[int], object] = lambda _: False,
) -> list[int]:
    """The first `most` of `ordered`, one a place. `outdated`: of a superseded document."""
    taken: dict[str, int] = {}
    for key in ordered:
        place = _place(chunk_of(key))
        if place not in taken:
            if len(taken) == most:
                break
            taken[place] = key
        elif outdated(taken[place]) and not outdated(key):
            taken[place] = key
    return list(taken.values())


def _place(chunk: Chunk) -> str:
    if chunk.parent:
        return f"{chunk.document_id}\n{chunk.parent}"
    return " ".join(WORD.findall(chunk.text.casefold())) or chunk.text
