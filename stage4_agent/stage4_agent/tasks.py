"""The tasks and how they are checked: the answer, and the way to it.

A check is deterministic and knows nothing of the agent: expected numbers and words, tools that must
or must not have been called, orders that must or must not have been placed, and that no number was
made up. `offline` marks what the offline model can do; the others need a real model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Literal

from shared.errors import BadSettings, UserError
from stage4_agent.contract import Outcome
from stage4_agent.evidence import numbers
from stage4_agent.journal import Event

DECLINES = re.compile(
    r"\b(?:could not|cannot|can't|couldn't|unable|failed|refused|unknown|"
    r"not (?:able|available|possible|found|known|in the)|"
    r"no (?:answer|information|data|result|record|column|such)|"
    r"do(?:es)? not (?:have|hold|know|contain|say|answer|list|include)|don't (?:have|know))\b",
    re.I,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """`orders` is None where nobody looks; `avoids` of "*" means that no tool may be called."""

    id: str
    task: str
    offline: bool
    numbers: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    declines: bool = False
    uses: tuple[str, ...] = ()
    avoids: tuple[str, ...] = ()
    most_calls: int | None = None
    approve: Literal["yes", "no"] = "no"
    orders: tuple[tuple[str, int], ...] | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """What a check looks at: the outcome, the record, and the orders that the shop has."""

    outcome: Outcome
    events: Sequence[Event]
    orders: Sequence[tuple[str, int]]

    @property
    def called(self) -> list[str]:
        return [event["tool"] for event in self.events if event["event"] == "result"]


def load_tasks(file: Path) -> list[Task]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        return [_task(json.loads(line)) for line in lines if line.strip()]
    except (OSError, ValueError, TypeError) as error:
        raise BadSettings(f"{file} holds no tasks: {error}") from None


def find_task(tasks: Sequence[Task], id: str) -> Task | None:
    return next((task for task in tasks if task.id == id), None)


def problems(task: Task, run: Run) -> list[str]:
    """Why the task is not solved; empty when it is."""
    return [*_answer(task, run.outcome), *_trajectory(task, run)]


def _answer(task: Task, outcome: Outcome) -> list[str]:
    found = []
    if outcome.status != "answered":
        found.append(f"{outcome.status}: {outcome.reason}")
    given = numbers(outcome.answer)
    found += [f"{n} is not in the answer" for n in task.numbers if not _holds(given, n)]
    low = outcome.answer.lower()
    found += [f"{word!r} is not in the answer" for word in task.words if word.lower() not in low]
    if task.declines and not DECLINES.search(outcome.answer):
        found.append("it answers what cannot be known")
    if outcome.unsupported:
        found.append(f"made-up numbers: {', '.join(outcome.unsupported)}")
    return found


def _trajectory(task: Task, run: Run) -> list[str]:
    called = run.called
    found = [f"{tool} was not called" for tool in task.uses if tool not in called]
    banned = called if "*" in task.avoids else [tool for tool in task.avoids if tool in called]
    found += [f"{tool} was called" for tool in dict.fromkeys(banned)]
    if task.most_calls is not None and len(called) > task.most_calls:
        found.append(f"{len(called)} calls, {task.most_calls} are enough")
    if task.orders is not None and sorted(run.orders) != sorted(task.orders):
        found.append(f"orders placed: {list(run.orders)}")
    return found


def _holds(given: Sequence[str], wanted: str) -> bool:
    """The number as precise as it is wanted, or more precise."""
    goal = Decimal(wanted)
    return any(_round(one, goal) == goal for one in given)


def _round(number: str, like: Decimal) -> Decimal | None:
    try:
        return Decimal(number).quantize(like)
    except InvalidOperation:  # a date
        return None


def _task(data: dict[str, Any]) -> Task:
    several: dict[str, Any] = {
        name: tuple(data[name]) for name in ("numbers", "words", "uses", "avoids") if name in data
    }
    if data.get("orders") is not None:
        several["orders"] = tuple((sku, count) for sku, count in data["orders"])
    return Task(**{**data, **several})


def chosen(tasks: Sequence[Task], only: Sequence[str], *, offline: bool) -> list[Task]:
    """The tasks named in `only`, or all that the model is meant for."""
    if unknown := [name for name in only if find_task(tasks, name) is None]:
        raise UserError(f"no task {unknown[0]!r}: `stage4 tasks` lists them")
    return [t for t in tasks if (t.id in only if only else t.offline or not offline)]
