"""Fills lists: objects from tables, labels that are mentioned, values after a label or in bullets.

Left out: lists and objects inside the items of a list.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from shared.offline.skills import (
    choosing,
    fields,
    lessons,
    lines,
    matching,
    reading,
    roles,
    rows,
)
from shared.offline.skills.fields import Field
from shared.offline.skills.task import Task


def filled_list(task: Task, one: Field) -> Any:
    inner = fields.item(one, task.root)
    if inner.kind == "object":
        made = _objects(task, one, inner)
    elif inner.kind == "enum":
        made = _options(task, one, inner)
    else:
        made = _scalars(task, one, inner)
    least, most = one.schema.get("minItems", 0), one.schema.get("maxItems")
    if one.schema.get("uniqueItems"):
        made = [item for at, item in enumerate(made) if item not in made[:at]]
    if not made and one.may_be_null:
        return None
    made += [fields.blank(inner, task.root)] * max(0, least - len(made))
    return made[:most] if isinstance(most, int) else made


def _objects(task: Task, one: Field, inner: Field) -> list[Any]:
    columns = [c for c in roles.children(task, inner) if c.kind not in ("object", "array")]
    plain = [c for c in columns if not roles.is_evidence(c)]
    found = rows.read(task.page, plain, task.how, task.sums)
    made = []
    for taken, line in found:
        item = {}
        for child in roles.children(task, inner):
            default = (
                line.text.strip()
                if roles.is_evidence(child) and child.kind == "text"
                else fields.blank(child, task.root)
            )
            item[child.name] = taken.get(child.name, default)
        made.append(item)
    return made


def _options(task: Task, one: Field, inner: Field) -> list[Any]:
    """The labels that the text mentions, else the one that fits best."""
    options = inner.schema.get("enum") or [inner.schema.get("const")]
    said = [o for o in options if reading.option(Field((), {"enum": [o]}, False), task.text)]
    if said:
        return said
    choice = choosing.chosen(task, Field(one.path, inner.schema, False, hint=one.description))
    return [choice.value] if choice.evidence else []


def _scalars(task: Task, one: Field, inner: Field) -> list[Any]:
    """What stands after the list's label, cut at commas, or in the bullets below it."""
    want = matching.wanted(one, lessons.learn(one, task.taught).labels)
    pieces = _below(task, want) or _after(task, want)
    read = (reading.value(inner, piece, task.how) for piece in pieces)
    return [value for value in read if value is not None]


def _after(task: Task, want: matching.Wanted) -> list[str]:
    for pair in task.pairs:
        if pair.trust >= 0.9 and matching.score(want, pair.label) >= matching.ENOUGH:
            return re.split(r"\s*[;,]\s*", pair.value)
    return []


def _below(task: Task, want: matching.Wanted) -> list[str]:
    for at, line in enumerate(task.page):
        found = _bullets(task.page[at + 1 : at + 200])
        if found and matching.score(want, line.text.strip(" :#*")) >= matching.ENOUGH:
            return found
    return []


def _bullets(page: Sequence[lines.Line]) -> list[str]:
    found: list[str] = []
    for line in page:
        match = re.match(r"^\s*(?:[-*\u2022]|\d+[.)])\s+(.+)$", line.text)
        if not match:
            break
        found.append(match[1].strip())
    return found
