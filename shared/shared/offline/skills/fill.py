"""Fills a JSON schema from a text, guided by field names, descriptions, rules and examples.

Scalars come from labels in the text, enums from what is mentioned or by classifying, lists of
objects from tables, an object of a value and its evidence gets the source line word for word. What
was not found is null where the schema allows it, else as empty as it allows. Left out: sums and
other derived values, values spread over several lines, and schemas with `not` or `if`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.messages import Request
from shared.offline.skills import (
    classify,
    documents,
    examples,
    fields,
    lessons,
    lines,
    matching,
    reading,
    rows,
    summarise,
    values,
)  # fmt: skip
from shared.offline.skills.fields import Field, Schema
from shared.offline.skills.mind import Mind
from shared.offline.words import name_terms, sentences, stem, terms, tokens


def _stems(words: str) -> frozenset[str]:
    return frozenset(map(stem, words.split()))


_EVIDENCE = _stems("quote evidence span source snippet excerpt raw citation verbatim")
_REASONS = _stems("reason rationale explanation justification reasoning why")
_SUMMARIES = _stems("summary abstract gist overview")
_VALUES = ("value", "answer", "normalized", "normalised", "result")
_MOST_LABELS, _MOST_LINES = 120, 400  # embedded; searched for a value without a label


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
    how: values.Habits
    shots: list[examples.Example]
    taught: list[lessons.Worked]
    root: Schema
    mind: Mind
    hits: dict[tuple[str, ...], Hit] = field(default_factory=dict)


def reply(request: Request, schema: Schema, mind: Mind) -> str:
    return fields.as_json(fill(request, schema, mind))


def fill(request: Request, schema: Schema, mind: Mind) -> Any:
    text = examples.material(request)
    rules = documents.instructions(request).replace(text, " ")
    page = lines.read(text)
    shots = examples.of(request)
    task = Task(
        text, rules, page, values.habits(text, rules), shots, lessons.worked(shots), schema, mind
    )
    resolved, nullable = fields.resolve(schema, schema)
    top = Field((), resolved, nullable)
    _match(task, list(_leaves(task, top)))
    return _build(task, top)


def _hints(task: Task, names: Sequence[str]) -> dict[str, str]:
    """What lines of the rules say of a field that they name: `- total: the amount to pay`."""
    found: dict[str, str] = {}
    for name in names:
        way = (
            rf"^[^\n]{{0,12}}?[`\"'*]*\b{re.escape(name)}\b[`\"'*]*(?:\s*\([^)\n]*\))?"
            r"\s*(?::|-|=|\u2014|\u2013|is|are)\s*(?P<said>[^\n]+)"
        )
        said = [match["said"] for match in re.finditer(way, task.rules, re.M)]
        found[name] = " ".join(said)[:500]
    return found


def _children(task: Task, one: Field) -> list[Field]:
    names = list(one.schema.get("properties") or {})
    return fields.children(one, task.root, _hints(task, names) if task.rules.strip() else None)


def _leaves(task: Task, one: Field, depth: int = 0) -> Iterator[Field]:
    """Scalar fields outside of lists; in an evidence object only its value, under its own name."""
    if depth > 8 or one.kind in ("array", "null"):
        return
    if one.kind != "object":
        yield one
        return
    inner = _children(task, one)
    worth = _value_child(inner)
    if worth and one.path:
        yield _renamed(worth, one)
        return
    for child in inner:
        if _base(child, inner) is None and not _is_role(child):
            yield from _leaves(task, child, depth + 1)


def _value_child(inner: Sequence[Field]) -> Field | None:
    """The value of an evidence object: it has a child called value and one called quote or so."""
    if not any(_is_evidence(child) for child in inner):
        return None
    return next((child for child in inner if child.name.lower() in _VALUES), None)


def _is_evidence(child: Field) -> bool:
    return bool(_EVIDENCE & set(name_terms(child.name)))


def _renamed(worth: Field, one: Field) -> Field:
    hint = f"{one.description} {worth.hint}".strip()
    return Field(worth.path, worth.schema, worth.nullable, worth.required, hint)


def _base(child: Field, among: Sequence[Field]) -> Field | None:
    """`total` for `total_quote`: the field that this one is the evidence of."""
    head, _, tail = child.name.rpartition("_")
    if head and _EVIDENCE & set(name_terms(tail)):
        return next((other for other in among if other.name == head), None)
    return None


def _is_role(child: Field) -> bool:
    words = set(name_terms(child.name))
    return (
        child.kind == "text" and bool(words & (_REASONS | _SUMMARIES))
    ) or child.name == "confidence"


def _match(task: Task, leaves: Sequence[Field]) -> None:
    """Gives each field its best labelled value; the surest pairs choose first."""
    pairs = lines.candidates(task.page)
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
    if leaf.name.lower() in _VALUES and len(leaf.path) > 1:
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


def _build(task: Task, one: Field) -> Any:
    if one.kind == "object":
        return _object(task, one)
    if one.kind == "array":
        return _list(task, one)
    hit = task.hits.get(one.path)
    if hit is not None:
        return hit.value
    if one.kind == "enum":
        return _chosen(task, one).value
    if one.kind == "boolean":
        return _flag(task, one)
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
    inner = _children(task, one)
    worth = _value_child(inner) if one.path else None
    if worth:
        return _evidence(task, one, worth, inner)
    made: dict[str, Any] = {}
    for child in inner:
        base = _base(child, inner)
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
        elif _is_evidence(child):
            made[child.name] = _quote(task, child, worth.path)
        else:
            made[child.name] = _build(task, child)
    return made


def _position(task: Task, hit: Hit, words: set[str]) -> float | int | None:
    if _stems("confidence score") & words:
        return round(hit.trust, 2)
    if {"start", "offset", "begin"} & words:
        return task.text.find(hit.line, max(0, hit.at))
    if "end" in words:
        return task.text.find(hit.line, max(0, hit.at)) + len(hit.line)
    return task.text.count("\n", 0, hit.at) + 1 if _stems("line row") & words else None


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
    if not _is_role(child) or child.path in task.hits:
        return _build(task, child)
    if child.kind in ("number", "integer") and child.name == "confidence":
        return _confidence(task, child, inner)
    about = bool(words & _SUMMARIES)
    said = " ".join(summarise.central(task.text, 2)) if about else _reason(task, inner)
    return said if said and fields.allowed(said, child.schema) else fields.blank(child, task.root)


def _confidence(task: Task, child: Field, inner: Sequence[Field]) -> Any:
    chosen = [
        _chosen(task, one).confidence
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
    clues = {clue for one in inner if one.kind == "enum" for clue in _chosen(task, one).clues}
    said = sentences(task.text)
    best = max(said, key=lambda line: len(clues & set(terms(line))), default="")
    return (
        f'The text says: "{best[:200]}"' if best and clues else "No word of the text points to it."
    )


def _chosen(task: Task, one: Field) -> classify.Choice:
    options = one.schema.get("enum") or [one.schema.get("const")]
    if len(options) == 1:
        return classify.Choice(options[0], 1.0)
    shots: dict[Any, list[str]] = {}
    for shot in task.shots:
        said = lessons.dig(shot.data, one.path) if isinstance(shot.data, dict) else shot.output
        match = next((o for o in options if str(o).lower() == str(said).strip(" .").lower()), None)
        if match is not None:
            shots.setdefault(match, []).append(shot.input)
    real = [o for o in options if o is not None]
    about = f"{one.description}\n{task.rules}"
    choice = classify.choose(task.text, classify.labels(real, about, shots), task.mind)
    if one.may_be_null and not choice.evidence and None in (*options, None):
        return classify.Choice(None, choice.confidence, (), evidence=False)
    return choice


def _flag(task: Task, one: Field) -> Any:
    """True when the words of the name stand in the text without a negation before them."""
    words = [t for t in name_terms(one.name) if t not in ("is", "has", "are", "ha", "was")]
    said = [token.lower() for token in tokens(task.text)]
    stems = [name_terms(token)[-1] if name_terms(token) else "" for token in said]
    for at in range(len(stems)):
        if words and stems[at : at + len(words)] == words:
            return not {"no", "not", "without", "never", "non"} & set(said[max(0, at - 3) : at])
    return fields.blank(one, task.root)


def _list(task: Task, one: Field) -> Any:
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
    columns = [c for c in _children(task, inner) if c.kind not in ("object", "array")]
    plain = [c for c in columns if not _is_evidence(c)]
    found = rows.read(task.page, plain, task.how, task.taught, one.path)
    made = []
    for taken, line in found:
        item = {}
        for child in _children(task, inner):
            default = (
                line.text.strip()
                if _is_evidence(child) and child.kind == "text"
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
    choice = _chosen(task, Field(one.path, inner.schema, False, hint=one.description))
    return [choice.value] if choice.evidence else []


def _scalars(task: Task, one: Field, inner: Field) -> list[Any]:
    """What stands after the list's label, cut at commas, or in the bullets below it."""
    want = matching.wanted(one, lessons.learn(one, task.taught).labels)
    for pair in lines.candidates(task.page):
        if pair.trust >= 0.9 and matching.score(want, pair.label) >= matching.ENOUGH:
            raw = re.split(r"\s*[;,]\s*", pair.value)
            return [
                v for v in (reading.value(inner, piece, task.how) for piece in raw) if v is not None
            ]
    for at, line in enumerate(task.page):
        if matching.score(want, line.text.strip(" :#*")) >= matching.ENOUGH:
            return [
                v
                for v in (
                    reading.value(inner, raw, task.how) for raw in _bullets(task.page[at + 1 :])
                )
                if v is not None
            ]
    return []


def _bullets(page: Sequence[lines.Line]) -> list[str]:
    found: list[str] = []
    for line in page:
        match = re.match(r"^\s*(?:[-*\u2022]|\d+[.)])\s+(.+)$", line.text)
        if not match:
            break
        found.append(match[1].strip())
    return found
