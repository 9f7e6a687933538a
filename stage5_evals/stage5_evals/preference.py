"""Which of two answers is better, asked in both orders: a preference for a place is none.

`first` or `second` only when both orders say so; a tie when they agree on it; `place` when the
judge chose the same place twice, which says something about the judge and nothing of the answers.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from shared.errors import StageError
from shared.resampling import drop_p, wilson
from stage5_evals.cases import Case
from stage5_evals.judge_model import JudgeModel, PreferenceVerdict
from stage5_evals.judge_prompts import JudgePrompt
from stage5_evals.runs import Row

Winner = Literal["first", "second", "tie", "place", "failed"]


@dataclass(frozen=True, slots=True)
class Preference:
    case: str
    winner: Winner
    why: str
    cost_usd: float = 0.0


async def prefer(
    model: JudgeModel, prompt: JudgePrompt, case: Case, first: str, second: str, repeat: int = 0
) -> Preference:
    """A call that failed makes the preference a failure, not a tie."""

    async def order(one: str, other: str) -> Any:
        parts = {"question": case.question, "reference": case.answer or ""}
        return await model.ask(prompt, PreferenceVerdict, repeat, first=one, second=other, **parts)

    try:
        there, back = await asyncio.gather(order(first, second), order(second, first))
    except StageError as error:
        return Preference(case.id, "failed", f"{type(error).__name__}: {error}")
    cost = there.cost_usd + back.cost_usd
    winner = settled(there.verdict.verdict, back.verdict.verdict)
    return Preference(case.id, winner, there.verdict.reason, cost)


def settled(there: str, back: str) -> Winner:
    """From the verdict on (first, second) and the one on (second, first)."""
    match there, back:
        case "A", "B":
            return "first"
        case "B", "A":
            return "second"
        case ("A", "A") | ("B", "B"):
            return "place"
    return "tie"


async def preferences(
    model: JudgeModel,
    prompt: JudgePrompt,
    cases: Iterable[Case],
    old: Iterable[Row],
    new: Iterable[Row],
) -> list[Preference]:
    """Case by case over the first repeat of two runs; an answer that failed is left out."""
    before = {row.case: row for row in old if row.repeat == 0 and not row.failure}
    after = {row.case: row for row in new if row.repeat == 0 and not row.failure}
    both = [case for case in cases if case.id in before and case.id in after]
    return list(
        await asyncio.gather(
            *(
                prefer(model, prompt, case, before[case.id].answer, after[case.id].answer)
                for case in both
            )
        )
    )


def summary(found: Iterable[Preference]) -> dict[str, Any]:
    """How often the second won among the decided ones, and how often chance gives as much."""
    counts = Counter(one.winner for one in found)
    wins, losses = counts["second"], counts["first"]
    decided = wins + losses
    low, high = wilson(wins, decided) if decided else (0.0, 1.0)
    chance = min(1.0, 2 * min(drop_p(wins, losses), drop_p(losses, wins))) if decided else 1.0
    return {
        "counts": dict(counts),
        "second_wins": wins / decided if decided else None,
        "low": low,
        "high": high,
        "p": chance,
    }
