"""Reads the tables of a database from text: CREATE TABLE statements, JSON, or `table(a, b, c)`.

Left out: views, schemas with a dot, and foreign keys that neither REFERENCES nor a name such as
`customer_id` shows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from shared.offline.words import name_terms

Kind = Literal["number", "text", "date", "any"]
_CREATE = re.compile(r"CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?[\"`\[]?(\w+)[\"`\]]?\s*\(", re.I)
_LISTED = re.compile(
    r"^[\s\-*•]*(?:table\s+)?[\"`]?(\w+)[\"`]?\s*(?:\(([^()]+)\)|:\s*(.+))\s*$", re.I | re.M
)
_REFERENCES = re.compile(r"REFERENCES\s+[\"`]?(\w+)[\"`]?\s*(?:\(\s*[\"`]?(\w+))?", re.I)
_FOREIGN = re.compile(r"FOREIGN\s+KEY\s*\(\s*[\"`]?(\w+)[\"`]?\s*\)\s*" + _REFERENCES.pattern, re.I)
_NO_COLUMN = re.compile(r"^(?:PRIMARY|FOREIGN|UNIQUE|CHECK|CONSTRAINT|KEY|INDEX)\b", re.I)
_NUMBER = re.compile(r"INT|REAL|FLOA|DOUB|NUM|DEC|MONEY", re.I)
_DATE = re.compile(r"DATE|TIME|YYYY", re.I)
_DATED_NAME = re.compile(r"(?:^|_)(?:date|day|time|on|at|since|timestamp)$", re.I)


@dataclass(frozen=True, slots=True)
class Column:
    table: str
    name: str
    kind: Kind
    about: str = ""
    values: tuple[str, ...] = ()
    points: tuple[str, str] | None = None  # table and column that it refers to
    whole: bool = False  # only whole numbers
    words: frozenset[str] = field(default=frozenset())

    def __str__(self) -> str:
        return f"{self.table}.{self.name}"


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    columns: tuple[Column, ...]

    @property
    def words(self) -> frozenset[str]:
        return frozenset(name_terms(self.name))


def tables(text: str) -> list[Table]:
    """All tables that `text` describes; a later description of a table replaces an earlier one."""
    found: dict[str, Table] = {}
    for data in _parsed(text):
        for table in _from_json(data):
            found[table.name] = table
    if not found:
        for table in (*_from_lists(text), *_from_sql(text, {})):
            found[table.name] = table
    return _linked(list(found.values()))


def _parsed(text: str) -> Iterator[Any]:
    for start in (at for at in (text.find("{"), text.find("[")) if at >= 0):
        try:
            yield json.JSONDecoder().raw_decode(text[start:])[0]
            return
        except ValueError:
            continue


def _from_json(data: Any) -> Iterator[Table]:
    if isinstance(data, list):
        for one in data:
            yield from _from_json(one)
    elif isinstance(data, Mapping):
        name = next((data[k] for k in ("name", "table", "table_name") if k in data), None)
        sql = next((data[k] for k in ("sql", "ddl", "create") if isinstance(data.get(k), str)), "")
        if isinstance(name, str) and isinstance(data.get("columns"), list | Mapping):
            yield Table(name, tuple(_columns(name, data["columns"])))
        elif sql:
            values = data.get("values")
            yield from _from_sql(sql, values if isinstance(values, Mapping) else {})
        else:
            for key, one in data.items():
                if isinstance(one, str) and _CREATE.search(one):
                    yield from _from_sql(one, {})
                elif _is_columns(one) and key not in ("rows", "values", "columns"):
                    yield Table(key, tuple(_columns(key, one)))
                else:
                    yield from _from_json(one)


def _is_columns(data: Any) -> bool:
    if isinstance(data, Mapping):
        return bool(data) and all(isinstance(v, str) for v in data.values())
    return isinstance(data, list) and bool(data) and all(isinstance(one, str) for one in data)


def _columns(table: str, data: Any) -> Iterator[Column]:
    pairs = data.items() if isinstance(data, Mapping) else ((one, "") for one in data)
    for one, kind in pairs:
        if isinstance(one, Mapping):
            name = next((str(one[k]) for k in ("name", "column", "column_name") if k in one), "")
            said = " ".join(str(one[k]) for k in ("type", "data_type") if k in one)
            about = " ".join(str(one[k]) for k in ("description", "comment", "about") if k in one)
            few = one.get("values") or one.get("enum") or one.get("examples") or ()
            yield _column(table, name, f"{said} {about}", about, few)
        else:
            name, _, said = str(one).strip().partition(" ")
            yield _column(table, name.strip('"`'), f"{said} {kind}", "", ())


def _from_lists(text: str) -> Iterator[Table]:
    for match in _LISTED.finditer(text):
        names = [part.strip() for part in (match[2] or match[3]).split(",")]
        if len(names) > 1 and all(
            re.fullmatch(r"[\"`]?\w+[\"`]?(?:\s+[\w()]+)*", n) for n in names
        ):
            yield Table(match[1], tuple(_columns(match[1], names)))


def _from_sql(text: str, values: Mapping[str, Any]) -> Iterator[Table]:
    for match in _CREATE.finditer(text):
        name, body = match[1], _inside(text, match.end())
        points = {m[1]: (m[2], m[3] or "id") for m in _FOREIGN.finditer(body)}
        columns = []
        for part, note in _parts(body):
            if not part or _NO_COLUMN.match(part):
                continue
            column = part.split()[0].strip('"`[]')
            link = _REFERENCES.search(part)
            made = _column(
                name, column, f"{part[len(column) :]} {note}", note, values.get(column, ())
            )
            to = (link[1], link[2] or "id") if link else points.get(column)
            columns.append(replace(made, points=to))
        yield Table(name, tuple(columns))


def _inside(text: str, start: int) -> str:
    depth = 1
    for at in range(start, len(text)):
        depth += (text[at] == "(") - (text[at] == ")")
        if depth == 0:
            return text[start:at]
    return text[start:]


def _parts(body: str) -> Iterator[tuple[str, str]]:
    """(definition, comment behind it); a comma inside brackets or a comment parts nothing."""
    notes: list[str] = []

    def keep(match: re.Match[str]) -> str:
        notes.append(match[1].strip())
        return f"\x00{len(notes) - 1}\x00"

    marked = re.sub(r"--([^\n]*)", keep, body)
    marked = re.sub(r",(\s*\x00\d+\x00)", r"\1,", marked)  # the comment stands behind the comma
    depth, start, pieces = 0, 0, []
    for at, sign in enumerate(marked + ","):
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            pieces.append(marked[start:at])
            start = at + 1
    for piece in pieces:
        told = " ".join(notes[int(n)] for n in re.findall(r"\x00(\d+)\x00", piece))
        yield " ".join(re.sub(r"\x00\d+\x00", " ", piece).split()), told


def _column(table: str, name: str, said: str, about: str, values: Any) -> Column:
    dated = _DATE.search(said) or (_DATED_NAME.search(name) and not _NUMBER.search(said))
    typed: Kind = "number" if _NUMBER.search(said) else "text" if said.strip() else "any"
    kind: Kind = "date" if dated else typed
    few = tuple(map(str, values)) if isinstance(values, Sequence) else ()
    whole = kind == "number" and re.search(r"INT", said, re.I) is not None
    return Column(table, name, kind, about, few, None, whole, frozenset(name_terms(name)))


def _linked(found: list[Table]) -> list[Table]:
    """Adds what names alone show: `customer_id` refers to the `id` of `customers`."""
    by_words = {table.words: table for table in found}
    linked = []
    for table in found:
        columns = []
        for one in table.columns:
            column = one
            head = column.name.removesuffix("_id")
            other = by_words.get(frozenset(name_terms(head))) if head != column.name else None
            if column.points is None and other is not None and other.name != table.name:
                keys = [c.name for c in other.columns if c.name in ("id", column.name)]
                column = replace(column, points=(other.name, keys[0])) if keys else column
            columns.append(column)
        linked.append(Table(table.name, tuple(columns)))
    return linked
