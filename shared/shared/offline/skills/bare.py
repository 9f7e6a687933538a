"""Offers values that have no label: the name in the head, a date beside a place, the currency.

Only where the prompt tells or its examples show that a field's value stands without a label. Left
out: numbers and identifiers, which mean nothing without one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shared.offline.skills import currencies, dates, names, reading
from shared.offline.skills.lines import Line
from shared.offline.skills.marks import Mark
from shared.offline.skills.task import Task
from shared.offline.skills.wanting import Offer, Wanted

_HEAD_TOLD, _HEAD_SHOWN, _BLOCK, _BARE_DATE = 0.7, 0.8, 0.75, 0.62
_TITLE_LINES = 20  # below them a title line with a date is no title
_MOST_BARE = 60  # lines from the top that are searched for a date without a label


def offers(task: Task, want: Wanted, found: Sequence[Sequence[Mark]]) -> Iterator[Offer]:
    field = want.field
    if field.kind == "currency":
        yield from _currency(task, want)
    elif reading.shape(field) == "name":
        yield from _name(task, want, found)
    elif field.kind == "date" and (want.lesson.unlabelled or want.said.unlabelled):
        yield from _bare_date(task, want, found)
    elif field.kind in ("email", "url", "date", "datetime"):
        yield from _only_one(task, want)
    if want.lesson.line is not None and want.lesson.line < len(task.page):
        line = task.page[want.lesson.line]
        value = reading.value(field, line.text, task.how, want.lesson.form)
        if value is not None:
            yield Offer(0.6, want.at, value, line)


def _currency(task: Task, want: Wanted) -> Iterator[Offer]:
    """The currency that is named most often; a code counts as much as five signs."""
    seen: dict[str, list[Line]] = {}
    for line in task.page:
        for one in currencies.currencies(line.text, task.text):
            code = str(one.value)
            seen.setdefault(code, []).extend([line] * (5 if code in line.text else 1))
    if seen:
        code = max(seen, key=lambda code: len(seen[code]))
        yield Offer(0.6, want.at, code, seen[code][-1], shared=True)


def _name(task: Task, want: Wanted, found: Sequence[Sequence[Mark]]) -> Iterator[Offer]:
    shown = want.lesson.roles
    for name in names.find(task.page, found, want.said.without):
        score = 0.0
        if name.role == "head" and (want.said.in_head or "head" in shown[:1]):
            score = _HEAD_SHOWN if "head" in shown else _HEAD_TOLD
        elif name.role == "block" and "block" in shown[:1]:
            score = _BLOCK - 0.05 * name.rank
        if score:
            text, at = names.clean(name.text, task.page) or (name.text, name.line)
            yield Offer(score, want.at, text, task.page[at])


def _bare_date(task: Task, want: Wanted, found: Sequence[Sequence[Mark]]) -> Iterator[Offer]:
    """Dates alone, behind a place or before a time, the first ones first."""
    for at, line in enumerate(task.page[:_MOST_BARE]):
        for one in dates.dates(line.text, task.how):
            cell = next((c for c in line.parts if c.start <= one.start < c.end), line.parts[0])
            before = line.text[cell.start : one.start]
            here = [m for m in found[at] if m.cell == cell and m.start < one.start]
            marked = bool(here)
            titled = marked and here[0].leads and here[0].key.startswith(tuple(task.titles))
            words = len(before.split())
            timed = bool(dates.times(line.text[one.end :]))
            lone = (
                not before.strip()
                or before.rstrip().endswith((",", ", le", " le", ", den", " den"))
                or words <= 1
            )
            if (titled and at < _TITLE_LINES) or (not marked and (lone or timed)):
                yield Offer(_BARE_DATE + 0.05 * timed - 0.001 * at, want.at, one.value, line)


def _only_one(task: Task, want: Wanted) -> Iterator[Offer]:
    """A value that is the only one of its kind in the text."""
    read = [(line, reading.value(want.field, line.text, task.how)) for line in task.page]
    good = [(line, value) for line, value in read if value is not None]
    if len({value for _, value in good}) == 1:
        yield Offer(0.58, want.at, good[0][1], good[0][0])
