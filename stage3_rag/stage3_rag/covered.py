"""Is this in the collection, and where? Without a model: a confidence, and the nearest sentences.

Decided here: which sentence of a passage is shown as its citation. Left out: whether the sentence
answers the question, which `answer` has a model for.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.embeddings import Embedder
from stage3_rag.contract import Hit, Reason
from stage3_rag.retrieve import Retrieved
from stage3_rag.spans import Measured, TokenCounter

MOST_SENTENCES = 30  # of one passage; a chunk of 200 tokens has about ten


@dataclass(frozen=True, slots=True)
class Covered:
    """`quotes` has a verbatim sentence for each of `hits`; `refusal` says why it is not."""

    hits: tuple[Hit, ...]
    quotes: tuple[str, ...]
    confidence: float
    threshold: float
    refusal: Reason | None

    @property
    def covered(self) -> bool:
        return self.refusal is None


def covered(question: str, found: Retrieved, embedder: Embedder) -> Covered:
    """CPU work: it embeds the sentences of what was found."""
    quotes = tuple(_nearest(question, hit.chunk.text, embedder) for hit in found.hits)
    return Covered(found.hits, quotes, found.confidence, found.threshold, found.refusal)


def _nearest(question: str, text: str, embedder: Embedder) -> str:
    units = Measured(text, TokenCounter(embedder)).units()[:MOST_SENTENCES]
    said = [text[unit.start : unit.end] for unit in units]
    if len(said) < 2:
        return text
    vectors = embedder.embed([question, *said])
    return said[int((vectors[1:] @ vectors[0]).argmax())]
