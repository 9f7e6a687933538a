"""SQL over a SQLite file that cannot be changed: the engine refuses, not a look at the text.

The file is opened read-only, an authorizer lets through reading and harmless functions, `execute`
takes one statement, a progress handler ends what runs too long, and limits bound rows, values and
the statement. Left out: other databases; on PostgreSQL the same is a role with SELECT only, a
read-only transaction and statement_timeout.
"""

from __future__ import annotations

import asyncio
import difflib
import math
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stage4_agent.contract import Arguments, Tool, ToolFailure

HOLDS = "customers, products with prices and stock, orders and their items, model calls and prices"
ROWS, SECONDS = 50, 3.0
LONGEST_SQL, LONGEST_VALUE, LONGEST_CELL = 4_000, 100_000, 400
MEMORY = 128 * 1024 * 1024  # bytes, of all of SQLite in this process: it knows no smaller unit
STEPS = 2_000  # of SQLite's machine between two looks at the clock
FEW = 12  # values of a column that are listed
READS = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
}
REFUSED_FUNCTIONS = {"load_extension", "fts3_tokenizer", "readfile", "writefile", "edit"}


def sql_tools(file: Path) -> tuple[Tool, Tool]:
    """`sql_schema` and `sql_query` over the SQLite file `file`."""

    async def schema(_given: Arguments, _key: str) -> dict[str, Any]:
        return await asyncio.to_thread(described, file)

    async def query(given: Arguments, _key: str) -> dict[str, Any]:
        return await asyncio.to_thread(queried, file, given["query"])

    return (
        Tool(
            name="sql_schema",
            description="Lists the tables, columns and common values of the shop's database: "
            f"{HOLDS}.",
            parameters={"type": "object", "properties": {}, "required": []},
            returns=SCHEMA_FORM,
            run=schema,
            max_chars=8_000,
        ),
        Tool(
            name="sql_query",
            description="Runs one read-only SQL SELECT statement (SQLite) on the shop's database: "
            f"{HOLDS}. Gives {ROWS} rows at most. Ask sql_schema for the tables first.",
            parameters={
                "type": "object",
                "properties": {
                    "query": {
                        "type": "string",
                        "minLength": 1,
                        "maxLength": LONGEST_SQL,
                        "description": "one SELECT statement in SQL",
                    }
                },
                "required": ["query"],
            },
            returns=ROWS_FORM,
            run=query,
            deadline_s=SECONDS + 2,
        ),
    )


ROWS_FORM = {
    "type": "object",
    "properties": {
        "columns": {"type": "array", "items": {"type": "string"}},
        "rows": {
            "type": "array",
            "items": {"type": "array", "items": {"type": ["string", "number", "null"]}},
        },
        "more": {"type": "boolean", "description": "there are more rows than are shown"},
    },
    "required": ["columns", "rows", "more"],
    "additionalProperties": False,
}
SCHEMA_FORM = {
    "type": "object",
    "properties": {
        "tables": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "rows": {"type": "integer"},
                    "sql": {"type": "string"},
                    "values": {
                        "type": "object",
                        "additionalProperties": {"type": "array"},
                    },
                },
                "required": ["name", "rows", "sql", "values"],
            },
        }
    },
    "required": ["tables"],
}


def queried(file: Path, statement: str) -> dict[str, Any]:
    """Columns and rows of one SELECT; `ToolFailure` with the engine's own reason."""
    with _reader(file) as db:
        db.set_authorizer(_authorize)
        try:
            cursor = db.execute(statement)
            if cursor.description is None:
                raise ToolFailure("that is no SELECT statement: this database can only be read")
            rows = cursor.fetchmany(ROWS + 1)
        except MemoryError:
            raise ToolFailure("the query needs too much memory: narrow it") from None
        except (sqlite3.Error, sqlite3.Warning, OverflowError, ValueError) as error:
            raise ToolFailure(_reason(db, error)) from None
        columns = [name for name, *_ in cursor.description]
        shown = [[_cell(value) for value in row] for row in rows[:ROWS]]
        return {"columns": columns, "rows": shown, "more": len(rows) > ROWS}


def described(file: Path) -> dict[str, Any]:
    with _reader(file) as db:
        found = db.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        )
        return {"tables": [_table(db, name, text) for name, text in found.fetchall()]}


def _table(db: sqlite3.Connection, name: str, text: str) -> dict[str, Any]:
    columns = db.execute("SELECT name, type FROM pragma_table_info(?)", (name,)).fetchall()
    values = {}
    for column, kind in columns:
        if kind.upper() == "TEXT":
            few = f'SELECT DISTINCT "{column}" FROM "{name}" ORDER BY 1 LIMIT {FEW + 1}'  # noqa: S608
            listed = [_cell(value) for (value,) in db.execute(few)]
            if len(listed) <= FEW:
                values[column] = listed
    (rows,) = db.execute(f'SELECT count(*) FROM "{name}"').fetchone()  # noqa: S608
    return {"name": name, "rows": rows, "sql": text, "values": values}


@contextmanager
def _reader(file: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection for a limited time; a stranger's statement also needs `_authorize`."""
    if not file.is_file():
        raise ToolFailure("the database is not there: say that it could not be read")
    db = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
    try:
        db.execute("PRAGMA temp_store = MEMORY")
        db.execute(f"PRAGMA hard_heap_limit = {MEMORY}")
        db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)
        db.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, LONGEST_SQL)
        db.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        db.setlimit(sqlite3.SQLITE_LIMIT_EXPR_DEPTH, 200)
        end = time.monotonic() + SECONDS
        db.set_progress_handler(lambda: time.monotonic() > end, STEPS)
        yield db
    except sqlite3.Error as error:
        raise ToolFailure(f"the database cannot be read: {error}") from None
    finally:
        db.close()


def _authorize(
    action: int, _first: str | None, second: str | None, _database: str | None, _trigger: str | None
) -> int:
    if action not in READS:
        return sqlite3.SQLITE_DENY
    refused = action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in REFUSED_FUNCTIONS
    return sqlite3.SQLITE_DENY if refused else sqlite3.SQLITE_OK


def _reason(db: sqlite3.Connection, error: Exception) -> str:
    """The engine's sentence, and what is there instead of what was asked for."""
    said = str(error)
    if said == "interrupted":
        return f"the query ran longer than {SECONDS:g} s and was stopped: narrow it"
    if "not authorized" in said or "prohibited" in said:
        return f"refused by the database ({said}): it can only be read, with one SELECT"
    db.set_authorizer(None)  # from here on the statements are ours
    missing = re.search(r"no such (table|column): (?:\w+\.)?(\w+)", said)
    if not missing:
        return f"SQL error: {said}"
    names = _names(db, missing[1])
    near = difflib.get_close_matches(missing[2], names, n=3, cutoff=0.5)
    hint = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(names)}"
    return f"SQL error: {said}: {hint}"


def _names(db: sqlite3.Connection, kind: str) -> list[str]:
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='table'")]
    if kind == "table":
        return tables
    each = [db.execute("SELECT name FROM pragma_table_info(?)", (name,)) for name in tables]
    return sorted({name for rows in each for (name,) in rows})


def _cell(value: Any) -> Any:
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, float):
        return round(value, 10) if math.isfinite(value) else None
    if isinstance(value, str) and len(value) > LONGEST_CELL:
        return value[:LONGEST_CELL] + " …"
    return value
