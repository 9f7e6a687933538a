"""A corpus made up for measuring: as many chunks as wanted, the same ones each time.

Vectors lie in clusters as those of texts do (a chunk has a cosine of about 0.6 to its topic's
centre), terms follow Zipf's law. Left out: meaning. What is found here says how fast and how
completely the store finds, never how well a corpus is answered from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stage3_rag.contract import Chunk, Document, Section

DIMENSIONS = 384
VOCABULARY = 60_000
TERMS = 90  # of a chunk of 200 tokens, without its stop words
ZIPF = 1.07
SKIPPED = 60  # the most frequent words are stop words, which neither chunks nor questions keep
TOPICS_PER_CHUNK = 1 / 50
ASKED = 6  # terms of a question
CHUNKS_PER_DOCUMENT = 5


class MadeUp:
    """An embedder's name and size; nothing is embedded here."""

    name = "made-up"
    dimensions = DIMENSIONS
    max_tokens = 256

    def embed(self, texts: Sequence[str]) -> Any:
        raise NotImplementedError

    def count_tokens(self, text: str) -> int:
        return len(text.split())


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    chunk: Chunk
    vector: Any
    terms: tuple[str, ...]
    late: bytes | None = None


class Corpus:
    """`size` chunks; `questions` are near chunks that are drawn by chance."""

    def __init__(self, size: int, seed: int = 1) -> None:
        self.size = size
        self._random = np.random.default_rng(seed)
        topics = max(20, int(size * TOPICS_PER_CHUNK))
        self._centres = unit(self._random.standard_normal((topics, DIMENSIONS)))
        ranks = np.arange(SKIPPED, VOCABULARY)
        weights = ranks**-ZIPF
        self._up_to = np.cumsum(weights / weights.sum())[:-1]  # the last word takes what is left
        self._words = np.array([f"term{rank}" for rank in ranks])
        self.topic_of = self._random.integers(topics, size=size)
        self.vectors = self._near(self._centres[self.topic_of], 0.6)

    def documents(self) -> Iterator[tuple[Document, list[Encoded]]]:
        for start in range(0, self.size, CHUNKS_PER_DOCUMENT):
            places = range(start, min(start + CHUNKS_PER_DOCUMENT, self.size))
            id = f"document-{start // CHUNKS_PER_DOCUMENT}"
            document = Document(
                id=id,
                title=id,
                sections=(Section((), ""),),
                tags=(self.tag(start),),
            )
            yield document, [self._encoded(id, at - start, at) for at in places]

    @staticmethod
    def tag(place: int) -> str:
        return "even" if place // CHUNKS_PER_DOCUMENT % 2 else "odd"

    def questions(self, count: int) -> list[tuple[Any, list[str]]]:
        places = self._random.integers(self.size, size=count)
        vectors = self._near(self.vectors[places], 0.7)
        return [(vector, list(self._terms(ASKED))) for vector in vectors]

    def _encoded(self, id: str, ordinal: int, at: int) -> Encoded:
        terms = tuple(self._terms(TERMS))
        text = " ".join(terms)
        chunk = Chunk(
            document_id=id, ordinal=ordinal, path=("A",), text=text, context="A", tokens=200
        )
        return Encoded(chunk, self.vectors[at], terms)

    def _terms(self, count: int) -> list[str]:
        return list(self._words[np.searchsorted(self._up_to, self._random.random(count))])

    def _near(self, points: Any, cosine: float) -> Any:
        """Points at about this cosine to the given ones."""
        noise = unit(self._random.standard_normal(points.shape))
        return unit(cosine * points + np.sqrt(1 - cosine**2) * noise).astype(np.float32)


def unit(vectors: Any) -> Any:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
