"""Whether a corpus is about a question at all: a number from 0 to 1, and where to draw the line.

Half is the best chunk's cosine, half the share of the question's terms (weighted by their rarity)
that the best of the first chunks has. The line is the collection's own: `threshold` takes it from
questions that are known to be answerable. Left out: a question of the right subject without an
answer, which no retrieval score tells; that is for the reader of the chunks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

FALSE_REFUSALS = 0.05  # of the known-good questions, that calibration gives up
LEAST = 20  # questions; with fewer, the line would be one question's
RECOMMENDED = 75
TOP = 5
SETTING = "refusal"  # the name under which the line is kept with the index


def confidence(cosine: float, coverage: float) -> float:
    return 0.5 * max(cosine, 0.0) + 0.5 * coverage


def coverage(
    question: Sequence[str],
    chunks: Iterable[Iterable[str]],
    idf: Mapping[str, float],
    rarest: float,
) -> float:
    """Of the rarity of the question's terms, the share that one of the chunks has.

    `rarest` is the idf of a term that no chunk has. 0 when the question has no terms.
    """
    weights = {term: idf.get(term, rarest) for term in question}
    total = sum(weights.values())
    if not total:
        return 0.0
    return max((_met(weights, set(terms)) for terms in chunks), default=0.0) / total


def _met(weights: Mapping[str, float], terms: set[str]) -> float:
    return sum(weight for term, weight in weights.items() if term in terms)


@dataclass(frozen=True, slots=True)
class Line:
    """Below `threshold` a question is refused. `questions` is how many it was set on."""

    threshold: float
    questions: int = 0


DEFAULT = Line(0.30)


def threshold(known_good: Sequence[float], false_refusals: float = FALSE_REFUSALS) -> float:
    """The confidence under which at most that share of the known-good questions lies."""
    ordered = sorted(known_good)
    return ordered[int(false_refusals * len(ordered))]
