"""What is wanted for one field, an offer of a value for it, and how a piece of text is read for it.

A value that does not fit the field's kind is none. Left out: which offer wins (`labelled`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.offline.skills import currencies, lessons, names, phrases, reading
from shared.offline.skills.fields import Field
from shared.offline.skills.lines import Line
from shared.offline.skills.task import Task

_PLAIN_FORMS = ("", "id", "name", "whole", "code", "plain code")


@dataclass(frozen=True, slots=True)
class Offer:
    """`shared` values, such as a currency, may stand on the line of another field's value."""

    score: float
    field: int
    value: Any
    line: Line
    shared: bool = False

    def rank(self) -> tuple[float, int, int]:
        return -round(self.score, 3), self.field, self.line.start


@dataclass(frozen=True, slots=True)
class Wanted:
    """One field with all that the prompt and its examples said of it."""

    at: int
    field: Field
    said: phrases.Phrases
    lesson: lessons.Lesson


def signed(want: Wanted, value: float) -> float | int:
    form = reading.wanted(want.field, "")
    shaped = abs(value) if form == "positive" else value
    return int(shaped) if shaped == int(shaped) else shaped


def read(task: Task, want: Wanted, raw: str) -> Any:
    if reading.is_money(want.field):
        amount = reading.money(raw, task.how)
        return signed(want, amount[0]) if amount and amount[1] > 0.9 else None
    if want.field.kind == "currency":
        return next((one.value for one in currencies.currencies(raw, task.text)), None)
    if want.said.last and want.field.kind == "date":
        return reading.value(want.field, raw, task.how, "last date")
    value = reading.value(want.field, raw, task.how)
    if reading.shape(want.field) == "name" and isinstance(value, str):
        value = names.cut(value, want.said.without)
        return value if names.is_name(value) else None
    if value is None or (want.field.kind == "text" and want.lesson.form not in _PLAIN_FORMS):
        return reading.value(want.field, raw, task.how, want.lesson.form)
    return value
