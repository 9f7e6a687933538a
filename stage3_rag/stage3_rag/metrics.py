"""How good a ranking is: recall@k, MRR, nDCG@k, and refusals.

Binary relevance, as the labels are. A question without a relevant document has no such number and
must not be given. Left out: intervals (`shared.resampling`), which sit on top of these values.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence, Set
from dataclasses import dataclass


def recall(ranking: Sequence[Hashable], relevant: Set[Hashable], k: int) -> float:
    """Share of the relevant that is among the first `k`."""
    return len(relevant & set(ranking[:k])) / len(relevant)


def reciprocal_rank(ranking: Sequence[Hashable], relevant: Set[Hashable]) -> float:
    """1 / rank of the first relevant one (its mean is MRR), 0 when there is none."""
    return next((1 / at for at, item in enumerate(ranking, start=1) if item in relevant), 0.0)


def ndcg(ranking: Sequence[Hashable], relevant: Set[Hashable], k: int) -> float:
    """Normalised discounted cumulative gain (Järvelin and Kekäläinen, 2002), gains of 0 and 1."""
    gained = sum(_discount(at) for at, item in enumerate(ranking[:k], start=1) if item in relevant)
    ideal = sum(_discount(at) for at in range(1, min(k, len(relevant)) + 1))
    return gained / ideal


def gain(found: Sequence[Set[Hashable]], needs: int, k: int) -> float:
    """nDCG@k where one place may meet several needs: `found` is what each place is first to meet.

    The ideal is one need a place, so a chunk that meets two at once may beat it: at most 1.
    """
    gained = sum(len(new) * _discount(at) for at, new in enumerate(found[:k], start=1))
    ideal = sum(_discount(at) for at in range(1, min(k, needs) + 1))
    return min(1.0, gained / ideal)


def reciprocal_rank_of(found: Sequence[Set[Hashable]]) -> float:
    """The same of places: 1 / the first one that meets a need."""
    return next((1 / at for at, new in enumerate(found, start=1) if new), 0.0)


def _discount(rank: int) -> float:
    return 1 / math.log2(rank + 1)


@dataclass(frozen=True, slots=True)
class Refusals:
    """Counts over questions; "positive" is a refusal, right when the corpus has no answer."""

    right: int
    false: int
    missed: int
    answered: int

    @classmethod
    def count(cls, refused: Sequence[bool], answerable: Sequence[bool]) -> Refusals:
        pairs = list(zip(refused, answerable, strict=True))
        return cls(
            right=sum(no and not can for no, can in pairs),
            false=sum(no and can for no, can in pairs),
            missed=sum(not no and not can for no, can in pairs),
            answered=sum(not no and can for no, can in pairs),
        )

    @property
    def precision(self) -> float:
        return _share(self.right, self.right + self.false)

    @property
    def recall(self) -> float:
        return _share(self.right, self.right + self.missed)

    @property
    def f1(self) -> float:
        return _share(2 * self.right, 2 * self.right + self.false + self.missed)

    @property
    def false_share(self) -> float:
        """Of the questions that could have been answered."""
        return _share(self.false, self.false + self.answered)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
