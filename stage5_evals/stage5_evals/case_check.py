"""What is wrong with a set of cases: duplicates, leaks between splits, labels that went stale.

A near-duplicate is found by the words that two questions share, weighted by how rare they are in
the set; a paraphrase in other words is not found. Left out: whether a label is true.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from stage5_evals.cases import Case
from stage5_evals.corpus import Corpus

SAME = 0.7  # of the weight of two questions' words
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Problem:
    kind: str
    cases: tuple[str, ...]
    detail: str


def problems(cases: Sequence[Case], corpus: Corpus | None) -> list[Problem]:
    found = [*_twins(cases), *_refusals(cases)]
    return [*found, *_stale(cases, corpus)] if corpus else found


def _twins(cases: Sequence[Case]) -> Iterator[Problem]:
    """A pair inside one split is a duplicate; across two it lets one split leak into the other."""
    bags = [set(_WORD.findall(" ".join(case.asked).casefold())) for case in cases]
    counts = Counter(word for bag in bags for word in bag)
    weight = {word: math.log(1 + len(cases) / n) for word, n in counts.items()}
    for (one, mine), (other, theirs) in combinations(zip(cases, bags, strict=True), 2):
        whole = sum(weight[word] for word in mine | theirs)
        alike = sum(weight[word] for word in mine & theirs) / whole if whole else 1.0
        if alike >= SAME:
            kind = "duplicate" if one.split == other.split else "leak"
            yield Problem(kind, (one.id, other.id), f"{alike:.0%} alike: {one.question[:70]!r}")


def _refusals(cases: Sequence[Case]) -> Iterator[Problem]:
    for case in cases:
        if case.answerable and not case.answer:
            yield Problem("no answer", (case.id,), "it has needs and no reference answer")
        if any(not need for need in case.needs):
            yield Problem("no span", (case.id,), "one of its needs has no span")


def _stale(cases: Sequence[Case], corpus: Corpus) -> Iterator[Problem]:
    for case in cases:
        for span in (span for need in case.needs for span in need):
            if corpus.text(span.document) is None:
                yield Problem("stale", (case.id,), f"{span.document} is not in the corpus")
            elif not corpus.holds(span.document, span.quote):
                yield Problem(
                    "stale", (case.id,), f"not in {span.document} any more: {span.quote[:70]!r}"
                )
