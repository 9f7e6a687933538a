"""Finds the scalar fields of a schema by the labels in a text; the surest pairs choose first.

Left out: lists, and fields that are chosen rather than found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shared.offline.skills import (
    lessons,
    matching,
    reading,
    roles,
)
from shared.offline.skills.fields import Field
from shared.offline.skills.task import Hit, Task

_MOST_LABELS, _MOST_LINES = 120, 400  # embedded; searched for a value without a label


def leaves(task: Task, one: Field, depth: int = 0) -> Iterator[Field]:
    """Scalar fields outside of lists; in an evidence object only its value, under its own name."""
    if depth > 8 or one.kind in ("array", "null"):
        return
    if one.kind != "object":
        yield one
        return
    inner = roles.children(task, one)
    worth = roles.value_child(inner)
    if worth and one.path:
        yield _renamed(worth, one)
        return
    for child in inner:
        if roles.base_of(child, inner) is None and not roles.is_role(child):
            yield from leaves(task, child, depth + 1)


def _renamed(worth: Field, one: Field) -> Field:
    hint = f"{one.description} {worth.hint}".strip()
    return Field(worth.path, worth.schema, worth.nullable, worth.required, hint)


def match(task: Task, leaves: Sequence[Field]) -> None:
    """Gives each field its best labelled value; the surest pairs choose first."""
    pairs = task.pairs
    found = {leaf.path: lessons.learn(leaf, task.taught) for leaf in leaves}
    wants = [matching.wanted(_named(leaf), found[leaf.path].labels) for leaf in leaves]
    labels = list(dict.fromkeys(p.label for p in pairs if 2 < len(p.label) <= 40))[:_MOST_LABELS]
    near = matching.meanings(wants, labels, task.mind)
    scored = [
        {label: max(matching.score(w, label), near.get((at, label), 0.0)) for label in known}
        for at, w in enumerate(wants)
        for known in [{pair.label for pair in pairs}]
    ]
    ranked = [
        (-scored[at][pair.label] * pair.trust, number, at)
        for at in range(len(leaves))
        for number, pair in enumerate(pairs)
        if scored[at][pair.label] * pair.trust >= matching.ENOUGH
    ]
    taken: set[tuple[int, str]] = set()
    for score, number, at in sorted(ranked):
        leaf, pair = leaves[at], pairs[number]
        free = (pair.at, pair.value) not in taken or -score >= 1.0
        if leaf.path in task.hits or not free:
            continue
        worth = reading.value(leaf, pair.value, task.how, found[leaf.path].form)
        if worth is not None:
            taken.add((pair.at, pair.value))
            task.hits[leaf.path] = Hit(worth, pair.line, pair.at, min(1.0, -score))
    for leaf in leaves:
        if leaf.path not in task.hits:
            _unlabelled(task, leaf, found[leaf.path])


def _named(leaf: Field) -> Field:
    """The value of an evidence object is looked for under the name of the object."""
    if leaf.name.lower() in roles.VALUES and len(leaf.path) > 1:
        return Field(leaf.path[:-1], leaf.schema, leaf.nullable, leaf.required, leaf.hint)
    return leaf


def _unlabelled(task: Task, leaf: Field, lesson: lessons.Lesson) -> None:
    """A value without a label: on the line the examples show, or the only one of its kind."""
    if lesson.line is not None and lesson.line < len(task.page):
        line = task.page[lesson.line]
        worth = reading.value(leaf, line.text, task.how, lesson.form)
        if worth is not None:
            task.hits[leaf.path] = Hit(worth, line.text.strip(), line.start, 0.6)
            return
    if leaf.kind in ("currency", "email", "url", "date", "datetime"):
        lined = [
            (line, reading.value(leaf, line.text, task.how, lesson.form)) for line in task.page
        ]
        good = [(line, worth) for line, worth in lined if worth is not None]
        if good and (leaf.kind == "currency" or len({worth for _, worth in good}) == 1):
            line, worth = good[0]
            task.hits[leaf.path] = Hit(worth, line.text.strip(), line.start, 0.5)
