"""A question to its best chunks: both searches, late interaction, one ranking.

Decided here: which chunks are candidates (the best 30 of either search), which scores count how
much (`fusion`), and whether the question is the corpus's at all (`refusal`). Left out: the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np

from shared.embeddings import Embedder, TokenEmbedder, TokenVectors
from stage3_rag import refusal
from stage3_rag.contract import Filters, Hit, Reason
from stage3_rag.contract import Retriever as Name
from stage3_rag.encoding import searched
from stage3_rag.fusion import EQUAL, FOREIGN, Pool, best_first, ranks, standardised_sum
from stage3_rag.language import guess, understood
from stage3_rag.late import similarities
from stage3_rag.lexical import terms
from stage3_rag.places import places
from stage3_rag.snapshot import EVERYTHING, Found, Snapshot, lucene_idf
from stage3_rag.spelling import Speller

if TYPE_CHECKING:
    from shared.embeddings import Vectors
    from stage3_rag.store import Store

CANDIDATES = 30  # of either search; 10 loses .005 recall@5, 50 gains nothing
LONGEST = 4000  # characters of a question; the embedder reads 256 tokens, and BM25 pays for each


@dataclass(frozen=True, slots=True)
class Retrieved:
    """`hits` best first, no two from one place. `read_as` is the question with its spelling mended.

    `refusal` says why nothing here should be used, None when it may be.
    """

    hits: tuple[Hit, ...] = ()
    confidence: float = 0.0
    threshold: float = 0.0
    refusal: Reason | None = None
    read_as: str = ""


class Reranker(Protocol):
    """Scores texts for a question, higher is better; CPU work, called in a thread."""

    def scores(self, question: str, texts: Sequence[str]) -> Vectors: ...


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A question as it is searched with."""

    text: str
    vector: Vectors
    tokens: TokenVectors | None
    terms: list[str]
    understood: bool


class Retriever:
    """Over one store. `reranker` reorders the candidates in the place of late interaction."""

    def __init__(
        self,
        store: Store,
        embedder: Embedder,
        *,
        reranker: Reranker | None = None,
        candidates: int = CANDIDATES,
    ) -> None:
        self.store = store
        self._embedder = embedder
        self._reranker = reranker
        self._candidates = candidates
        self._speller = Speller(embedder)

    async def search(
        self, question: str, k: int = 5, filters: Filters = EVERYTHING
    ) -> tuple[Hit, ...]:
        return (await self.find(question, k, filters)).hits

    async def find(self, question: str, k: int = 5, filters: Filters = EVERYTHING) -> Retrieved:
        """The `k` best chunks with the rank and score that every retriever gave them."""
        question = question[:LONGEST]
        tokens, vector = await asyncio.to_thread(embedded, self._embedder, question)
        async with self.store.snapshot() as now:
            if now.index is None or not now.index.chunks:
                return Retrieved(refusal="empty_corpus")
            asked = await self._asked(question, tokens, vector, now)
            pool = await self._pool(asked, now, max(self._candidates, k), filters)
            found = await now.chunks(pool.ids)
            scores = await self._scores(asked, pool, found)
            best = _best(scores, pool, found, max(k, refusal.TOP))
            top = [found[pool.ids[at]] for at in best]
            sure = await _confidence(asked, pool, top, now)
            line = await now.setting(refusal.SETTING)
        hits = tuple(_hit(found[pool.ids[at]], at, scores, pool) for at in best[:k])
        threshold = line["threshold"] if line else refusal.default_line(asked.understood).threshold
        reason: Reason | None = "off_topic" if sure < threshold else None
        return Retrieved(hits, sure, threshold, reason, asked.text)

    async def _asked(
        self, question: str, tokens: TokenVectors | None, vector: Vectors, now: Snapshot
    ) -> Asked:
        """Mended and cut into terms in the one of the collection's languages that it is in."""
        spoken = guess(question, await now.languages())
        meant = await self._speller.mended(question, spoken, now)
        if meant != question:
            question = meant
            tokens, vector = await asyncio.to_thread(embedded, self._embedder, question)
        known = understood(self._embedder.name, spoken)
        return Asked(question, vector, tokens, terms(question, spoken), known)

    async def _pool(self, asked: Asked, now: Snapshot, k: int, filters: Filters) -> Pool:
        """The best of either search, each with its score in both."""
        dense = dict(await now.dense(asked.vector, k, filters))
        bm25 = dict(await now.keyword(asked.terms, k, filters))
        ids = tuple(sorted({*dense, *bm25}))
        dense |= await now.dense_of(asked.vector, [id for id in ids if id not in dense])
        bm25 |= await now.keyword_of(asked.terms, [id for id in ids if id not in bm25])
        late = await self._late(asked, ids, now)
        return Pool(ids, _column(bm25, ids), _column(dense, ids), late)

    async def _late(self, asked: Asked, ids: Sequence[int], now: Snapshot) -> Vectors | None:
        if asked.tokens is None:
            return None
        packed = await now.late(ids)
        if len(packed) < len(ids):
            return None  # some were stored without: a mixture would favour those with
        return await asyncio.to_thread(similarities, asked.tokens, [packed[id] for id in ids])

    async def _scores(self, asked: Asked, pool: Pool, found: dict[int, Found]) -> Vectors:
        if self._reranker is None:
            return standardised_sum(pool, EQUAL if asked.understood else FOREIGN)
        texts = [searched(found[id].chunk) if id in found else "" for id in pool.ids]
        return await asyncio.to_thread(self._reranker.scores, asked.text, texts)


def _best(scores: Vectors, pool: Pool, found: dict[int, Found], most: int) -> list[int]:
    """Of candidates that are still there, the best by place."""

    def at_hand(at: int) -> Found:
        return found[pool.ids[at]]

    ordered = (at for at in best_first(scores) if pool.ids[at] in found)
    return places(ordered, lambda at: at_hand(at).chunk, most, lambda at: at_hand(at).superseded_by)


def embedded(embedder: Embedder, question: str) -> tuple[TokenVectors | None, Vectors]:
    """One run of the model for both, where it shows its tokens."""
    if hasattr(embedder, "embed_tokens"):
        [tokens] = cast(TokenEmbedder, embedder).embed_tokens([question])
        return tokens, tokens.pooled()
    return None, embedder.embed([question])[0]


async def _confidence(asked: Asked, pool: Pool, top: Sequence[Found], now: Snapshot) -> float:
    idf = await now.idf(asked.terms)
    rarest = lucene_idf(0, now.index.chunks if now.index else 0)
    best = [terms(searched(one.chunk)) for one in top[: refusal.TOP]]
    return refusal.of_pool(pool, asked.terms, best, idf, rarest, understood=asked.understood)


def _column(scores: dict[int, float], ids: Sequence[int]) -> Vectors:
    return np.array([scores.get(id, 0.0) for id in ids], np.float32)


def _hit(found: Found, at: int, scores: Vectors, pool: Pool) -> Hit:
    by_name: dict[Name, Vectors] = {"bm25": pool.bm25, "dense": pool.dense}
    if pool.late is not None:
        by_name["late"] = pool.late
    return Hit(
        chunk_id=found.id,
        chunk=found.chunk,
        title=found.title,
        score=float(scores[at]),
        ranks={name: int(ranks(column)[at]) for name, column in by_name.items() if column[at] > 0},
        scores={name: float(column[at]) for name, column in by_name.items()},
        superseded_by=found.superseded_by,
    )
