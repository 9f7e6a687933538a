"""What is written down after a call, what stops one before it, and that no secret gets anywhere."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shared.calls import CallRecord
from shared.errors import BudgetExceeded, StreamBroken, UnpricedModel
from shared.messages import Reply, Request, Timing, Usage, user
from shared.models import KNOWN, Model
from shared.offline.server import LocalServer
from shared.prices import PriceList
from shared.settings import Settings
from shared.trace_store import read_traces
from stage1_cost_cli.books import check_budget, close_books
from stage1_cost_cli.ledger import Ledger

Call = Callable[..., Any]
D = Decimal

KEY = "offline"
OTHER_KEY = "key-of-the-other-one"
QUESTION = "What is a token?"
REPLY = {"kind": "reply", "text": "one two three four five six seven eight nine ten"}
SMALL = KNOWN["offline-small"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "stages"


def record(**more: Any) -> CallRecord:
    values: dict[str, Any] = {
        "started_at": datetime.now(UTC),
        "total_s": 1.0,
        "provider": "offline",
        "model": "offline-small",
        "feature": "ask",
        "streamed": True,
        "request": Request(messages=(user("hi"),)),
        "reply": Reply(text="ok", usage=Usage(1000, 2000), timing=Timing(0.1, 1.0)),
    }
    return CallRecord(**(values | more))


def settings(home: Path, **more: Any) -> Settings:
    return Settings(STAGES_HOME=home, **more)


def warned(said: list[str]) -> Callable[[str], None]:
    return said.append


# --- ledger and trace ----------------------------------------------------------------------------
def test_every_call_is_in_the_ledger_and_in_the_traces(
    server: LocalServer, call: Call, home: Path
) -> None:
    assert call("ask", QUESTION).code == 0
    server.script(KEY, [{"kind": "status", "status": 400, "message": "no"}])
    assert call("ask", QUESTION).code == 2
    with Ledger(home / "ledger.db") as ledger:
        (total,) = ledger.totals("model")
    assert (total.calls, total.failed) == (2, 1)
    traces = read_traces(home / "traces.db")
    ids = {trace.spans[0].attributes.get("gen_ai.response.id") for trace in traces}
    assert len(traces) == 2, ids


def test_an_estimated_cost_says_in_the_ledger_that_it_is_one(home: Path) -> None:
    broken = StreamBroken("cut", partial=Reply(text="one two", timing=Timing(0.1, 1.0)))
    said: list[str] = []
    (one,) = close_books([record(reply=None, error=broken)], settings(home), said.append)
    with closing(sqlite3.connect(home / "ledger.db")) as connection:
        ((cost, source),) = connection.execute("SELECT cost_usd, price_source FROM calls")
    assert one is not None
    assert one.cost is not None
    assert one.cost.source == "notional, not money"
    assert D(cost) == one.cost.total_usd > 0
    assert source == "estimated, notional, not money"
    assert said == []


def test_a_call_that_never_got_anywhere_has_a_row_and_no_receipt(home: Path) -> None:
    failed = StreamBroken("nothing came")
    assert close_books([record(reply=None, error=failed)], settings(home), print) == [None]
    with Ledger(home / "ledger.db") as ledger:
        (total,) = ledger.totals("model")
    assert (total.calls, total.failed, total.unknown_cost) == (1, 1, 1)


def test_no_call_writes_nothing(home: Path) -> None:
    assert close_books([], settings(home), print) == []
    assert not home.exists()


def make_file(home: Path) -> None:
    home.write_text("not a folder")


def make_ledger_a_folder(home: Path) -> None:
    (home / "ledger.db").mkdir(parents=True)


def make_ledger_garbage(home: Path) -> None:
    home.mkdir()
    (home / "ledger.db").write_bytes(b"not a database at all " * 100)


def make_read_only(home: Path) -> None:
    home.mkdir()
    home.chmod(0o500)


SPOILT = [make_file, make_ledger_a_folder, make_ledger_garbage]
SPOILT += [make_read_only] if os.geteuid() else []  # root may write everywhere


@pytest.mark.parametrize("spoil", SPOILT)
def test_a_ledger_that_cannot_be_written_is_a_warning_after_the_answer(
    server: LocalServer, stage1: Call, home: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(home)
    server.script(KEY, [REPLY])
    ran = stage1("ask", QUESTION)
    assert ran.code == 0
    assert ran.out == REPLY["text"] + "\n"
    assert "this call is not in the ledger: " in ran.err
    assert str(home) in ran.err
    assert "offline-small · " in ran.err  # the receipt is there all the same
    assert "Traceback" not in ran.err


def test_a_locked_ledger_is_a_warning_after_the_answer(
    server: LocalServer, stage1: Call, home: Path
) -> None:
    with Ledger(home / "ledger.db") as ledger:
        ledger.append(record(), None)
    with closing(sqlite3.connect(home / "ledger.db", isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        ran = stage1("ask", QUESTION)
        holder.execute("ROLLBACK")
    assert ran.code == 0
    assert "is locked: close the program that is writing it" in ran.err
    assert "offline-small · " in ran.err


def test_a_broken_price_file_is_told_before_money_is_spent(
    server: LocalServer, call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "prices.json").write_text('{"offline-small": {"input": "free"}}')
    monkeypatch.setenv("STAGES_PRICES", str(tmp_path / "prices.json"))
    ran = call("ask", QUESTION)
    assert ran.code == 2
    assert "STAGES_PRICES=" in ran.err
    assert server.log() == []


# --- budget --------------------------------------------------------------------------------------
def test_a_budget_refuses_before_the_call(
    server: LocalServer, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGES_BUDGET_USD", "0.0005")
    ran = call("ask", QUESTION, "--max-tokens", "1000")  # 1000 tokens at $0.50 a million, and input
    assert ran.code == 2
    assert "this call could cost $0.0005" in ran.err
    assert "STAGES_BUDGET_USD" in ran.err
    assert server.log() == []
    assert call("ask", QUESTION, "--max-tokens", "900").code == 0


def test_a_budget_counts_what_today_has_cost(
    server: LocalServer, call: Call, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    price = PriceList().cost(Usage(0, 2000), "offline-small", "offline")
    with Ledger(home / "ledger.db") as ledger:
        ledger.append(record(started_at=datetime.now(UTC) - timedelta(days=1)), price)
    monkeypatch.setenv("STAGES_BUDGET_USD", "0.0012")
    assert call("ask", QUESTION, "--max-tokens", "1000").code == 0  # yesterday's do not count
    with Ledger(home / "ledger.db") as ledger:
        ledger.append(record(), price)
    assert call("ask", QUESTION, "--max-tokens", "1000").code == 2
    assert len(server.log()) == 1


def test_a_budget_adds_up_the_models_of_one_question(home: Path) -> None:
    request = Request(messages=(user("hi"),), max_tokens=1000)
    limited = settings(home, STAGES_BUDGET_USD=0.0008)
    check_budget([(SMALL, request)], limited)
    with pytest.raises(BudgetExceeded):
        check_budget([(SMALL, request)] * 2, limited)


def test_a_budget_refuses_what_has_no_price(home: Path) -> None:
    mystery = Model("mystery-7b", "compatible", "chat", 128_000)
    request = Request(messages=(user("hi"),))
    check_budget([(mystery, request)], settings(home))
    with pytest.raises(UnpricedModel):
        check_budget([(mystery, request)], settings(home, STAGES_BUDGET_USD=100))


def test_with_a_budget_a_ledger_that_cannot_be_read_stops_the_call(
    server: LocalServer, call: Call, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    make_ledger_garbage(home)
    monkeypatch.setenv("STAGES_BUDGET_USD", "1")
    ran = call("ask", QUESTION)
    assert ran.code == 6
    assert "is not a sound SQLite database" in ran.err
    assert server.log() == []


def test_a_cache_being_filled_is_part_of_the_worst_case(home: Path) -> None:
    """1,000,000 tokens cost $0.10 read plainly and $0.125 when they are written to the cache."""
    system = "word " * 100_000
    request = Request(messages=(user("hi"),), system=system, cache_system=True, max_tokens=1)
    check_budget([(SMALL, request)], settings(home, STAGES_BUDGET_USD=0.0126))
    with pytest.raises(BudgetExceeded):
        check_budget([(SMALL, request)], settings(home, STAGES_BUDGET_USD=0.0124))


# --- secrets -------------------------------------------------------------------------------------
SECRET = (
    "tomato-Zebra-99-lantern"  # looks like no key: only its being in the settings gives it away
)
LOOKS_LIKE_A_KEY = "sk-proj-4f9GhT62mmQpLx81VbNs"


def bytes_under(folder: Path) -> bytes:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {"ledger.db", "traces.db"} <= {path.name for path in files}
    return b"".join(path.read_bytes() for path in files)


@pytest.mark.parametrize("capture", ["", "true"])
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 401, "message": f"bad key {SECRET} {LOOKS_LIKE_A_KEY}"},
        {"kind": "status", "status": 400, "body": f"<html>{SECRET} {LOOKS_LIKE_A_KEY}</html>"},
        {"kind": "error_event", "after_tokens": 2, "message": f"{SECRET} {LOOKS_LIKE_A_KEY}"},
        {"kind": "refusal", "message": f"I will not use {SECRET} {LOOKS_LIKE_A_KEY}"},
    ],
)
def test_a_secret_that_a_server_echoes_gets_nowhere(
    server: LocalServer,
    call: Call,
    monkeypatch: pytest.MonkeyPatch,
    home: Path,
    fault: dict[str, Any],
    capture: str,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setenv("STAGES_CAPTURE_CONTENT", capture)
    server.script(SECRET, [fault])
    question = f"my key is {SECRET} and {LOOKS_LIKE_A_KEY}"
    ran = call("ask", question, "-m", "compatible/offline-small", "--json")
    assert ran.code != 0
    kept = bytes_under(home)
    for secret in (SECRET, LOOKS_LIKE_A_KEY):
        assert secret not in ran.err
        assert secret.encode() not in kept
    (answer,) = json.loads(ran.out)["answers"]
    assert SECRET not in answer["error"]
    assert LOOKS_LIKE_A_KEY not in answer["error"]


def test_the_files_of_a_live_chat_hold_no_secret_either(
    server: LocalServer, start: Call, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    """While the process lives, the newest rows are in the `-wal` files."""
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setenv("STAGES_CAPTURE_CONTENT", "true")
    process = start("chat", "-m", "compatible/offline-small", "--system", f"the word is {SECRET}")
    process.stdin.write(f"{SECRET} {LOOKS_LIKE_A_KEY}\n/cost\n".encode())
    process.stdin.flush()
    for line in iter(process.stderr.readline, b""):
        assert SECRET.encode() not in line
        if line.startswith(b"1 calls"):
            break
    kept = bytes_under(home)
    assert SECRET.encode() not in kept
    assert LOOKS_LIKE_A_KEY.encode() not in kept
