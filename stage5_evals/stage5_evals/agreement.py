"""How far two raters agree on yes or no, and what a judge's score is worth given its errors.

Kappa (Cohen, 1960) is agreement beyond chance; its interval draws the rated answers again, group
by group where several share a passage. `corrected` is the estimator of Rogan and Gladen (1978):
the true share from what a judge with known errors reports. Left out: more than two classes.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.resampling import RESAMPLES, Interval, Z, bootstrap, wilson

Pair = tuple[bool, bool]  # what a person said, what the judge said


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts by (person, judge): `both` yes, `judge` alone yes, `person` alone yes, `neither`."""

    both: int
    judge: int
    person: int
    neither: int

    @classmethod
    def of(cls, pairs: Sequence[Pair]) -> Confusion:
        count = dict.fromkeys(((True, True), (False, True), (True, False), (False, False)), 0)
        for pair in pairs:
            count[pair] += 1
        return cls(*count.values())

    @property
    def total(self) -> int:
        return self.both + self.judge + self.person + self.neither

    @property
    def accuracy(self) -> float:
        return (self.both + self.neither) / self.total

    @property
    def kappa(self) -> float:
        """1 where both gave everything the same one verdict: they did agree."""
        n = self.total
        yes = (self.both + self.judge) * (self.both + self.person)
        no = (self.person + self.neither) * (self.judge + self.neither)
        chance = (yes + no) / (n * n)
        return 1.0 if chance == 1 else (self.accuracy - chance) / (1 - chance)

    @property
    def sensitivity(self) -> float | None:
        """Of what people call faithful, the share that the judge accepts."""
        yes = self.both + self.person
        return self.both / yes if yes else None

    @property
    def specificity(self) -> float | None:
        no = self.judge + self.neither
        return self.neither / no if no else None

    def to_json(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in Confusion.__slots__}


def kappa(pairs: Sequence[Pair]) -> float:
    return Confusion.of(pairs).kappa


def kappa_interval(
    pairs: Sequence[Pair], groups: Sequence[Hashable] | None = None, resamples: int = RESAMPLES
) -> Interval:
    """95%, by the bootstrap. `groups` names what belongs together and is drawn together."""
    kept: dict[Hashable, list[Pair]] = {}
    for at, pair in enumerate(pairs):
        kept.setdefault(groups[at] if groups else at, []).append(pair)
    return bootstrap(
        list(kept.values()),
        lambda drawn: kappa([pair for group in drawn for pair in group]),
        resamples=resamples,
    )


def self_agreement(repeats: Mapping[str, Sequence[bool]]) -> float | None:
    """The chance that two repeats of one verdict agree; None when nothing was repeated."""
    shares = []
    for verdicts in repeats.values():
        n, yes = len(verdicts), sum(verdicts)
        if n > 1:
            shares.append((math.comb(yes, 2) + math.comb(n - yes, 2)) / math.comb(n, 2))
    return sum(shares) / len(shares) if shares else None


@dataclass(frozen=True, slots=True)
class Corrected:
    """The true share, or None where the judge is no better than a coin; its 95% interval."""

    value: float | None
    low: float
    high: float

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in Corrected.__slots__}


def corrected(share: float, cases: int, known: Confusion) -> Corrected:
    """(share + specificity - 1) / (sensitivity + specificity - 1), cut to 0 to 1.

    The interval adds what both error rates and the share itself are unsure of (delta method); the
    rates come from people's ratings of other answers, which must be like these.
    """
    sensitivity, specificity = known.sensitivity, known.specificity
    if sensitivity is None or specificity is None or sensitivity + specificity <= 1:
        return Corrected(None, 0.0, 1.0)
    gap = sensitivity + specificity - 1
    value = (share + specificity - 1) / gap
    yes, no = known.both + known.person, known.judge + known.neither
    variance = (
        _variance(share, cases)
        + value**2 * _variance(sensitivity, yes)
        + (1 - value) ** 2 * _variance(specificity, no)
    ) / gap**2
    half = Z * math.sqrt(variance)
    return Corrected(_cut(value), _cut(value - half), _cut(value + half))


def _variance(share: float, n: int) -> float:
    """Of a share; with the middle of Wilson's interval, so that none and all are not certain."""
    low, high = wilson(share * n, n)
    middle = (low + high) / 2
    return middle * (1 - middle) / n


def _cut(value: float) -> float:
    return min(1.0, max(0.0, value))
