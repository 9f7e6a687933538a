"""Reads the rows of tables and lists in a text as objects.

Under heads each cell belongs to the column it stands under, page after page; without heads a row is
a line of words that ends in a number (`listing_rows`). A row of sums ends the table. Left out:
merged cells, and cells that run over several lines but for the first of them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from shared.offline.skills import grids, listing_rows, marks, matching, phrases, reading, values
from shared.offline.skills.dates import Habits
from shared.offline.skills.fields import Field
from shared.offline.skills.folding import mended
from shared.offline.skills.lines import Cell, Line

SUMS = re.compile(
    r"^\W*(?:sub ?-?total|total|sum|tax|vat|gst|sales tax|balance|amount due|change|cash|discount|"
    r"net|gross|paid|tip)\b",
    re.I,
)
NUMERIC = ("number", "integer")
_MOST_GAP = 3  # empty lines inside a table


@dataclass(frozen=True, slots=True)
class Head:
    """The line of heads: its cells, and the field that each of them names, if any."""

    at: int
    cells: tuple[Cell, ...]
    names: tuple[str, ...]


def read(
    page: Sequence[Line], columns: Sequence[Field], how: Habits, sums: Collection[str]
) -> list[tuple[dict[str, Any], Line]]:
    """Rows as values by name, with their lines; `sums` are labels that no row begins with."""
    if not columns:
        return []
    ends = _ends(page, sums)
    found: list[tuple[dict[str, Any], Line]] = []
    for head in _heads(page, columns):
        if not found or page[head.at].start > found[-1][1].start:
            found += _under(page, head, columns, how, ends)
    return found or listing_rows.read(page, columns, how, ends)


def _ends(page: Sequence[Line], sums: Collection[str]) -> set[int]:
    """The lines that begin with the label of a sum."""
    found = marks.find(page, frozenset(sums))
    ends = {at for at, line in enumerate(page) if grids.is_sum(line) or SUMS.match(line.text)}
    for at, line_marks in enumerate(found):
        parts = page[at].parts
        leads = [m for m in line_marks if m.leads and m.cell == parts[0] and m.cover >= 0.5]
        if leads and len(parts) > 1:
            ends.add(at)
    return ends


def _heads(page: Sequence[Line], columns: Sequence[Field]) -> list[Head]:
    """The lines that name as many columns as any line does, at least two."""
    said = [phrases.of(column) for column in columns]
    keys = frozenset(key for one in said for key in one.labels)
    likes = [matching.wanted(column) for column in columns]
    found: list[Head] = []
    seen: dict[str, list[float]] = {}
    for at, line_marks in enumerate(marks.find(page, keys)):
        cells = page[at].parts
        if len(cells) < 2 or page[at].has_digits:
            continue
        names: list[str] = []
        for cell in cells:
            scores = seen.get(cell.text) or [matching.score(like, cell.text) for like in likes]
            seen[cell.text] = scores
            for mark in line_marks:
                if mark.cell == cell:
                    fit = 0.5 + 0.6 * mark.cover
                    told = [one.labels.get(mark.key, 0.0) * fit for one in said]
                    scores = [max(pair) for pair in zip(scores, told, strict=True)]
            free = [
                (score, -place)
                for place, score in enumerate(scores)
                if columns[place].name not in names
            ]
            best, place = max(free, default=(0.0, 0))
            names.append(columns[-place].name if best >= matching.ENOUGH else "")
        if sum(map(bool, names)) > 1:
            found.append(Head(at, cells, tuple(names)))
    most = max((sum(map(bool, head.names)) for head in found), default=0)
    return [head for head in found if sum(map(bool, head.names)) == most]


def _under(
    page: Sequence[Line], head: Head, columns: Sequence[Field], how: Habits, ends: set[int]
) -> list[tuple[dict[str, Any], Line]]:
    found: list[tuple[dict[str, Any], Line]] = []
    texts = [column for column in columns if column.kind not in NUMERIC]
    lead: tuple[str, Line] | None = None  # words whose numbers stand on the next line
    for at in range(head.at + 1, len(page)):
        line = page[at]
        if at in ends or line.number > page[at - 1].number + _MOST_GAP:
            break
        taken = _row(line, head, columns, how)
        words = [c.name for c in texts if c.name in taken]
        numbers = [c.name for c in columns if c.kind in NUMERIC and c.name in taken]
        if words and (numbers or not any(c.kind in NUMERIC for c in columns)):
            found.append((taken, line))
        elif numbers and lead and texts:
            found.append(({texts[0].name: lead[0], **taken}, lead[1]))
        lead = (taken[words[0]], line) if words and not numbers and len(taken) == 1 else None
    return found


def _row(line: Line, head: Head, columns: Sequence[Field], how: Habits) -> dict[str, Any]:
    """The values of a line under heads; of two cells in one column the nearer one counts."""
    by_name = {column.name: column for column in columns}
    best: dict[int, tuple[int, Cell]] = {}
    for cell in line.parts:
        wanted = _is_number(cell.text, how)
        near = sorted(
            (_distance(cell, one) + _wrong(by_name, name, wanted), place)
            for place, (one, name) in enumerate(zip(head.cells, head.names, strict=True))
        )
        distance, place = near[0]
        if place not in best or distance < best[place][0]:
            best[place] = (distance, cell)
    taken: dict[str, Any] = {}
    for place, (distance, cell) in best.items():
        name = head.names[place]
        if not name or distance >= 40:
            continue
        column = by_name[name]
        value = _value(column, cell.text, how)
        if value is not None:
            taken[name] = value
    if not taken:
        return taken
    return taken | _words(best, head, columns) | _rest(best, head, columns, how)


def _words(
    best: dict[int, tuple[int, Cell]], head: Head, columns: Sequence[Field]
) -> dict[str, Any]:
    """Where no head names a column of words: the longest words under a head that nobody names."""
    texts = [column.name for column in columns if column.kind == "text"]
    free = [cell.text.strip() for place, (_, cell) in best.items() if not head.names[place]]
    spoken = [text for text in free if re.search(r"[^\W\d_]{2}", text)]
    if not texts or set(texts) & set(head.names) or not spoken:
        return {}
    return {texts[0]: max(spoken, key=len)}


def _rest(
    best: dict[int, tuple[int, Cell]], head: Head, columns: Sequence[Field], how: Habits
) -> dict[str, Any]:
    """Numbers under heads that no field names, for fields whose labels the prompt does not tell."""
    left = [
        column
        for column in columns
        if column.name not in head.names
        and column.kind in NUMERIC
        and not phrases.of(column).described
    ]
    free = [cell for place, (_, cell) in sorted(best.items()) if not head.names[place]]
    numbers = [cell for cell in free if _is_number(cell.text, how)]
    pairs = zip(reversed(left), reversed(numbers), strict=False)
    read = {column.name: reading.value(column, cell.text, how) for column, cell in pairs}
    return {name: value for name, value in read.items() if value is not None}


def _value(column: Field, text: str, how: Habits) -> Any:
    if column.kind == "text":
        clean = text.strip(" -\u2022*")
        return clean if re.search(r"[^\W\d_]{2}", clean) else None
    return reading.value(column, text, how)


def _is_number(text: str, how: Habits) -> bool:
    return bool(values.numbers(mended(text), how)) and not re.search(r"[^\W\d_]{6}", text)


def _wrong(by_name: dict[str, Field], name: str, number: bool) -> int:
    """Words do not stand in a column of numbers, though numbers may belong to words."""
    if name not in by_name:
        return 0
    numeric = by_name[name].kind in NUMERIC
    return 0 if numeric == number else 30 if numeric else 6


def _distance(one: Cell, other: Cell) -> int:
    if one.start < other.end and other.start < one.end:
        return 0 if one.start == other.start or one.end == other.end else 1
    return min(abs(one.start - other.end), abs(other.start - one.end)) + 1
