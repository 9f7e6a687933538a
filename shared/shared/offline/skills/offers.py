"""What the text offers for each field, with a score: values behind labels, and without a label.

Labels come from the prompt (`phrases`), from solved examples (`lessons`) and, last, from likeness
(`matching`: words, or meaning for the large model). Left out: values that must be worked out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shared.offline.skills import (
    bare,
    fields,
    grids,
    lessons,
    lines,
    marks,
    matching,
    names,
    phrases,
    reading,
)
from shared.offline.skills.fields import Field
from shared.offline.skills.folding import key
from shared.offline.skills.marks import Mark, Place
from shared.offline.skills.task import Task
from shared.offline.skills.wanting import Offer, Wanted, read, signed
from shared.offline.words import name_terms

_MOST_LABELS = 120  # embedded
_LIKENESS = 0.9
_DENIED = 0.35
_LONGER = 0.004  # a letter: of two labels that fit, the longer one says more


def made(task: Task, leaves: Sequence[Field]) -> Iterator[Offer]:
    wants = []
    for at, leaf in enumerate(leaves):
        lesson = lessons.learn(_as_given(leaf), task.taught)
        wants.append(Wanted(at, leaf, phrases.of(leaf, lesson.labels), lesson))
        if leaf.kind == "number":
            task.sums.update(wants[-1].said.labels)
    labels = [label for want in wants for label in want.said.labels]
    titles = [p for leaf in leaves for told in phrases.titles(leaf).values() for p in told]
    labels += [label for column in _columns(task) for label in phrases.of(column).labels]
    task.titles.update(key(title) for title in titles)
    keys = frozenset(labels) | task.titles
    found = marks.find(task.page, keys)
    for want in wants:
        if want.field.kind != "enum" or not phrases.titles(want.field):
            yield from _labelled(task, want, found)
        yield from bare.offers(task, want, found)
    yield from _alike(task, wants)


def _columns(task: Task) -> Iterator[Field]:
    """Fields of the rows of lists: their labels are heads of columns and nothing else's value."""
    schema, _ = fields.resolve(task.root, task.root)
    for one in fields.children(Field((), schema, False), task.root):
        if one.kind == "array":
            yield from fields.children(fields.item(one, task.root), task.root)


def _as_given(leaf: Field) -> Field:
    """An evidence object was renamed to its own name: examples hold its value one step deeper."""
    return (
        leaf
        if leaf.shown is None
        else Field(leaf.shown, leaf.schema, leaf.nullable, hint=leaf.hint)
    )


def _labelled(task: Task, want: Wanted, found: Sequence[Sequence[Mark]]) -> Iterator[Offer]:
    for line_marks in found:
        for mark in line_marks:
            weight = want.said.labels.get(mark.key)
            if weight is None:
                continue
            score = weight * (0.5 + 0.5 * mark.cover) - (0.0 if mark.leads else 0.12)
            score += _LONGER * min(len(mark.key), 20)
            if want.said.against & mark.beside:
                score *= _DENIED
            find = _number if reading.is_money(want.field) else _other
            offer = find(task, want, mark, score, found)
            if offer:
                yield offer


def _other(
    task: Task, want: Wanted, mark: Mark, score: float, found: Sequence[Sequence[Mark]]
) -> Offer | None:
    around = [marks.before(mark, task.page)] if reading.shape(want.field) == "id" else []
    for place in (*marks.places(mark, task.page, found), *filter(None, around)):
        if place.how != "behind" and _is_label(task, found, place):
            continue
        if (
            place.how == "right"
            and reading.shape(want.field) == "name"
            and _heads(task, mark, place)
        ):
            continue
        value = read(task, want, _raw(task, place))
        if value is not None:
            if (
                want.field.kind == "text"
                and reading.shape(want.field) == ""
                and place.how == "behind"
                and place.trust < 1.05
            ):
                score -= 0.1
            return Offer(score * place.trust, want.at, value, task.page[place.line])
    return None


def _number(
    task: Task, want: Wanted, mark: Mark, score: float, found: Sequence[Sequence[Mark]]
) -> Offer | None:
    line = task.page[mark.line]
    nexts = [
        m.start
        for m in found[mark.line]
        if _has_number(line.text[m.end :]) and _has_number(line.text[mark.end : m.start])
    ]
    raw = line.text[mark.end : min(nexts, default=len(line.text))]
    grid = grids.under(task.page, mark, task.how)
    if grid and not _has_number(raw):
        value, row = grid
        return Offer(score * 0.85, want.at, signed(want, value), task.page[row])
    in_grid = grids.in_sums(task.page, mark, task.how)
    if in_grid:
        return None
    amount = reading.money(raw, task.how)
    if amount is None:
        return None
    value, sure = amount
    return Offer(score * (0.55 + 0.45 * sure), want.at, signed(want, value), line)


def _has_number(text: str) -> bool:
    return any(map(str.isdigit, text))


def _raw(task: Task, place: Place) -> str:
    return task.page[place.line].text[place.start : place.end]


def _is_label(task: Task, found: Sequence[Sequence[Mark]], place: Place) -> bool:
    if _raw(task, place).rstrip().endswith(":"):
        return True
    return any(m.start <= place.start + 1 < m.end and m.cover > 0.6 for m in found[place.line])


def _heads(task: Task, mark: Mark, place: Place) -> bool:
    """Whether the label and the cell to its right are heads of two columns of names."""
    if mark.line + 1 >= len(task.page) or task.page[mark.line].text[
        mark.end : mark.end + 2
    ].strip().startswith(":"):
        return False
    below = task.page[mark.line + 1]
    right = lines.Cell(_raw(task, place), place.start, place.end)
    mine, other = marks.under(mark.cell, below), marks.under(right, below)
    if (
        mine is None
        or other is None
        or mine == other
        or below.number > task.page[mark.line].number + 1
    ):
        return False
    return names.LEGAL.search(right.text) is None and ":" not in mine.text


def _alike(task: Task, wants: Sequence[Wanted]) -> Iterator[Offer]:
    """Values behind labels that are like a field's name; by words, or by meaning."""
    open_wants = [
        want
        for want in wants
        if not want.said.described and want.field.kind not in ("enum", "currency")
    ]
    likes = [matching.wanted(want.field, want.lesson.labels) for want in open_wants]
    labels = list(dict.fromkeys(p.label for p in task.pairs if 2 < len(p.label) <= 40))
    near = matching.meanings(likes, labels[:_MOST_LABELS], task.mind)
    by_line = {line.start: line for line in task.page}
    for at, (want, like) in enumerate(zip(open_wants, likes, strict=True)):
        known: dict[str, float] = {}
        for pair in task.pairs:
            if pair.label not in known:
                known[pair.label] = max(
                    matching.score(like, pair.label),
                    near.get((at, pair.label), 0.0),
                )
            score = known[pair.label] * pair.trust
            if score < matching.ENOUGH:
                continue
            if want.said.against & frozenset(name_terms(pair.label)):
                score *= _DENIED
            value = read(task, want, pair.value)
            if value is not None:
                yield Offer(score * _LIKENESS + 0.1, want.at, value, by_line[pair.at])
