"""Fills a JSON schema from a text, guided by field names, descriptions, rules and examples.

Scalars come from labels in the text, enums from what is mentioned or by classifying, lists of
objects from tables, an object of a value and its evidence gets the source line word for word. What
was not found is null where the schema allows it, else as empty as it allows. Left out: sums and
other derived values, values spread over several lines, and schemas with `not` or `if`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shared.messages import Request
from shared.offline.skills import (
    choosing,
    examples,
    fields,
    labelled,
    lessons,
    lines,
    lists,
    roles,
    summarise,
    values,
)
from shared.offline.skills.fields import Field, Schema
from shared.offline.skills.mind import Mind
from shared.offline.skills.task import Hit, Task
from shared.offline.words import name_terms, sentences, terms

_DEEPEST = 6


def reply(request: Request, schema: Schema, mind: Mind) -> str:
    return fields.as_json(fill(request, schema, mind))


def fill(request: Request, schema: Schema, mind: Mind) -> Any:
    """The value that the schema describes, from the text of the request."""
    text = examples.material(request)
    rules = examples.rules(request).replace(text, " ")
    page, shots = lines.read(text), examples.of(request)
    pairs, taught = lines.candidates(page), lessons.worked(shots)
    how = values.habits(text, rules)
    task = Task(text, rules, page, pairs, how, shots, taught, schema, mind)
    resolved, nullable = fields.resolve(schema, schema)
    top = Field((), resolved, nullable)
    labelled.match(task, list(labelled.leaves(task, top)))
    return _build(task, top)


def _build(task: Task, one: Field) -> Any:
    if one.kind == "object":
        return _object(task, one)
    if one.kind == "array":
        return lists.filled_list(task, one)
    hit = task.hits.get(one.path)
    if hit is not None:
        return hit.value
    if one.kind == "enum":
        return choosing.chosen(task, one).value
    if one.kind == "boolean":
        return choosing.flag(task, one)
    if not one.path:
        return next(
            (
                c
                for c in [task.text.strip()]
                if one.kind == "text" and fields.allowed(c, one.schema)
            ),
            fields.blank(one, task.root),
        )
    return fields.blank(one, task.root)


def _object(task: Task, one: Field) -> Any:
    inner = roles.children(task, one)
    if len(one.path) > _DEEPEST:  # a schema may refer to itself
        return fields.blank(one, task.root)
    worth = roles.value_child(inner) if one.path else None
    if worth:
        return _evidence(task, one, worth, inner)
    made: dict[str, Any] = {}
    for child in inner:
        base = roles.base_of(child, inner)
        made[child.name] = (
            _role(task, child, inner) if base is None else _quote(task, child, base.path)
        )
    if (
        one.may_be_null
        and one.path
        and made
        and all(v in (None, "", [], {}) for v in made.values())
    ):
        return None
    return made


def _evidence(task: Task, one: Field, worth: Field, inner: Sequence[Field]) -> Any:
    found = _build(task, worth)
    hit = task.hits.get(worth.path)
    if hit is None and one.may_be_null:
        return None
    made: dict[str, Any] = {}
    for child in inner:
        words = set(name_terms(child.name))
        if child.name == worth.name:
            made[child.name] = found
        elif child.kind in ("integer", "number") and hit is not None:
            number = _position(task, hit, words)
            made[child.name] = number if number is not None else fields.blank(child, task.root)
        elif roles.is_evidence(child):
            made[child.name] = _quote(task, child, worth.path)
        else:
            made[child.name] = _build(task, child)
    return made


def _position(task: Task, hit: Hit, words: set[str]) -> float | int | None:
    if roles.stems("confidence score") & words:
        return round(hit.trust, 2)
    if {"start", "offset", "begin"} & words:
        return task.text.find(hit.line, max(0, hit.at))
    if "end" in words:
        return task.text.find(hit.line, max(0, hit.at)) + len(hit.line)
    return task.text.count("\n", 0, hit.at) + 1 if roles.stems("line row") & words else None


def _quote(task: Task, child: Field, path: tuple[str, ...]) -> Any:
    hit = task.hits.get(path)
    line = hit.line if hit else None
    if child.kind == "array":
        return [line] if line else fields.blank(child, task.root)
    good = line and child.kind == "text" and fields.allowed(line, child.schema)
    return line if good else fields.blank(child, task.root)


def _role(task: Task, child: Field, inner: Sequence[Field]) -> Any:
    """Summaries, reasons and confidences are about the whole; other fields are looked up."""
    words = set(name_terms(child.name))
    if not roles.is_role(child) or child.path in task.hits:
        return _build(task, child)
    if child.kind in ("number", "integer") and child.name == "confidence":
        return _confidence(task, child, inner)
    about = bool(words & roles.SUMMARIES)
    said = " ".join(summarise.central(task.text, 2)) if about else _reason(task, inner)
    return said if said and fields.allowed(said, child.schema) else fields.blank(child, task.root)


def _confidence(task: Task, child: Field, inner: Sequence[Field]) -> Any:
    chosen = [
        choosing.chosen(task, one).confidence
        for one in inner
        if one.kind == "enum" and one.path not in task.hits
    ]
    sure = [hit.trust for hit in task.hits.values()]
    level = sum(chosen) / len(chosen) if chosen else sum(sure) / len(sure) if sure else 0.0
    top = child.schema.get("maximum", 1)
    scaled = round(level * top) if child.kind == "integer" else round(level * top, 2)
    return scaled if fields.allowed(scaled, child.schema) else fields.blank(child, task.root)


def _reason(task: Task, inner: Sequence[Field]) -> str:
    """The sentence of the text that holds most of the words that spoke for the choice."""
    clues = {
        clue for one in inner if one.kind == "enum" for clue in choosing.chosen(task, one).clues
    }
    said = sentences(task.text)
    best = max(said, key=lambda line: len(clues & set(terms(line))), default="")
    return (
        f'The text says: "{best[:200]}"' if best and clues else "No word of the text points to it."
    )
