"""BM25 in memory over one list of postings a term: what `sql/search.sql` computes, in NumPy.

The same form (Lucene's idf, never negative) and the same constants. Left out: taking documents out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from stage3_rag.language import common, languages, tag
from stage3_rag.snapshot import K1, B, lucene_idf

if TYPE_CHECKING:
    from shared.embeddings import Vectors


class Postings:
    """Over chunks given as their terms; the chunk's number is its place in the list."""

    def __init__(self, chunks: Sequence[Sequence[str]]) -> None:
        self._total = len(chunks)
        lengths = np.array([len(one) for one in chunks], np.float32)
        average = float(lengths.mean()) if self._total else 1.0
        self._norms = K1 * (1 - B + B * lengths / max(average, 1.0))
        found: dict[str, tuple[list[int], list[int]]] = {}
        for at, one in enumerate(chunks):
            for term, count in Counter(one).items():
                ids, counts = found.setdefault(term, ([], []))
                ids.append(at)
                counts.append(count)
        self._found = {
            term: (np.array(ids, np.int32), np.array(counts, np.float32))
            for term, (ids, counts) in found.items()
        }

    @property
    def rarest(self) -> float:
        """The idf of a term that no chunk has."""
        return lucene_idf(0, self._total)

    def frequencies(self, terms: Iterable[str]) -> dict[str, int]:
        """In how many chunks each term stands; a term that stands in none is left out."""
        return {term: len(self._found[term][0]) for term in terms if term in self._found}

    def idf(self, terms: Sequence[str]) -> dict[str, float]:
        """A term that no chunk has is left out."""
        found = self.frequencies(set(terms))
        return {term: lucene_idf(df, self._total) for term, df in found.items()}

    def bm25(self, terms: Sequence[str]) -> Vectors:
        """(chunks,); 0 where no term is met. A term asked twice counts twice."""
        scores = np.zeros(self._total, np.float32)
        idf = self.idf(terms)
        for term, asked in Counter(terms).items():
            if term in idf:
                ids, counts = self._found[term]
                met = counts * (K1 + 1) / (counts + self._norms[ids])
                scores[ids] += np.float32(idf[term] * asked) * met
        return scores

    def languages(self) -> list[str]:
        counts = {name: self._found.get(tag(name), ((), ()))[0] for name in languages()}
        return common({name: len(ids) for name, ids in counts.items()})
