"""What an answer is worth: one number from 0 to 1 a grader, or a failure that is neither.

Which cases a grader counts follows from the case alone, never from the answer: a target cannot
leave the sum by answering nothing. A `Rule` is a function; a `Judge` asks a model and can fail,
and a failed grade is no value but a third outcome, which every sum shows. Left out: the rules
themselves (`rules`, `retrieval`, `trajectory`) and the judges' prompts (`judges`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from stage5_evals.answers import Answer
from stage5_evals.cases import Case


@dataclass(frozen=True, slots=True)
class Grade:
    """`value` is None exactly when `failed` says why there is none."""

    value: float | None
    why: str = ""
    failed: str = ""
    cost_usd: float = 0.0
    cached: bool = False

    @classmethod
    def failure(cls, reason: str, cost_usd: float = 0.0) -> Grade:
        return cls(None, failed=reason, cost_usd=cost_usd)


RIGHT = Grade(1.0)


def every(_: Case) -> bool:
    return True


def answerable(case: Case) -> bool:
    return case.answerable


@dataclass(frozen=True, slots=True)
class Rule:
    """Deterministic: the same case and answer give the same grade. `name` is the metric's."""

    name: str
    asks: str
    check: Callable[[Case, Answer], Grade]
    applies: Callable[[Case], bool] = every


class Judge(Protocol):
    """`identity` names all that decides a verdict: prompt version, pinned model, settings.

    A judge that cannot say raises, or returns `Grade.failure`; it never guesses. `repeat` counts
    the repeats of one case, so that a repeat is a verdict of its own and not the first one again.
    """

    @property
    def name(self) -> str: ...

    @property
    def identity(self) -> str: ...

    def applies(self, case: Case) -> bool: ...

    async def grade(self, case: Case, answer: Answer, repeat: int) -> Grade: ...
