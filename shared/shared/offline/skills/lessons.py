"""What solved examples teach about a field: its label, its form, its place.

For each example whose answer is JSON, the expected value is looked for in the example's text.
Left out: examples whose value is nowhere in the text, and rules that need two examples to see.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from shared.offline.skills import lines, marks, names, reading, values
from shared.offline.skills.dates import Habits
from shared.offline.skills.examples import Example
from shared.offline.skills.fields import Field


@dataclass(frozen=True, slots=True)
class Lesson:
    """`line` is the number of the line that held the whole value in every example, or None.

    `roles` are the kinds of place that names without a label had, the commonest first;
    `unlabelled` tells that a value stood without a label in some example.
    """

    labels: tuple[str, ...] = ()
    form: str = ""
    line: int | None = None
    roles: tuple[str, ...] = ()
    unlabelled: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Worked:
    """An example with a JSON answer, its text already cut into candidates."""

    page: list[lines.Line]
    pairs: list[lines.Candidate]
    how: Habits
    data: Any
    names: list[names.Name]


def worked(examples: Sequence[Example]) -> list[Worked]:
    return [
        _worked(example.input, example.output)
        for example in examples
        if isinstance(example.data, dict | list)
    ]


@lru_cache(maxsize=4_096)
def _worked(text: str, output: str) -> Worked:
    """Examples come again with every request: they are cut once."""
    page = lines.read(text)
    data = Example(text, output).data
    without_labels: list[list[marks.Mark]] = [[] for _ in page]
    found = names.find(page, without_labels, ())
    return Worked(page, lines.candidates(page), values.habits(text), data, found)


def dig(data: Any, path: Sequence[str]) -> Any:
    """The value at a path of property names; None where there is none."""
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return data


def learn(field: Field, examples: Sequence[Worked]) -> Lesson:
    """Learned once for the same field and examples: they come again with every document."""
    if not examples:
        return Lesson()
    schema = json.dumps(field.schema, sort_keys=True, default=str)
    return _learn(field.path, schema, field.hint, tuple(examples))


@lru_cache(maxsize=512)
def _learn(path: tuple[str, ...], schema: str, hint: str, examples: tuple[Worked, ...]) -> Lesson:
    field = Field(path, json.loads(schema), nullable=True, hint=hint)
    labels: list[str] = []
    shapes: Counter[str] = Counter()
    places: list[int | None] = []
    kinds: Counter[str] = Counter()
    bare = 0
    for example in examples:
        expected = dig(example.data, field.path)
        if expected is None or isinstance(expected, dict | list):
            continue
        source = _source(field, example)
        known: list[tuple[float, int, str]] = []
        for pair in example.pairs:
            if pair.trust < 0.7 or (source and pair.line != source):
                continue
            same = _same(field, pair.value, expected, example.how)
            if same and _label(pair.label):
                known.append((pair.trust, len(pair.label), pair.label))
                shapes.update(same[:2])
        labels += [
            label for *_, label in sorted(known)[-1:]
        ]  # the surest, and of these the longest
        bare += not known
        places.append(None if known else _place(field, example, expected, shapes))
        kinds.update(_roles(expected, example))
    steady = len(places) > 1 and len(set(places)) == 1 and not labels
    return Lesson(
        tuple(dict.fromkeys(labels)),
        shapes.most_common(1)[0][0] if shapes else "",
        places[0] if (steady or (len(places) == 1 and not labels)) and places else None,
        tuple(role for role, _ in kinds.most_common()),
        unlabelled=bare > 0,
    )


def _label(label: str) -> bool:
    letters = sum(map(str.isalpha, label))
    return letters >= 2 and len(label.split()) <= 5 and not any(map(str.isdigit, label))


def _source(field: Field, example: Worked) -> str:
    """The line of the text that the example's own evidence for the value quotes, if it does."""
    around = dig(example.data, field.path[:-1])
    if not isinstance(around, dict) or len(field.path) < 2:
        return ""
    said = {v.strip() for k, v in around.items() if isinstance(v, str) and k != field.path[-1]}
    return next((line.text.strip() for line in example.page if line.text.strip() in said), "")


def _roles(expected: Any, example: Worked) -> list[str]:
    return [name.role for name in example.names if name.text == expected]


def _place(field: Field, example: Worked, expected: Any, shapes: Counter[str]) -> int | None:
    for at, line in enumerate(example.page[:8]):
        same = _same(field, line.text, expected, example.how)
        if same and isinstance(expected, str):
            shapes.update(same[:1])
            return at
    return None


def _same(field: Field, raw: str, expected: Any, how: Habits) -> list[str]:
    found = reading.forms(field, raw, how)
    order = [reading.wanted(field, raw), *found]
    return [form for form in dict.fromkeys(order) if form in found and found[form] == expected]
