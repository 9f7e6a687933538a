"""Writes one SELECT for a question, when the tables are known and can answer it; else nothing.

Joins follow references, on the shortest way. Left out: what `sql_read` leaves out, sub-queries, and
a sum over rows that a join would repeat.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence

from shared.offline.skills import sql_read
from shared.offline.skills.schema_text import Table
from shared.offline.skills.sql_question import Asked, Filter

Edge = tuple[str, str]  # the other table, and the condition that joins it


def select(question: str, tables: Sequence[Table], before: str = "") -> str | None:
    """The statement, or None when the question is not one for these tables.

    `before` is the question that came before, whose rows are meant when this one names none.
    """
    if not tables:
        return None
    reader = sql_read.Reader(question, tables, before)
    asked = reader.read()
    if asked.main is None or asked.understood < sql_read.ENOUGH:
        return None
    wanted = _wanted(asked, reader)
    if wanted is None:
        return None
    columns, tail = wanted
    asked.filters = [_nearer(one, asked) for one in asked.filters]
    base = _base(asked)
    joined = _joined(base, _needed(asked, columns), tables, multiplies=_adds_up(asked))
    if joined is None:
        return None
    where = [_condition(one) for one in _kept(asked)]
    text = f"SELECT {', '.join(columns)} FROM {joined}"  # noqa: S608 - it is what a model writes
    if where:
        text += " WHERE " + " AND ".join(where)
    return text + tail


def _wanted(asked: Asked, reader: sql_read.Reader) -> tuple[list[str], str] | None:
    """What is selected, and what follows the conditions."""
    assert asked.main is not None
    limit = f" LIMIT {asked.limit}" if asked.limit else ""
    if asked.measure == "share":
        flags = [one for one in asked.filters if one.column.table == asked.main.name]
        if not flags:
            return None
        condition = " AND ".join(map(_condition, flags))
        return [f"round(100.0 * sum({condition}) / count(*), 2) AS percentage"], ""
    aggregate = _aggregate(asked)
    if asked.group is not None and (aggregate or asked.order):
        same = asked.target is not None and asked.target.table == asked.group.table
        if asked.order and same and not asked.measure:  # the row with the highest value
            return _extreme(asked, [str(asked.group)], limit)
        measure = aggregate or f"count(*) AS number_of_{asked.main.name}"
        if asked.target is not None and not aggregate:
            bare = asked.target.name.removeprefix("total_")
            measure = f"round(sum({asked.target}), 4) AS total_{bare}"
        order = f" ORDER BY 2 {asked.order}{limit}" if asked.order else " ORDER BY 1"
        return [str(asked.group), measure], f" GROUP BY {asked.group}{order}"
    if asked.order and asked.target is not None and not asked.measure:
        label = reader.label(asked.main)
        return _extreme(asked, [str(label)] if label else [], limit)
    if aggregate:
        return [aggregate], ""
    return _looked_up(asked, reader)


def _extreme(asked: Asked, columns: list[str], limit: str) -> tuple[list[str], str]:
    named = [*columns, *([str(asked.target)] if str(asked.target) not in columns else [])]
    return named, f" ORDER BY {asked.target} {asked.order}{limit}"


def _aggregate(asked: Asked) -> str:
    assert asked.main is not None
    if asked.measure == "count":
        return f"count(*) AS number_of_{asked.main.name}"
    if asked.measure in ("sum", "avg") and asked.target is not None:
        name = {"sum": "total", "avg": "average"}[asked.measure]
        bare = asked.target.name.removeprefix("total_")
        plain = f"{asked.measure}({asked.target})"
        exact = asked.target.whole and asked.measure == "sum"
        return f"{plain if exact else f'round({plain}, 4)'} AS {name}_{bare}"
    return ""


def _looked_up(asked: Asked, reader: sql_read.Reader) -> tuple[list[str], str] | None:
    """A column of certain rows, or a list of rows; the rows must be told by a condition."""
    assert asked.main is not None
    listing = re.match(
        r"\W*(?:please )?(?:list|show|which|what are|name|give|find)", reader.text, re.I
    )
    if asked.target is not None and asked.filters:
        label = reader.label(asked.main)
        plain = [one for one in asked.filters if one.op == "="]
        named = [str(label)] if label and label != asked.target and not plain else []
        return [*named, str(asked.target)], " LIMIT 20"
    if listing and (asked.filters or asked.understood > 0.8):
        label = reader.label(asked.main)
        return [str(asked.target or label)], " LIMIT 50"
    return None


def _base(asked: Asked) -> str:
    """The table whose rows are added up; it comes first so that no join repeats them."""
    assert asked.main is not None
    if asked.target is not None and (asked.measure in ("sum", "avg") or asked.order):
        return asked.target.table
    return asked.main.name


def _adds_up(asked: Asked) -> bool:
    return asked.measure in ("sum", "avg", "count", "share") or asked.group is not None


def _needed(asked: Asked, columns: Sequence[str]) -> list[str]:
    named = [column for text in columns for column in re.findall(r"\b([A-Za-z_]\w*)\.\w+", text)]
    kept = [one.column.table for one in _kept(asked)]
    main = [asked.main.name] if asked.main and not named else []
    return list(dict.fromkeys([*main, *named, *kept]))


def _nearer(one: Filter, asked: Asked) -> Filter:
    """The same value in a column of the table that is read anyway."""
    base = asked.target.table if asked.target else asked.main.name if asked.main else ""
    there = asked.main.columns if asked.main and asked.main.name == base else ()
    same = next((c for c in there if one.value in c.values and one.column.table != base), None)
    return Filter(same, one.op, one.value) if same else one


def _kept(asked: Asked) -> list[Filter]:
    if asked.measure != "share":
        return asked.filters
    assert asked.main is not None
    return [one for one in asked.filters if one.column.table != asked.main.name]


def _joined(
    base: str, needed: Sequence[str], tables: Sequence[Table], *, multiplies: bool
) -> str | None:
    """`base` with every other table joined; None when there is no way, or one that repeats rows."""
    edges = _edges(tables)
    text, here = base, {base}
    for name in needed:
        way = _way(here, name, edges)
        if way is None:
            return None
        for start, other, condition, down in way:
            if down and multiplies and start == base:
                return None
            if other not in here:
                text += f" JOIN {other} ON {condition}"
                here.add(other)
    return text


def _edges(tables: Sequence[Table]) -> dict[str, list[tuple[str, str, bool]]]:
    """Neighbours of each table; True where one row here has many there."""
    names = {table.name for table in tables}
    edges: dict[str, list[tuple[str, str, bool]]] = {name: [] for name in names}
    for column in (column for table in tables for column in table.columns):
        if column.points and column.points[0] in names:
            other, key = column.points
            condition = f"{column} = {other}.{key}"
            edges[column.table].append((other, condition, False))
            edges[other].append((column.table, condition, True))
    return edges


def _way(
    here: set[str], name: str, edges: dict[str, list[tuple[str, str, bool]]]
) -> list[tuple[str, str, str, bool]] | None:
    waiting = deque([(one, list[tuple[str, str, str, bool]]()) for one in sorted(here)])
    seen = set(here)
    while waiting:
        at, way = waiting.popleft()
        if at == name:
            return way
        for other, condition, down in edges.get(at, ()):
            if other not in seen:
                seen.add(other)
                waiting.append((other, [*way, (at, other, condition, down)]))
    return None


def _condition(one: Filter) -> str:
    value = one.value
    if isinstance(value, str):
        literal = "'" + value.replace("'", "''") + "'"
        exact = value in one.column.values or one.op != "="
        return f"{one.column} {one.op} {literal}" + ("" if exact else " COLLATE NOCASE")
    number = int(value) if value == int(value) else value
    return f"{one.column} {one.op} {number}"
