"""The line of refusal, set for one collection from questions that it answers.

Needs about 75 questions; stored with the index, so a rebuild starts from the default again. Left
out: where the questions come from.
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.errors import UserError
from stage3_rag import refusal
from stage3_rag.refusal import LEAST, RECOMMENDED, SETTING, Line
from stage3_rag.retrieve import Retriever


class TooFewQuestions(UserError): ...


async def calibrate(
    retriever: Retriever,
    known_good: Sequence[str],
    *,
    false_refusals: float = refusal.FALSE_REFUSALS,
) -> Line:
    """Sets and keeps the line under which at most that share of `known_good` falls."""
    questions = list(dict.fromkeys(one.strip() for one in known_good if one.strip()))
    if len(questions) < LEAST:
        raise TooFewQuestions(
            f"{len(questions)} different questions are too few to calibrate on: give at least "
            f"{LEAST}, better {RECOMMENDED}, that the corpus answers"
        )
    confidences = [(await retriever.find(one)).confidence for one in questions]
    line = Line(refusal.threshold(confidences, false_refusals), len(questions))
    await retriever.store.set_setting(
        SETTING, {"threshold": line.threshold, "questions": line.questions}
    )
    return line
