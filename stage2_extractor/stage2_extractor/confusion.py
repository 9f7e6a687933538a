"""Buckets: what was chosen against what is right, as counts and the ratios made of them.

A case that got no answer is wrong, and stands in a column of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from stage2_extractor.metrics import Tally

NONE = "no answer"
Pair = tuple[str, str | None]  # right, given


@dataclass(frozen=True, slots=True)
class Confusion:
    counts: Counter[Pair]

    @classmethod
    def of(cls, pairs: Sequence[Pair]) -> Confusion:
        return cls(Counter(pairs))

    @property
    def accuracy(self) -> float:
        hits = sum(n for (right, given), n in self.counts.items() if right == given)
        return hits / self.counts.total()

    @property
    def labels(self) -> list[str]:
        """Every label that is right or was given at least once."""
        return sorted({label for pair in self.counts for label in pair if label is not None})

    def tally(self, label: str) -> Tally:
        counts = self.counts
        tp = counts[label, label]
        given = sum(n for (_, chosen), n in counts.items() if chosen == label)
        right = sum(n for (wanted, _), n in counts.items() if wanted == label)
        return Tally(tp, given - tp, right - tp)

    @property
    def macro_f1(self) -> float:
        """The mean F1 of the labels; each counts the same, however rare."""
        return fmean(self.tally(label).f1 or 0.0 for label in self.labels)

    def rows(self) -> list[list[str]]:
        """The matrix: a row a right label, a column a given one."""
        columns: list[str | None] = [*self.labels]
        if any(given is None for _, given in self.counts):
            columns.append(None)
        head = ["right \\ given", *(label or NONE for label in columns)]
        body = [
            [right, *(str(self.counts[right, given]) for given in columns)] for right in self.labels
        ]
        return [head, *body]


def macro_f1(pairs: Sequence[Pair]) -> float:
    return Confusion.of(pairs).macro_f1


def kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Agreement beyond chance after Cohen (1960); None when chance alone agrees always."""
    total = len(pairs)
    if not total:
        return None
    agreed = sum(one == other for one, other in pairs) / total
    first, second = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    chance = sum(first[label] * second[label] for label in first) / total**2
    return None if chance == 1 else (agreed - chance) / (1 - chance)
