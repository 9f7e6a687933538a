"""The labelled questions: what each needs from the corpus, and whether a chunk has it.

A label is a document and a quote from it, never a chunk, so that another chunker can be judged by
the same labels. Left out: the numbers made from this (`metrics`, `score`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from shared.errors import BadSettings
from stage3_rag.contract import Chunk, Hit, Turn

FILE = Path(__file__).parents[1] / "data" / "golden" / "questions.jsonl"
CORPUS = Path(__file__).parents[1] / "data" / "handbook"
STAGE3 = 60
HALF = 0.5  # of a quote's words: a chunk border may run through a quote
Split = Literal["dev", "test"]


@dataclass(frozen=True, slots=True)
class Span:
    document: str
    quote: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """`set`: 60 for a question of stage 3, 100 for one of stage 5 alone. `needs`: of each inner
    tuple one span suffices, and all tuples are needed; none means that the corpus has no answer.
    """

    id: str
    set: int
    split: Split
    kind: str
    text: str
    answer: str | None
    needs: tuple[tuple[Span, ...], ...]
    history: tuple[Turn, ...] = ()

    @property
    def answerable(self) -> bool:
        return bool(self.needs)


def load_questions(
    split: Split | None = None, *, most: int = STAGE3, file: Path = FILE
) -> list[Question]:
    """Those of one split, or all, in the order of the file; `most` 100 takes stage 5's as well."""
    return [one for one in _read(file) if one.set <= most and split in (None, one.split)]


def relevance(question: Question, hits: Sequence[Hit]) -> list[set[int]]:
    """For each hit, which of the question's needs it holds."""
    return [holds(question, hit.chunk) for hit in hits]


def holds(question: Question, chunk: Chunk) -> set[int]:
    """Which of the question's needs a chunk meets, numbered from 0."""
    document, words = chunk.document_id, _words(chunk.parent or chunk.text)
    return {
        at
        for at, spans in enumerate(question.needs)
        if any(one.document == document and covers(words, one.quote) for one in spans)
    }


def covers(words: Sequence[str], quote: str) -> bool:
    """Whether at least half of the quote stands in `words`, in its order and without gaps."""
    wanted = _words(quote)
    least = max(1, round(len(wanted) * HALF))
    text = f" {' '.join(words)} "
    return any(
        f" {' '.join(wanted[at : at + least])} " in text for at in range(len(wanted) - least + 1)
    )


def _words(text: str) -> list[str]:
    return text.casefold().split()


def _read(file: Path) -> Iterator[Question]:
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            try:
                yield _question(json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                raise BadSettings(f"{file} line {number}: {error!r}") from None


def _question(row: dict[str, Any]) -> Question:
    return Question(
        id=row["id"],
        set=row["set"],
        split=row["split"],
        kind=row["kind"],
        text=row["question"],
        answer=row["answer"],
        needs=tuple(tuple(Span(**span) for span in spans) for spans in row["needs"]),
        history=tuple(Turn(**turn) for turn in row.get("history", ())),
    )
