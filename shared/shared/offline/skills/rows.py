"""Reads the rows of a table or list in a text as objects.

Columns are found by their heads, by what solved examples show, or else by type and order: texts
take texts, numbers take numbers from left to right. Left out: rows that run over several lines,
merged cells, and more than one table of the same form.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.offline.skills import matching, reading, values
from shared.offline.skills.fields import Field
from shared.offline.skills.lessons import Worked, dig
from shared.offline.skills.lines import Line
from shared.offline.words import tokens

_SUMS = re.compile(
    r"^\W*(?:sub ?-?total|total|sum|tax|vat|gst|sales tax|balance|amount due|change|cash|discount|"
    r"shipping|net|gross|paid|tip)\b",
    re.I,
)
_GLUE = re.compile(
    r"(?<!\w)[x@\u00d7*=]+(?!\w)|[$\u20ac\u00a3\u00a5]|(?<=\d)\s*[x\u00d7]\s|^[-*\u2022]\s", re.I
)
_NUMERIC = {"number", "integer"}


@dataclass(frozen=True, slots=True)
class Row:
    """The pieces of one line: cells, or its texts and numbers where there are no cells."""

    line: Line
    cells: tuple[str, ...]


def read(
    page: Sequence[Line],
    columns: Sequence[Field],
    how: values.Habits,
    taught: Sequence[Worked],
    path: Sequence[str],
) -> list[tuple[dict[str, Any], Line]]:
    """Rows as values by name, with their lines; without heads, only if most columns are filled."""
    heads, start = _heads(page, columns)
    rows = _run(page[start:]) if heads else _longest_run(page, how)
    places = _learned(columns, taught, path) if taught else {}
    found: list[tuple[dict[str, Any], Line]] = []
    for row in rows:
        taken = _by_head(row, columns, heads, how) if len(row.cells) == len(heads) else {}
        taken = taken or _by_place(row, columns, places, how) or _by_type(row, columns, how)
        if 2 * len(taken) > len(columns) or (heads and taken):
            found.append((taken, row.line))
    return found


def _pieces(line: Line, how: values.Habits) -> tuple[str, ...]:
    cells = line.cells
    if len(cells) > 2 or (len(cells) == 2 and not _several(cells, how)):
        return tuple(cells)
    text = line.text
    marks = [*values.dates(text, how), *values.numbers(text, how)]
    spans = sorted((mark.start, mark.end) for mark in marks)
    found, at = [], 0
    for start, end in spans:
        found += [_GLUE.sub(" ", text[at:start]).strip(" ,;|\t"), text[start:end].strip()]
        at = end
    found.append(_GLUE.sub(" ", text[at:]).strip(" ,;|\t"))
    return tuple(piece for piece in found if any(map(str.isalnum, piece)) and not _bare_sign(piece))


def _several(cells: Sequence[str], how: values.Habits) -> bool:
    return any(len(values.numbers(cell, how)) > 1 for cell in cells)


def _bare_sign(piece: str) -> bool:
    return (
        not any(map(str.isdigit, piece)) and bool(list(values.currencies(piece))) and len(piece) < 4
    )


def _heads(page: Sequence[Line], columns: Sequence[Field]) -> tuple[list[str], int]:
    """The names of the columns by position, found on the line that names most of them."""
    wants = [matching.wanted(column) for column in columns]
    best: tuple[int, list[str], int] = (1, [], 0)
    seen: dict[str, list[float]] = {}
    for at, line in enumerate(page):
        cells = line.cells
        if len(cells) < 2 or any(ch.isdigit() for ch in line.text):
            continue
        names: list[str] = []
        for cell in cells:
            scores = seen.get(cell) or [matching.score(want, cell) for want in wants]
            seen[cell] = scores
            free = [
                (n, w.field.name)
                for n, w in zip(scores, wants, strict=True)
                if w.field.name not in names
            ]
            top = max(free, default=(0.0, ""))
            names.append(top[1] if top[0] >= matching.ENOUGH else "")
        hits = sum(map(bool, names))
        if hits > best[0]:
            best = (hits, names, at + 1)
    return best[1], best[2]


def _is_row(line: Line, how: values.Habits) -> bool:
    has_words = any(len(token) > 1 and token[0].isalpha() for token in tokens(line.text))
    labelled = re.match(r"^[^\d:]{1,40}:\s", line.text) is not None
    return (
        has_words
        and bool(values.numbers(line.text, how))
        and not _SUMS.match(line.text)
        and not labelled
    )


def _run(page: Sequence[Line]) -> list[Row]:
    """The lines under the heads until a sum or a line without cells."""
    found: list[Row] = []
    for line in page:
        if _SUMS.match(line.text) or len(line.cells) < 2:
            break
        found.append(Row(line, tuple(line.cells)))
    return found


def _longest_run(page: Sequence[Line], how: values.Habits) -> list[Row]:
    best: list[Line] = []
    run: list[Line] = []
    for line in page:
        if not _is_row(line, how):
            run = []
        elif run and line.number <= run[-1].number + 2:
            run.append(line)
        else:
            run = [line]
        if run is not best and (len(run), _money(run[:20])) > (len(best), _money(best[:20])):
            best = run
    return [Row(line, _pieces(line, how)) for line in best]


def _money(run: Sequence[Line]) -> int:
    return sum(bool(re.search(r"\d[.,]\d\d(?!\d)", line.text)) for line in run)


def _by_head(
    row: Row, columns: Sequence[Field], heads: Sequence[str], how: values.Habits
) -> dict[str, Any]:
    """Cells under heads that were understood; the other cells by type to the other columns."""
    by_name = {column.name: column for column in columns}
    found = {}
    for head, cell in zip(heads, row.cells, strict=True):
        value = reading.value(by_name[head], cell, how) if head else None
        if value is not None:
            found[head] = value
    rest = tuple(cell for head, cell in zip(heads, row.cells, strict=True) if not head)
    left = [column for column in columns if column.name not in heads]
    return {**_by_type(Row(row.line, rest), left, how), **found} if found else {}


def _learned(
    columns: Sequence[Field], taught: Sequence[Worked], path: Sequence[str]
) -> dict[str, tuple[int, int]]:
    """For each column its commonest (number of pieces, position), as the examples show it."""
    seen: dict[str, Counter[tuple[int, int]]] = {column.name: Counter() for column in columns}
    for example in taught:
        expected = dig(example.data, path)
        lines = [_pieces(line, example.how) for line in example.page]
        for item in expected if isinstance(expected, list) else []:
            for column in columns if isinstance(item, dict) else []:
                for pieces in lines:
                    for at, piece in enumerate(pieces):
                        if (
                            item.get(column.name)
                            in reading.forms(column, piece, example.how).values()
                        ):
                            seen[column.name][len(pieces), at] += 1
    return {name: counts.most_common(1)[0][0] for name, counts in seen.items() if counts}


def _by_place(
    row: Row, columns: Sequence[Field], places: Mapping[str, tuple[int, int]], how: values.Habits
) -> dict[str, Any]:
    if not places or any(size != len(row.cells) for size, _ in places.values()):
        return {}
    found = {
        c.name: reading.value(c, row.cells[places[c.name][1]], how)
        for c in columns
        if c.name in places
    }
    return {name: value for name, value in found.items() if value is not None}


def _by_type(row: Row, columns: Sequence[Field], how: values.Habits) -> dict[str, Any]:
    """Columns in the order of the schema take the first free piece of their type."""
    free = list(row.cells)
    found: dict[str, Any] = {}
    numeric = [c for c in columns if c.kind in _NUMERIC]
    pieces = [p for p in free if values.numbers(p, how) and not re.search(r"[A-Za-z]{3}", p)]
    for column, piece in _aligned(numeric, pieces, how):
        value = reading.value(column, piece, how)
        if value is not None and piece in free:
            found[column.name] = value
            free.remove(piece)
    for column in (c for c in columns if c.kind not in _NUMERIC):
        for piece in free:
            value = reading.value(column, piece, how)
            if value is not None and (column.kind != "text" or any(map(str.isalpha, piece))):
                found[column.name] = value
                free.remove(piece)
                break
    return found


def _aligned(
    numeric: Sequence[Field], pieces: Sequence[str], how: values.Habits
) -> list[tuple[Field, str]]:
    """Numbers for fields from the left; the last field takes the last number.

    A field that must be whole never takes a fraction.
    """
    wholes = [c for c in numeric if c.kind == "integer"]
    pairs: list[tuple[Field, str]] = []
    rest = list(pieces)
    for column in wholes:
        piece = next(
            (
                p
                for p in rest
                if float(values.numbers(p, how)[0].value).is_integer()
                and not re.search(r"[.,]\d\d$", p)
            ),
            None,
        )
        if piece is not None:
            pairs.append((column, piece))
            rest.remove(piece)
    others = [c for c in numeric if c.kind != "integer"]
    if len(rest) >= len(others):
        chosen = [*rest[: len(others) - 1], rest[-1]] if others else []
        return pairs + list(zip(others, chosen, strict=True))
    return pairs + list(zip(others[len(others) - len(rest) :], rest, strict=True))
