"""One filling of a schema: the text, the rules, what examples taught, and what was found so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from shared.offline.skills import (
    examples,
    lessons,
    lines,
)
from shared.offline.skills.dates import Habits
from shared.offline.skills.fields import Schema
from shared.offline.skills.mind import Mind


@dataclass(frozen=True, slots=True)
class Hit:
    """A value, the line it came from, where that line starts, and how sure the label was."""

    value: Any
    line: str = ""
    at: int = -1
    trust: float = 0.0


@dataclass(frozen=True, slots=True)
class Task:
    text: str
    rules: str
    page: list[lines.Line]
    pairs: list[lines.Candidate]
    how: Habits
    shots: list[examples.Example]
    taught: list[lessons.Worked]
    root: Schema
    mind: Mind
    sums: set[str] = field(default_factory=set)
    titles: set[str] = field(default_factory=set)
    hits: dict[tuple[str, ...], Hit] = field(default_factory=dict)
