"""What solved examples teach about a field: its label, its form, its place.

For each example whose answer is JSON, the expected value is looked for in the example's text.
Left out: examples whose value is nowhere in the text, and rules that need two examples to see.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.offline.skills import lines, reading, values
from shared.offline.skills.examples import Example
from shared.offline.skills.fields import Field


@dataclass(frozen=True, slots=True)
class Lesson:
    """`line` is the number of the line that held the whole value in every example, or None."""

    labels: tuple[str, ...] = ()
    form: str = ""
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Worked:
    """An example with a JSON answer, its text already cut into candidates."""

    page: list[lines.Line]
    pairs: list[lines.Candidate]
    how: values.Habits
    data: Any


def worked(examples: Sequence[Example]) -> list[Worked]:
    found = []
    for example in examples:
        data = example.data
        if isinstance(data, dict | list):
            page = lines.read(example.input)
            found.append(Worked(page, lines.candidates(page), values.habits(example.input), data))
    return found


def dig(data: Any, path: Sequence[str]) -> Any:
    """The value at a path of property names; None where there is none."""
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return data


def learn(field: Field, examples: Sequence[Worked]) -> Lesson:
    labels: list[str] = []
    shapes: Counter[str] = Counter()
    places: list[int | None] = []
    for example in examples:
        expected = dig(example.data, field.path)
        if expected is None or isinstance(expected, dict | list):
            continue
        for pair in example.pairs:
            same = _same(field, pair.value, expected, example.how)
            if same and pair.trust >= 0.7:
                labels.append(pair.label)
                shapes.update(same[:2])
        places.append(_place(field, example, expected, shapes))
    steady = len(set(places)) == 1 and not labels
    form = shapes.most_common(1)[0][0] if shapes else ""
    return Lesson(tuple(dict.fromkeys(labels)), form, places[0] if steady and places else None)


def _place(field: Field, example: Worked, expected: Any, shapes: Counter[str]) -> int | None:
    for at, line in enumerate(example.page[:8]):
        same = _same(field, line.text, expected, example.how)
        if same and isinstance(expected, str):
            shapes.update(same[:1])
            return at
    return None


def _same(field: Field, raw: str, expected: Any, how: values.Habits) -> list[str]:
    found = reading.forms(field, raw, how)
    order = [reading.wanted(field, raw), *found]
    return [form for form in dict.fromkeys(order) if form in found and found[form] == expected]
