"""Finished spans in one SQLite file: written by any number of processes, read back as plain data.

Knows nothing of OpenTelemetry or of redaction: `trace_export` cleans a span before it comes here.
A failure to write is a sentence in `TraceStore.problem`, never an exception; a failure to read is
a `LocalError`. Searching inside attributes is left to whoever reads them.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from shared.errors import LocalError

_SQL = Path(__file__).with_name("sql")
_VERSION = 1
_WAIT_S = 1.0  # for another process that writes; a write takes well under a millisecond


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSpan:
    """Ids are lower-case hex as in W3C trace context; a root's `parent_id` is empty."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: str
    service: str
    start_ns: int
    end_ns: int
    status: str
    status_message: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[Mapping[str, Any], ...] = ()

    @property
    def seconds(self) -> float:
        return (self.end_ns - self.start_ns) / 1e9


@dataclass(frozen=True, slots=True)
class Trace:
    trace_id: str
    spans: tuple[StoredSpan, ...]


class TraceStore:
    """Opened at the first write. After a failure that time does not heal it stays shut."""

    def __init__(self, path: Path, keep_last: int) -> None:
        self._path = path
        self._keep = keep_last
        self._connection: sqlite3.Connection | None = None
        self._shut = False
        self.problem = ""

    def write(self, spans: Iterable[StoredSpan]) -> bool:
        """Whether the spans were kept; if not, `problem` says why."""
        if self._shut:
            return False
        try:
            self._write([_row(span) for span in spans])
        except (sqlite3.Error, OSError) as error:
            locked = isinstance(error, sqlite3.OperationalError) and "locked" in str(error)
            self._shut = not locked
            self.problem = f"Traces are not kept: {self._path}: {error}."
            return False
        return True

    def close(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None
        self._shut = True

    def _write(self, rows: list[dict[str, Any]]) -> None:
        if self._connection is None:
            self._connection = _open(self._path)
        with self._connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(_sql("insert"), rows)
            connection.execute(_sql("prune"), {"keep": self._keep})


def read_traces(path: Path, limit: int = 20) -> tuple[Trace, ...]:
    """The traces written to last, the newest first."""
    spans = _read(path, "recent", {"traces": limit})
    return tuple(Trace(key, tuple(group)) for key, group in groupby(spans, lambda s: s.trace_id))


def read_trace(path: Path, trace_id: str) -> Trace | None:
    spans = _read(path, "one", {"trace_id": trace_id})
    return Trace(trace_id, tuple(spans)) if spans else None


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDONLY, 0o600))  # traces are for their owner
    # The exporter's thread writes and the program's thread closes, never both at once.
    connection = sqlite3.connect(
        path, timeout=_WAIT_S, isolation_level=None, check_same_thread=False
    )
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    if mode != "wal":
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")  # a power cut may cost the last spans
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version not in (0, _VERSION):
        raise sqlite3.DatabaseError(f"is of version {version}, this program writes {_VERSION}")
    if version == 0:
        connection.executescript(
            f"BEGIN IMMEDIATE; {_sql('schema')} PRAGMA user_version = {_VERSION}; COMMIT;"
        )


def _sql(name: str) -> str:
    return (_SQL / f"trace_{name}.sql").read_text(encoding="utf-8")


def _row(span: StoredSpan) -> dict[str, Any]:
    row = {name: getattr(span, name) for name in StoredSpan.__dataclass_fields__}
    row["attributes"] = json.dumps(dict(span.attributes), ensure_ascii=False)
    row["events"] = json.dumps(span.events, ensure_ascii=False)
    return row


def _span(row: sqlite3.Row) -> StoredSpan:
    fields = {name: row[name] for name in StoredSpan.__dataclass_fields__}
    fields["attributes"] = json.loads(fields["attributes"])
    fields["events"] = tuple(json.loads(fields["events"]))
    return StoredSpan(**fields)


def _read(path: Path, query: str, values: Mapping[str, Any]) -> list[StoredSpan]:
    if not path.exists():
        return []
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        ) as connection:
            connection.row_factory = sqlite3.Row
            return [_span(row) for row in connection.execute(_sql(query), values)]
    except (sqlite3.Error, ValueError) as error:
        raise LocalError(f"{path} holds no traces that can be read: {error}") from error
