"""What the ledger stores of a call, what it never stores, and its sums."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from shared.calls import CallRecord
from shared.errors import RateLimited, StreamBroken
from shared.messages import RateLimit, Reply, Request, Timing, Usage, user
from shared.prices import Cost, PriceList, Rate
from stage1_cost_cli.ledger import Ledger

D = Decimal
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ROW = Usage(input_tokens=100, output_tokens=20, cache_read_tokens=40)
PRICES = PriceList({"gpt-4o": Rate(D(2), D(10), D("0.2"), D("2.5"))})


def call(
    usage: Usage | None = ROW,
    *,
    model: str = "gpt-4o",
    feature: str = "ask",
    at: datetime = NOON,
    prompt: str = "hello",
    **more: object,
) -> CallRecord:
    reply = Reply(
        text="an answer",
        stop="end",
        usage=usage,
        model=f"{model}-2024-11-20",
        request_id="req_1",
        timing=Timing(0.25, 1.5),
    )
    values = {
        "started_at": at,
        "total_s": 1.5,
        "provider": "openai",
        "model": model,
        "feature": feature,
        "streamed": True,
        "request": Request(messages=(user(prompt),), system=prompt),
        "reply": reply,
    }
    return CallRecord(**(values | more))


def cost(usd: str, saved: str = "0") -> Cost:
    return Cost(D(usd), D(0), D(saved), "a test")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "made" / "when" / "missing" / "ledger.sqlite"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    with Ledger(path) as ledger:
        yield ledger


def stored(path: Path) -> list[dict[str, object]]:
    """The rows as another SQLite client sees them."""
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    rows = [dict(row) for row in connection.execute("SELECT * FROM calls ORDER BY id")]
    connection.close()
    return rows


# --- what a row holds ----------------------------------------------------------------------------
def test_a_good_call_is_one_row_with_everything(ledger: Ledger, path: Path) -> None:
    record = call(Usage(100, 20, 40, 7, 3))
    ledger.append(record, PRICES.cost(ROW, "gpt-4o", "openai"))
    (row,) = stored(path)
    # 60 x $2/M + 40 x $0.2/M + 20 x $10/M = $0.000328; the cache saved 40 x $1.8/M
    assert row == {
        "id": 1,
        "started_at": "2026-11-21T12:00:00.000000+00:00",
        "provider": "openai",
        "model_asked": "gpt-4o",
        "model_answered": "gpt-4o-2024-11-20",
        "feature": "ask",
        "input_tokens": 100,
        "output_tokens": 20,
        "cache_read_tokens": 40,
        "cache_write_tokens": 7,
        "reasoning_tokens": 3,
        "cost_usd": "0.000328",
        "saved_usd": "0.000072",
        "price_source": "your price file",
        "first_token_s": 0.25,
        "total_s": 1.5,
        "attempts": 1,
        "stop": "end",
        "error": None,
        "request_id": "req_1",
        "streamed": 1,
        "cancelled": 0,
    }


def test_unknown_is_null_and_never_zero(ledger: Ledger, path: Path) -> None:
    ledger.append(call(None), None)
    (row,) = stored(path)
    unknown = ("input_tokens", "output_tokens", "cache_read_tokens", "cost_usd", "price_source")
    assert [row[name] for name in unknown] == [None] * 5
    assert ledger.totals("day")[0].unknown_cost == 1


def test_failed_and_cancelled_calls_are_rows_too(ledger: Ledger, path: Path) -> None:
    refused = RateLimited("slow down", request_id="req_9")
    refused.attempts = 3
    ledger.append(call(reply=None, error=refused), None)
    partial = Reply(text="half", usage=Usage(100, 5), request_id="req_8")
    ledger.append(call(reply=None, error=StreamBroken("cut", partial=partial)), cost("0.001"))
    ledger.append(call(cancelled=True), cost("0.002"))
    first, second, third = stored(path)
    assert (first["error"], first["attempts"], first["request_id"]) == ("RateLimited", 3, "req_9")
    assert (second["error"], second["output_tokens"], second["request_id"]) == (
        "StreamBroken",
        5,
        "req_8",
    )
    assert (third["cancelled"], third["error"]) == (1, None)
    (total,) = ledger.totals("feature")
    assert (total.calls, total.failed, total.cancelled) == (3, 2, 1)
    assert total.cost_usd == D("0.003")


def test_no_text_of_a_call_is_in_the_file(ledger: Ledger, path: Path) -> None:
    key = "sk-ant-a-key-in-a-prompt"
    ledger.append(call(prompt=key), cost("1"))
    error = StreamBroken(f"bad key {key}", partial=Reply(text=key))
    ledger.append(call(prompt=key, reply=None, error=error), None)
    files = list(path.parent.iterdir())
    ledger.close()
    assert files
    for file in path.parent.iterdir():
        content = file.read_bytes()
        assert key.encode() not in content
        assert b"an answer" not in content


# --- sums ----------------------------------------------------------------------------------------
def test_a_thousand_tiny_costs_add_up_exactly(ledger: Ledger) -> None:
    for _ in range(1000):
        ledger.append(call(), cost("0.0000001", "-0.0000003"))
    (total,) = ledger.totals("model")
    assert total.cost_usd == D("0.0001")  # as floats: 0.00009999999999999924 or so
    assert total.saved_usd == D("-0.0003")


def test_totals_by_day_model_and_feature(ledger: Ledger) -> None:
    ledger.append(call(at=NOON - timedelta(days=1)), cost("0.1"))
    ledger.append(call(model="gpt-4.1", feature="chat"), cost("0.2"))
    ledger.append(call(Usage(1, 2, 3), feature="chat"), cost("0.3"))
    assert [(total.key, total.cost_usd) for total in ledger.totals("day")] == [
        ("2026-11-20", D("0.1")),
        ("2026-11-21", D("0.5")),
    ]
    assert [(t.key, t.calls) for t in ledger.totals("model")] == [("gpt-4.1", 1), ("gpt-4o", 2)]
    chat = next(total for total in ledger.totals("feature") if total.key == "chat")
    assert (chat.input_tokens, chat.output_tokens, chat.cache_read_tokens) == (101, 22, 43)
    assert [t.key for t in ledger.totals("day", since=NOON - timedelta(hours=1))] == ["2026-11-21"]


def test_a_day_is_a_day_in_utc(ledger: Ledger) -> None:
    tokyo = timezone(timedelta(hours=9))
    ledger.append(call(at=datetime(2026, 11, 22, 8, 59, tzinfo=tokyo)), cost("1"))
    assert ledger.totals("day")[0].key == "2026-11-21"


def test_averages_are_of_whole_calls_only(ledger: Ledger) -> None:
    ledger.append(call(Usage(100, 10, 50)), cost("1"))
    ledger.append(call(Usage(201, 20)), cost("1"))
    ledger.append(call(Usage(9999, 1), cancelled=True), cost("1"))
    ledger.append(call(None), None)
    ledger.append(call(Usage(5, 5), at=NOON - timedelta(days=40)), cost("1"))
    averages = ledger.averages("gpt-4o", "ask", days=30, now=NOON)
    assert averages
    assert (averages.calls, averages.input_tokens, averages.output_tokens) == (2, D("150.5"), 15)
    assert (averages.cache_read_tokens, averages.first_at) == (25, NOON)
    assert ledger.averages("gpt-4o", "chat") is None
    assert ledger.output_tokens("gpt-4o", "ask") == [20, 10, 5]
    assert ledger.output_tokens(newest=1) == [20]


def test_a_ledger_that_is_not_there_is_empty_and_is_not_made_by_reading(path: Path) -> None:
    ledger = Ledger(path)
    assert (ledger.totals("day"), ledger.averages(), ledger.last_limits()) == ([], None, [])
    assert not path.parent.exists()


def test_the_newest_limits_of_each_model_are_kept(ledger: Ledger) -> None:
    old, new = (RateLimit("requests", 50, left, "12s") for left in (9, 8))
    ledger.remember_limits("openai", "gpt-4o", [new], NOON)
    ledger.remember_limits("openai", "gpt-4o", [old], NOON - timedelta(seconds=5))
    ledger.remember_limits("openai", "gpt-4o", [], NOON + timedelta(seconds=5))
    (seen,) = ledger.last_limits()
    assert (seen.limits, seen.seen_at) == ((new,), NOON)
