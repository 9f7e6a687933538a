"""Whether a corpus is about a question at all: a number from 0 to 1, and where to draw the line.

Two fifths are the best cosine of a chunk, two fifths the best late interaction, and one fifth the
share of the question's terms, weighted by their rarity, that the best of the first chunks has. The
line is the collection's own: `threshold` takes it from questions that are known to be answerable.
Left out: a question of the right subject without an answer, which no retrieval score tells; that is
for the reader of the chunks.

On six collections, 75 questions to set the line and 75 others to test it: 5 to 7% false refusals,
and of questions about other collections of the same trade (Perl against Python against Linux) 68%
refused, against 65% for half cosine and half coverage; of questions from other walks of life all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from stage3_rag.fusion import Pool

FALSE_REFUSALS = 0.05  # of the known-good questions, that calibration gives up
LEAST = 10  # questions; with fewer, the line would be the chance of one question
RECOMMENDED = 75
TOP = 5
MEANING = 0.8  # of the confidence; the words have the rest
SETTING = "refusal"  # the name under which the line is kept with the index


def confidence(
    cosine: float, coverage: float, late: float | None = None, *, understood: bool = True
) -> float:
    """`late` is None where the embedder shows no token vectors: the cosine then counts for both.

    In a language that the embedder does not know all texts are alike to it (off-topic questions in
    Russian had a cosine of .67, as had the others), so the words count four times as much.
    """
    meant = cosine if late is None else (cosine + late) / 2
    share = MEANING if understood else 1 - MEANING
    return share * max(meant, 0.0) + (1 - share) * coverage


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


def of_pool(
    pool: Pool,
    question: Sequence[str],
    best: Iterable[Iterable[str]],
    idf: Mapping[str, float],
    rarest: float,
    *,
    understood: bool,
) -> float:
    """The confidence from a question's candidates and the terms of the best few of them."""
    late = None if pool.late is None else float(pool.late.max(initial=0.0))
    met = coverage(question, best, idf, rarest)
    return confidence(float(pool.dense.max(initial=0.0)), met, late, understood=understood)


@dataclass(frozen=True, slots=True)
class Line:
    """Below `threshold` a question is refused. `questions` is how many it was set on."""

    threshold: float
    questions: int = 0


def default_line(understood: bool) -> Line:
    """Before calibration: refuses at most 1% of the answerable on each of the six collections."""
    return Line(0.30 if understood else 0.15)


def threshold(known_good: Sequence[float], false_refusals: float = FALSE_REFUSALS) -> float:
    """The confidence under which at most that share of the known-good questions lies."""
    ordered = sorted(known_good)
    return ordered[int(false_refusals * len(ordered))]
