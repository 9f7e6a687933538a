"""The ledger's SQLite file: opened, brought to the current schema, its failures put in a sentence.

WAL and a busy timeout make it safe for several processes on one machine; a network drive is left
out, WAL does not work there. What is in the tables is decided in `ledger` and `sql/ledger.sql`.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from shared.errors import LedgerUnavailable

VERSION = 2
APPLICATION_ID = 0x53544731  # "STG1", set by migrate_1
ELSEWHERE = "set STAGES_HOME to a folder you can write"


def open_ledger_file(path: Path, queries: dict[str, str], wait_s: float) -> sqlite3.Connection:
    """A connection to the ledger at `path`, made when missing; waits `wait_s` for other writers."""
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = _connect(path, "rwc", wait_s)
        try:
            _switch_to_wal(connection, wait_s)
            _migrate(connection, path, queries)
        except BaseException:
            connection.close()
            raise
    return connection


def open_for_reading(path: Path, queries: dict[str, str], wait_s: float) -> sqlite3.Connection:
    """As `open_ledger_file`, but a file that may not be written can still be read."""
    try:
        return open_ledger_file(path, queries, wait_s)
    except LedgerUnavailable:
        # Without a `-wal` file nobody is writing, so it is safe to read without taking a lock.
        may_write = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
        if may_write or not path.is_file() or Path(f"{path}-wal").exists():
            raise
        with explained(path):
            connection = _connect(path, "ro&immutable=1", wait_s)
            if _version(connection, path) != VERSION:
                raise
            return connection


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turns a failure of the file into `LedgerUnavailable` with a sentence that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise LedgerUnavailable(_sentence(error, path)) from error
    except OSError as error:
        raise LedgerUnavailable(
            f"the ledger's folder {path.parent} cannot be made ({error.strerror}): {ELSEWHERE}"
        ) from error


def _connect(path: Path, mode: str, wait_s: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode={mode}",
        uri=True,
        timeout=wait_s,
        isolation_level=None,  # every statement is its own transaction
        check_same_thread=False,  # SQLite serialises; a tap may run in a worker thread
    )
    connection.row_factory = sqlite3.Row
    # typeshed asks for a `step` of one narrow shape that no typed method has
    connection.create_aggregate("decimal_sum", 1, _DecimalSum)  # type: ignore[arg-type]
    return connection


class _DecimalSum:
    def __init__(self) -> None:
        self.sum = Decimal(0)

    def step(self, value: str | None) -> None:
        if value is not None:
            self.sum += Decimal(value)

    def finalize(self) -> str:
        return format(self.sum, "f")


def _switch_to_wal(connection: sqlite3.Connection, wait_s: float) -> None:
    """SQLite's busy timeout does not cover this switch (0.3 ms, then an error): try again here."""
    deadline = time.monotonic() + wait_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")  # a power cut may cost the last rows
            return
        except sqlite3.OperationalError as error:
            if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _migrate(connection: sqlite3.Connection, path: Path, queries: dict[str, str]) -> None:
    if _version(connection, path) == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in range(_version(connection, path) + 1, VERSION + 1):  # again: now we hold it
            for statement in _statements(queries[f"migrate_{step}"]):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


def _statements(sql: str) -> Iterator[str]:
    """The statements of `sql` one by one: `executescript` would commit before it starts."""
    pending = ""
    for line in sql.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """Schema version of the file, 0 for a new one; refuses a file that is not a ledger of ours."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION_ID and (application or version or tables):
        raise LedgerUnavailable(
            f"{path} is a database of another program: {ELSEWHERE} that has none"
        )
    if version > VERSION:
        raise LedgerUnavailable(
            f"{path} was written by a newer version of this project (schema {version}, "
            f"this one knows {VERSION}): update the project, or move the file away"
        )
    return int(version)


def _code(error: sqlite3.Error) -> int:
    """The primary result code; the extended ones carry it in their low byte."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _sentence(error: sqlite3.Error, path: Path) -> str:
    code = _code(error)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"the ledger {path} is locked: close the program that is writing it and try again"
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return (
            f"the ledger {path} cannot be opened for writing: allow writing to it and its folder, "
            f"or {ELSEWHERE}"
        )
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return f"{path} is not a sound SQLite database: move it away and a new ledger is made"
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return f"the ledger {path} cannot grow: free some disk space, or {ELSEWHERE}"
    return f"the ledger {path} failed ({error}): move it away and a new one is made"
