"""Holds the faithfulness judge against rated answers, and writes how far it agrees beside them.

A verdict that failed counts as disagreement: a judge that cannot say is no judge of that answer.
What is stored is what the held-back split gave; the other one is there to work on. Left out: other
judges than faithfulness, for which nobody has rated answers yet: they never block.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.errors import StageError
from shared.resampling import Interval
from shared.tables import table
from stage5_evals.agreement import Confusion, Pair, kappa_interval, self_agreement
from stage5_evals.graders import Grade
from stage5_evals.judges import Faithfulness
from stage5_evals.ratings import FOLDER, Rating, fingerprint
from stage5_evals.runs import write

RECORDS = FOLDER / "judges.jsonl"


@dataclass(frozen=True, slots=True)
class Calibrated:
    """`wrong`: ids with what people and the judge said. `repeats`: how often each was asked."""

    identity: str
    model: str
    prompt: str
    ratings: str
    split: str
    cases: int
    failed: int
    confusion: Confusion
    kappa: Interval
    self_agreement: float | None
    repeats: int
    by_level: dict[str, float]
    wrong: tuple[tuple[str, bool, str], ...]
    cost_usd: float

    def record(self) -> dict[str, Any]:
        """The line that `calibration.read_calibrations` and the gate read."""
        return {
            "identity": self.identity,
            "kappa": round(self.kappa.value, 4),
            "low": round(self.kappa.low, 4),
            "high": round(self.kappa.high, 4),
            "cases": self.cases,
            "accuracy": round(self.confusion.accuracy, 4),
            "confusion": self.confusion.to_json(),
            "failed": self.failed,
            "self_agreement": self.self_agreement,
            "repeats": self.repeats,
            "ratings": self.ratings,
            "split": self.split,
            "model": self.model,
            "prompt": self.prompt,
        }

    def to_json(self) -> dict[str, Any]:
        return self.record() | {
            "by_level": self.by_level,
            "wrong": [list(one) for one in self.wrong],
            "cost_usd": self.cost_usd,
        }


async def calibrate(
    judge: Faithfulness,
    ratings: Sequence[Rating],
    *,
    split: str = "",
    repeats: int = 1,
    finished: Callable[[], None] = lambda: None,
) -> Calibrated:
    async def one(rating: Rating) -> list[Grade]:
        grades = [await _grade(judge, rating, number) for number in range(repeats)]
        finished()
        return grades

    found = await asyncio.gather(*map(one, ratings))
    pairs = [_pair(rating, grades[0]) for rating, grades in zip(ratings, found, strict=True)]
    values = {
        rating.id: [bool(g.value) for g in grades if g.value is not None]
        for rating, grades in zip(ratings, found, strict=True)
    }
    return Calibrated(
        judge.identity,
        judge.model.model,
        judge.prompt.name,
        fingerprint(list(ratings)),
        split,
        len(ratings),
        sum(grades[0].value is None for grades in found),
        Confusion.of(pairs),
        kappa_interval(pairs, [rating.group for rating in ratings]),
        self_agreement(values),
        repeats,
        _by_level(ratings, pairs),
        tuple(
            (rating.id, rating.faithful, grades[0].failed or grades[0].why or "accepted")
            for rating, grades, pair in zip(ratings, found, pairs, strict=True)
            if pair[0] != pair[1]
        ),
        sum(grade.cost_usd for grades in found for grade in grades),
    )


def keep(made: Calibrated, file: Path = RECORDS) -> None:
    """In place of the earlier record of the same judge; the others stay."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    others = [line for line in lines if line and json.loads(line)["identity"] != made.identity]
    write(file, "".join(f"{line}\n" for line in sorted([*others, json.dumps(made.record())])))


def render(made: Calibrated, second: Sequence[Pair] = (), verbose: bool = False) -> str:
    c = made.confusion
    body = [
        ["", "judge: faithful", "judge: not"],
        ["people: faithful", str(c.both), str(c.person)],
        ["people: not", str(c.judge), str(c.neither)],
    ]
    lines = [
        f"{made.identity} on {made.cases} rated answers"
        + (f", split {made.split}" if made.split else ""),
        f"accuracy {c.accuracy:.3f}   kappa {made.kappa.value:.3f} "
        f"[{made.kappa.low:.3f}, {made.kappa.high:.3f}]   failed {made.failed}",
    ]
    if made.self_agreement is not None:
        lines.append(f"agrees with itself in {made.self_agreement:.1%} of {made.repeats} repeats")
    if made.by_level:
        lines.append("accuracy by level: " + _shares(made.by_level))
    if second:
        agreed = Confusion.of(second)
        lines.append(
            f"second pass over {agreed.total} answers: accuracy {agreed.accuracy:.3f}, "
            f"kappa {agreed.kappa:.3f}"
        )
    if verbose:
        lines += [f"  {id}: {'faithful' if said else 'not'}; {why}" for id, said, why in made.wrong]
    return "\n".join([lines[0], "", table(body), *lines[1:]]) + "\n"


async def _grade(judge: Faithfulness, rating: Rating, repeat: int) -> Grade:
    try:
        return await judge.held(rating.question, rating.answer, rating.passages, repeat)
    except StageError as error:
        return Grade.failure(f"{type(error).__name__}: {error}")


def _pair(rating: Rating, grade: Grade) -> Pair:
    if grade.value is None:
        return rating.faithful, not rating.faithful
    return rating.faithful, grade.value == 1.0


def _by_level(ratings: Sequence[Rating], pairs: Sequence[Pair]) -> dict[str, float]:
    kept: dict[str, list[bool]] = {}
    for rating, (person, judge) in zip(ratings, pairs, strict=True):
        if rating.level:
            kept.setdefault(rating.level, []).append(person == judge)
    return {level: sum(hits) / len(hits) for level, hits in sorted(kept.items())}


def _shares(found: dict[str, float]) -> str:
    return ", ".join(f"{level} {share:.2f}" for level, share in found.items())
