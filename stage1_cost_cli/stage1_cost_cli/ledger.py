"""The ledger: one row a call in a SQLite file, and the questions that are asked of it.

No text of a prompt or an answer is stored, so no secret can be. What a call cost is decided in
`shared.prices`; how the totals look in `ledger_view`. A row is never changed or deleted.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from shared.calls import CallRecord
from shared.messages import RateLimit
from shared.prices import Cost
from stage1_cost_cli.ledger_file import (
    explained,
    open_for_reading,
    open_ledger_file,
)
from stage1_cost_cli.queries import load_queries

By = Literal["day", "model", "feature"]


@dataclass(frozen=True, slots=True)
class Total:
    """Sums of one day, model or feature. `unknown_cost` counts calls that no sum here contains."""

    key: str
    calls: int
    failed: int
    cancelled: int
    unknown_cost: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cost_usd: Decimal
    saved_usd: Decimal

    @property
    def known_usd(self) -> Decimal | None:
        """`cost_usd`, or None when it is the sum of nothing that is known."""
        return None if self.calls == self.unknown_cost else self.cost_usd


@dataclass(frozen=True, slots=True)
class Averages:
    """Mean tokens of one whole call, over `calls` calls between two moments."""

    calls: int
    input_tokens: Decimal
    output_tokens: Decimal
    cache_read_tokens: Decimal
    cache_write_tokens: Decimal
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class SeenLimits:
    provider: str
    model: str
    seen_at: datetime
    limits: tuple[RateLimit, ...]


class Ledger:
    """Opened at the first use. Every method raises `LedgerUnavailable`; the caller decides.

    Reading a ledger that does not exist yet gives empty answers and makes no file.
    """

    def __init__(self, path: Path, *, wait_s: float = 5.0) -> None:
        self.path = path
        self._wait_s = wait_s
        self._queries: dict[str, str] = {}
        self._connection: sqlite3.Connection | None = None
        self._writable = False

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None

    def append(self, record: CallRecord, cost: Cost | None) -> None:
        """Writes one finished call, also a failed or cancelled one; `cost` is None when unknown."""
        self._write("append", _row(record, cost))

    def remember_limits(
        self, provider: str, model: str, limits: Sequence[RateLimit], seen_at: datetime
    ) -> None:
        """Keeps the rate limits of an answer; an answer that stated none changes nothing."""
        if limits:
            text = json.dumps([asdict(limit) for limit in limits])
            row = {"provider": provider, "model": model, "seen_at": _utc(seen_at), "limits": text}
            self._write("remember_limits", row)

    def totals(self, by: By, *, since: datetime | None = None) -> list[Total]:
        rows = self._read("totals", {"by": by, "since": _utc(since) if since else ""})
        return [_total(row) for row in rows]

    def averages(
        self,
        model: str | None = None,
        feature: str | None = None,
        *,
        days: int | None = None,
        now: datetime | None = None,
    ) -> Averages | None:
        """What one call needed on average in the last `days`; None when there is no such call.

        `model` is the id that was asked for. Failed, cancelled and uncounted calls are left out.
        """
        since = _utc((now or datetime.now(UTC)) - timedelta(days=days)) if days else ""
        asked = {"model": model, "feature": feature, "since": since}
        rows = self._read("averages", asked)
        return _averages(rows[0]) if rows and rows[0]["calls"] else None

    def output_tokens(
        self, model: str | None = None, feature: str | None = None, *, newest: int = 1000
    ) -> list[int]:
        """Lengths of past whole answers, newest first."""
        asked = {"model": model, "feature": feature, "newest": newest}
        return [row["output_tokens"] for row in self._read("output_tokens", asked)]

    def last_limits(self) -> list[SeenLimits]:
        return [
            SeenLimits(
                row["provider"],
                row["model"],
                datetime.fromisoformat(row["seen_at"]),
                tuple(RateLimit(**limit) for limit in json.loads(row["limits"])),
            )
            for row in self._read("last_limits", {})
        ]

    def _write(self, query: str, values: dict[str, Any]) -> None:
        if self._connection and not self._writable:
            self.close()
        if not self._connection:
            self._queries = load_queries("ledger")
            self._connection = open_ledger_file(self.path, self._queries, self._wait_s)
            self._writable = True
        with explained(self.path):
            self._connection.execute(self._queries[query], values)

    def _read(self, query: str, values: dict[str, Any]) -> list[sqlite3.Row]:
        if not self._connection:
            if not self.path.exists():
                return []
            self._queries = load_queries("ledger")
            self._connection = open_for_reading(self.path, self._queries, self._wait_s)
            self._writable = False
        with explained(self.path):
            return self._connection.execute(self._queries[query], values).fetchall()


def _row(record: CallRecord, cost: Cost | None) -> dict[str, Any]:
    """The columns of a call. Error messages are left out: they can quote what was sent."""
    reply, error, usage = record.partial, record.error, record.usage
    request_id = (reply.request_id if reply else "") or (error.request_id if error else "")
    return {
        "started_at": _utc(record.started_at),
        "provider": record.provider,
        "model_asked": record.model,
        "model_answered": (reply.model or None) if reply else None,
        "feature": record.feature,
        "input_tokens": usage and usage.input_tokens,
        "output_tokens": usage and usage.output_tokens,
        "cache_read_tokens": usage and usage.cache_read_tokens,
        "cache_write_tokens": usage and usage.cache_write_tokens,
        "reasoning_tokens": usage and usage.reasoning_tokens,
        "cost_usd": cost and format(cost.total_usd, "f"),
        "saved_usd": cost and format(cost.saved_usd, "f"),
        "price_source": cost and cost.source,
        "first_token_s": reply.timing.first_token_s if reply else None,
        "total_s": record.total_s,
        "attempts": error.attempts if error else reply.attempts if reply else 1,
        "stop": reply.stop if reply else None,
        "error": type(error).__name__ if error else None,
        "request_id": request_id or None,
        "streamed": record.streamed,
        "cancelled": record.cancelled,
    }


def _utc(moment: datetime) -> str:
    """ISO text of fixed width, so that text order is time order; a naive moment is UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="microseconds")


def _total(row: sqlite3.Row) -> Total:
    values: dict[str, Any] = dict(row)
    values["cost_usd"] = Decimal(values["cost_usd"])
    values["saved_usd"] = Decimal(values["saved_usd"])
    return Total(**values)


def _averages(row: sqlite3.Row) -> Averages:
    calls = Decimal(row["calls"])
    return Averages(
        calls=row["calls"],
        input_tokens=row["input_tokens"] / calls,
        output_tokens=row["output_tokens"] / calls,
        cache_read_tokens=row["cache_read_tokens"] / calls,
        cache_write_tokens=row["cache_write_tokens"] / calls,
        first_at=datetime.fromisoformat(row["first_at"]),
        last_at=datetime.fromisoformat(row["last_at"]),
    )
