"""BM25 to read: the store's keyword search once more, in memory, with `rank-bm25`.

The same answers as `Snapshot.keyword` and the same interface, for as long as a corpus is small: it
holds every chunk in memory, compares every chunk with every question, and starts anew when a
document changes. Decided here: Lucene's idf, ln(1 + (N - df + 0.5) / (df + 0.5)). rank-bm25's own
classes cannot serve as a reference: the idf of `BM25Okapi` is negative for a term that more than
half of the chunks have and is then replaced by a share of the average, so that a frequent term may
count more than a rare one, and `BM25L` multiplies by the term's count twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from rank_bm25 import BM25Okapi  # type: ignore[import-untyped]

from stage3_rag.contract import Filters
from stage3_rag.snapshot import EVERYTHING, K1, B, Scored, lucene_idf

if TYPE_CHECKING:
    from stage3_rag.store import Store


class Keyword(Protocol):
    """`Store` and `Snapshot` are one, and so is `RankBM25`."""

    async def keyword(
        self, terms: Sequence[str], k: int, filters: Filters = EVERYTHING
    ) -> Scored: ...


class LuceneBM25(BM25Okapi):  # type: ignore[misc]
    def _calc_idf(self, nd: Mapping[str, int]) -> None:
        self.idf = {term: lucene_idf(df, self.corpus_size) for term, df in nd.items()}


class RankBM25:
    """Made by `load`; knows what was there then."""

    def __init__(self, store: Store, ids: Sequence[int], chunks: Sequence[list[str]]) -> None:
        self._store = store
        self._ids = np.array(ids, np.int64)
        self._bm25 = LuceneBM25(chunks, k1=K1, b=B) if chunks else None

    @classmethod
    async def load(cls, store: Store) -> RankBM25:
        async with store.snapshot() as now:
            postings = await now.postings()
        chunks = [[term for term, tf in one.items() for _ in range(tf)] for _, one in postings]
        return cls(store, [id for id, _ in postings], chunks)

    async def keyword(self, terms: Sequence[str], k: int, filters: Filters = EVERYTHING) -> Scored:
        if self._bm25 is None:
            return []
        scores: Any = self._bm25.get_scores(list(terms))
        best = np.lexsort((self._ids, -scores.astype(np.float32)))
        found = [(int(self._ids[at]), float(scores[at])) for at in best if scores[at] > 0]
        if filters != EVERYTHING:
            async with self._store.snapshot() as now:
                allowed = await now.matching_chunks(filters)
            found = [one for one in found if one[0] in allowed]
        return found[:k]
