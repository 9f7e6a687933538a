"""One answer past all graders: what is no number from 0 to 1 is a failure, whoever gave it.

A judge that times out, is rate-limited, raises or answers nonsense has not graded, and neither has
a rule that breaks on an answer. Left out: which graders there are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from stage5_evals.answers import Answer
from stage5_evals.cases import Case
from stage5_evals.graders import Grade, Judge, Rule


@dataclass(slots=True)
class Grades:
    """By metric: a value, or why there is none; `why` says why a value is not 1."""

    values: dict[str, float] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    cost_usd: float = 0.0

    def keep(self, name: str, grade: Grade) -> None:
        """NaN, infinity and anything outside 0 to 1 are no grades."""
        self.cost_usd += grade.cost_usd
        if grade.value is not None and 0.0 <= grade.value <= 1.0:
            self.values[name] = grade.value
            if grade.why:
                self.why[name] = grade.why
        else:
            reason = f"it gave {grade.value}, which is not from 0 to 1"
            self.failed[name] = grade.failed or reason


async def grades_of(
    rules: Sequence[Rule],
    judges: Sequence[Judge],
    case: Case,
    answer: Answer,
    repeat: int,
    limit_s: float,
) -> Grades:
    """From every grader that applies to the case; a judge has `limit_s` seconds."""
    given = Grades()
    for rule in rules:
        if rule.applies(case):
            given.keep(rule.name, _ruled(rule, case, answer))
    for judge in judges:
        if judge.applies(case):
            given.keep(judge.name, await judged(judge, case, answer, repeat, limit_s))
    return given


def _ruled(rule: Rule, case: Case, answer: Answer) -> Grade:
    try:
        return rule.check(case, answer)
    except Exception as error:  # a rule that breaks on an answer has not graded it
        return Grade.failure(f"{type(error).__name__}: {error}")


async def judged(judge: Judge, case: Case, answer: Answer, repeat: int, limit_s: float) -> Grade:
    try:
        async with asyncio.timeout(limit_s):
            return await judge.grade(case, answer, repeat)
    except TimeoutError:
        return Grade.failure(f"no verdict within {limit_s:g} s")
    except Exception as error:  # a rate limit, nonsense, a stranger's code: never a score
        return Grade.failure(f"{type(error).__name__}: {error}")
