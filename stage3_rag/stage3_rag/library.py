"""The retriever as a library: a list of documents and a list of questions in, rankings out.

    corpus = Corpus([("a", "Title", "text …"), …])
    corpus.rankings(["a question", …], k=10)            # document ids, best first
    corpus.rankings(questions, method="rrf-60")         # the same index, another ranking
    corpus.refuses(questions, corpus.calibrated(known_good))

For measuring on labelled sets: everything is in memory, in the same forms, fused by the same code
as in the store, so no database is needed. Left out: updates, filters, answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from shared.embeddings import Embedder, MiniLM, TokenVectors
from stage3_rag import refusal
from stage3_rag.chunking import chunk
from stage3_rag.contract import Chunk, Document, Section
from stage3_rag.encoding import EncodedChunk, encode, searched
from stage3_rag.fusion import (
    EQUAL,
    FOREIGN,
    Pool,
    best_first,
    convex,
    reciprocal_ranks,
    standardised_sum,
)
from stage3_rag.language import guess, understood
from stage3_rag.late import similarities
from stage3_rag.lexical import terms
from stage3_rag.places import places
from stage3_rag.postings import Postings
from stage3_rag.retrieve import CANDIDATES, LONGEST, embedded
from stage3_rag.spelling import Vocabulary, doubtful, mend, words

if TYPE_CHECKING:
    from shared.embeddings import Vectors

Method = Literal["bm25", "dense", "rrf-60", "rrf-10", "convex", "bm25+dense", "default"]
METHODS: tuple[Method, ...] = get_args(Method)
CHUNKER = "heading"
BEHIND = 1000.0  # puts what is no candidate after what is one, in the order of the convex mix
AT_ONCE = 256  # chunks encoded in one go
Given = Document | tuple[str, str, str]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class _Question:
    text: str
    tokens: TokenVectors | None
    dense: Vectors
    bm25: Vectors
    terms: list[str]
    understood: bool


class Corpus:
    """Documents, or (id, title, text), encoded once; ids must differ."""

    def __init__(
        self,
        documents: Iterable[Given],
        *,
        embedder: Embedder | None = None,
        chunker: str = CHUNKER,
        progress: Progress | None = None,
    ) -> None:
        self._embedder = embedder or MiniLM()
        given = [_document(one) for one in documents]
        if len({one.id for one in given}) < len(given):
            raise ValueError("two documents have the same id: a ranking could not tell them apart")
        self._old = {one.id for one in given if one.superseded_by}
        chunks = [part for one in given for part in chunk(one, chunker, self._embedder)]
        self._chunks: list[EncodedChunk] = []
        for start in range(0, len(chunks), AT_ONCE):
            self._chunks += encode(chunks[start : start + AT_ONCE], self._embedder)
            if progress:
                progress(len(self._chunks), len(chunks))
        self._vectors = np.array([one.vector for one in self._chunks], np.float32)
        self._postings = Postings([one.terms for one in self._chunks])
        self._languages = self._postings.languages()
        met = (words(searched(one.chunk)) for one in self._chunks)
        self._vocabulary = Vocabulary(set[str]().union(*met))

    def __len__(self) -> int:
        return len(self._chunks)

    def rankings(
        self, questions: Iterable[str], *, k: int = 10, method: Method = "default"
    ) -> list[list[str]]:
        """For each question the ids of at most `k` documents, best first.

        A document is as good as its best chunk. `method` is the default ranking or one of the
        simpler ones that it is measured against.
        """
        return [self._documents(self._scores(self._ask(one), method), k) for one in questions]

    def chunks(self, question: str, *, k: int = 10, method: Method = "default") -> list[Chunk]:
        """The same, as chunks from different places."""
        scores = self._scores(self._ask(question), method)
        ordered = (at for at in best_first(scores) if scores[at] > -np.inf)
        return [self._chunk(at) for at in self._places(ordered, k)]

    def compared(self, questions: Iterable[str], *, k: int = 10) -> dict[Method, list[list[str]]]:
        """The rankings of every method, with each question embedded only once."""
        result: dict[Method, list[list[str]]] = {method: [] for method in METHODS}
        for one in questions:
            asked = self._ask(one)
            for method in METHODS:
                result[method].append(self._documents(self._scores(asked, method), k))
        return result

    def confidences(self, questions: Iterable[str]) -> list[float]:
        """How sure it is, 0 to 1, that the corpus is about each question (`refusal`)."""
        return [self._confidence(self._ask(one)) for one in questions]

    def calibrated(self, known_good: Iterable[str]) -> float:
        """The confidence below which to refuse, from questions that the corpus answers."""
        return refusal.threshold(self.confidences(known_good))

    def refuses(self, questions: Iterable[str], threshold: float | None = None) -> list[bool]:
        """By `calibrated`, or by a careful default."""
        return [self._refuses(self._ask(one), threshold) for one in questions]

    def _refuses(self, asked: _Question, threshold: float | None) -> bool:
        careful = refusal.default_line(asked.understood).threshold
        return self._confidence(asked) < (careful if threshold is None else threshold)

    def _ask(self, text: str) -> _Question:
        text = text[:LONGEST]
        spoken = guess(text, self._languages)
        text = self._mended(text, spoken)
        tokens, vector = embedded(self._embedder, text)
        asked = terms(text, spoken)
        dense = self._vectors @ vector if len(self) else np.zeros(0, np.float32)
        bm25 = self._postings.bm25(asked)
        return _Question(text, tokens, dense, bm25, asked, understood(self._embedder.name, spoken))

    def _places(self, ordered: Iterable[int], most: int) -> list[int]:
        return places(
            ordered, self._chunk, most, lambda at: self._chunk(at).document_id in self._old
        )

    def _chunk(self, at: int) -> Chunk:
        return self._chunks[at].chunk

    def _mended(self, text: str, language: str) -> str:
        found = self._postings.frequencies
        doubted = doubtful(text, language, self._embedder)
        unknown = [word for word in doubted if not found(terms(word, language))]
        near = {word: self._vocabulary.near(word, doubted[word]) for word in unknown}
        every = {term for those in near.values() for one in those for term in terms(one, language)}
        return mend(text, near, language, found(every))

    def _scores(self, asked: _Question, method: Method) -> Vectors:
        """One score a chunk; what a method does not find has -inf."""
        if method in ("default", "bm25+dense"):
            return self._summed(asked, late=method == "default")
        if method == "bm25":
            return np.where(asked.bm25 > 0, asked.bm25, -np.inf)
        if method == "dense":
            return asked.dense
        if method == "convex":
            return convex(asked.bm25, asked.dense)
        k = int(method.removeprefix("rrf-"))
        return reciprocal_ranks([asked.bm25, asked.dense], k)

    def _summed(self, asked: _Question, *, late: bool) -> Vectors:
        pool = self._pool(asked)
        if not late:
            pool = replace(pool, late=None)
        scores = convex(asked.bm25, asked.dense) - BEHIND
        scores[list(pool.ids)] = standardised_sum(pool, EQUAL if asked.understood else FOREIGN)
        return scores

    def _pool(self, asked: _Question) -> Pool:
        met = [at for at in best_first(asked.bm25)[:CANDIDATES] if asked.bm25[at] > 0]
        ids = sorted({*met, *best_first(asked.dense)[:CANDIDATES]})
        packed = [late for at in ids if (late := self._chunks[at].late) is not None]
        found = None
        if asked.tokens is not None and len(packed) == len(ids):
            found = similarities(asked.tokens, packed)
        return Pool(tuple(ids), asked.bm25[ids], asked.dense[ids], found)

    def _documents(self, scores: Vectors, k: int) -> list[str]:
        found: dict[str, None] = {}
        for at in best_first(scores):
            if len(found) == k or scores[at] == -np.inf:
                break
            found.setdefault(self._chunks[at].chunk.document_id)
        return list(found)

    def _confidence(self, asked: _Question) -> float:
        pool = self._pool(asked)
        order = best_first(standardised_sum(pool, EQUAL if asked.understood else FOREIGN))
        best = self._places((pool.ids[at] for at in order), refusal.TOP)
        top = [self._chunks[at].terms for at in best]
        idf = self._postings.idf(asked.terms)
        return refusal.of_pool(
            pool, asked.terms, top, idf, self._postings.rarest, understood=asked.understood
        )


def _document(given: Given) -> Document:
    if isinstance(given, Document):
        return given
    id, title, text = given
    return Document(id=id, title=title, sections=(Section((), text),))
