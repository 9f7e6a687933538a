"""recall@k, MRR and nDCG of what was retrieved, from labels alone: no model has a say.

A need counts as found by a passage of its document that holds at least half of its quote's words
in a row, since the border of a chunk may run through a quote. A passage is relevant when it finds
a need that no better one had found; so the ideal ranking has one passage for each need.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from stage5_evals.answers import Answer, Passage
from stage5_evals.cases import Case, Span
from stage5_evals.graders import RIGHT, Grade, Rule, answerable

HALF = 0.5


def retrieval_rules(k: int = 5, deep: int = 10) -> list[Rule]:
    return [
        Rule(
            f"recall_at_{k}",
            f"which share of the needs is in the first {k} passages?",
            lambda case, answer: recall(case, answer, k),
            answerable,
        ),
        Rule("mrr", "how high is the first passage that helps?", reciprocal_rank, answerable),
        Rule(
            f"ndcg_at_{deep}",
            f"how high are all that help, in the first {deep}?",
            lambda case, answer: ndcg(case, answer, deep),
            answerable,
        ),
    ]


def recall(case: Case, answer: Answer, k: int) -> Grade:
    found = {need for needs in found_by(case, answer.retrieved[:k]) for need in needs}
    if len(found) == len(case.needs):
        return RIGHT
    missing = [case.needs[at][0].document for at in range(len(case.needs)) if at not in found]
    return Grade(len(found) / len(case.needs), f"not in the first {k}: {', '.join(missing)}")


def reciprocal_rank(case: Case, answer: Answer) -> Grade:
    for rank, needs in enumerate(found_by(case, answer.retrieved), 1):
        if needs:
            return RIGHT if rank == 1 else Grade(1 / rank)
    return Grade(0.0, "nothing that helps was retrieved")


def ndcg(case: Case, answer: Answer, k: int) -> Grade:
    """Gain 1 for each passage that finds a new need (Järvelin and Kekäläinen, 2002)."""
    gained = 0.0
    seen: set[int] = set()
    for rank, needs in enumerate(found_by(case, answer.retrieved[:k]), 1):
        if needs - seen:
            gained += 1 / math.log2(rank + 1)
            seen |= needs
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(k, len(case.needs)) + 1))
    return Grade(min(1.0, gained / ideal))  # one passage may find two needs


def found_by(case: Case, passages: tuple[Passage, ...]) -> Iterator[set[int]]:
    """For each passage, the places of the needs that it finds."""
    for passage in passages:
        wanted = [
            (at, span)
            for at, need in enumerate(case.needs)
            for span in need
            if span.document == passage.document
        ]
        text = f" {' '.join(passage.text.casefold().split())} " if wanted else ""
        yield {at for at, span in wanted if _stands_in(span, text)}


def _stands_in(span: Span, text: str) -> bool:
    words = span.quote.casefold().split()
    least = max(1, round(len(words) * HALF))
    return any(
        f" {' '.join(words[at : at + least])} " in text for at in range(len(words) - least + 1)
    )
