"""Every labelled question asked once, and what came of it: found, answered, refused, cited.

One question after the other, so that a time is the time of one answer. Whether a quote exists is
looked up in the corpus' own files, not in the store that the answer came from. Left out: the
numbers over all questions (`score`), and whether an answer is true, which is stage 5's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from stage3_rag.answer import Answerer
from stage3_rag.contract import Answer
from stage3_rag.golden import Question, covers, relevance
from stage3_rag.reading import find_sources, load, read_source


@dataclass(frozen=True)
class Judged:
    """`exists` holds one truth for each citation of the answer."""

    question: Question
    answer: Answer
    exists: tuple[bool, ...]

    @cached_property
    def found(self) -> list[set[int]]:
        """For each hit, the needs that it is the first to hold."""
        seen: set[int] = set()
        first = []
        for held in relevance(self.question, self.answer.hits):
            first.append(held - seen)
            seen |= held
        return first

    def recall(self, k: int) -> float:
        """Share of what the question needs that is in the first `k` hits."""
        return len(set().union(*self.found[:k])) / len(self.question.needs)

    @property
    def cites_a_label(self) -> bool:
        """A citation and a labelled quote of the same document share half of either's words."""
        spans = [span for need in self.question.needs for span in need]
        return any(
            citation.document_id == span.document and _same(citation.quote, span.quote)
            for statement in self.answer.statements
            for citation in statement.citations
            for span in spans
        )


async def judge(
    questions: Sequence[Question],
    answerer: Answerer,
    texts: Mapping[str, str],
    finished: Callable[[], None] = lambda: None,
) -> list[Judged]:
    """`texts` gives a document's text by its id."""
    judged = []
    for question in questions:
        answer = await answerer.ask(question.text)
        quotes = [c for one in answer.statements for c in one.citations]
        exists = tuple(_words(c.quote) in _words(texts.get(c.document_id, "")) for c in quotes)
        judged.append(Judged(question, answer, exists))
        finished()
    return judged


def texts_of(corpus: Path) -> dict[str, str]:
    """Every document of a folder, by id."""
    return {
        document.id: document.text
        for source in find_sources(corpus)
        for document in read_source(source, load(source))
    }


def _same(quote: str, label: str) -> bool:
    return covers(quote.casefold().split(), label) or covers(label.casefold().split(), quote)


def _words(text: str) -> str:
    return " ".join(text.split())
