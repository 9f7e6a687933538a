"""The ledger's file with real processes, real locks, and files that cannot be used."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from shared.calls import CallRecord
from shared.errors import LedgerUnavailable
from shared.messages import RateLimit, Reply, Request, Usage, user
from shared.prices import Cost
from stage1_cost_cli.ledger import Ledger
from stage1_cost_cli.ledger_file import VERSION
from stage1_cost_cli.queries import load_queries

D = Decimal
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
FORK = multiprocessing.get_context("fork")


def call() -> CallRecord:
    return CallRecord(
        started_at=NOON,
        total_s=1.5,
        provider="openai",
        model="gpt-4o",
        feature="ask",
        streamed=True,
        request=Request(messages=(user("hello"),)),
        reply=Reply(text="an answer", stop="end", usage=Usage(100, 20), request_id="req_1"),
    )


def cost(usd: str) -> Cost:
    return Cost(D(usd), D(0), D(0), "a test")


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


# --- several processes ---------------------------------------------------------------------------
def _append_many(path: Path, count: int, start: Barrier) -> None:
    start.wait()
    with Ledger(path) as ledger:
        for _ in range(count):
            ledger.append(call(), cost("0.0001"))


def test_four_processes_append_at_once_and_no_row_is_lost(path: Path) -> None:
    start = FORK.Barrier(4)
    writers = [FORK.Process(target=_append_many, args=(path, 200, start)) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0, 0]
    (total,) = Ledger(path).totals("day")
    assert (total.calls, total.cost_usd) == (800, D("0.08"))


def test_opening_waits_for_another_that_is_still_making_the_file(path: Path) -> None:
    path.parent.mkdir(parents=True)
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.2, other.execute, ["ROLLBACK"])
    release.start()
    with Ledger(path) as ledger:
        ledger.append(call(), cost("1"))
    release.join()
    other.close()
    assert len(stored(path)) == 1


def _append_for_ever(path: Path, say: int) -> None:
    with Ledger(path) as ledger:
        while True:
            ledger.append(call(), cost("0.0001"))
            os.write(say, b".")


def test_a_process_killed_while_it_writes_leaves_whole_rows(path: Path) -> None:
    said = 0
    for rows in (1, 2, 37, 150):
        hear, say = os.pipe()
        writer = FORK.Process(target=_append_for_ever, args=(path, say))
        writer.start()
        os.close(say)
        for _ in range(rows):
            said += len(os.read(hear, 1))
        writer.kill()
        writer.join()
        assert writer.exitcode == -signal.SIGKILL
        while os.read(hear, 65536):
            pass
        os.close(hear)
    rows_left = stored(path)
    assert len(rows_left) >= said
    assert {row["cost_usd"] for row in rows_left} == {"0.0001"}
    assert {row["request_id"] for row in rows_left} == {"req_1"}
    check = sqlite3.connect(path)
    assert check.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    check.close()


# --- files that cannot be used -------------------------------------------------------------------
def test_a_locked_ledger_is_said(ledger: Ledger, path: Path) -> None:
    ledger.append(call(), cost("1"))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with (
        Ledger(path, wait_s=0.05) as impatient,
        pytest.raises(LedgerUnavailable, match="is locked: close the program"),
    ):
        impatient.append(call(), cost("1"))
    assert Ledger(path).totals("day")[0].calls == 1  # reading needs no lock
    other.execute("ROLLBACK")
    ledger.append(call(), cost("1"))  # and the ledger itself is as good as before
    other.close()


def test_a_file_that_is_no_database_is_left_alone(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("my shopping list, " * 100)
    for use in (lambda: Ledger(path).append(call(), None), lambda: Ledger(path).totals("day")):
        with pytest.raises(LedgerUnavailable, match="not a sound SQLite database: move it away"):
            use()
    assert path.read_text().startswith("my shopping list")


@pytest.mark.parametrize("mark", ["PRAGMA user_version = 1", "CREATE TABLE theirs (x)"])
def test_a_database_of_another_program_is_left_alone(path: Path, mark: str) -> None:
    path.parent.mkdir(parents=True)
    theirs = sqlite3.connect(path)
    theirs.execute(mark)
    theirs.commit()
    theirs.close()
    with pytest.raises(LedgerUnavailable, match="is a database of another program"):
        Ledger(path).append(call(), None)
    with pytest.raises(LedgerUnavailable, match="is a database of another program"):
        Ledger(path).totals("day")


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerUnavailable, match=r"cannot be made .*: set STAGES_HOME"):
        Ledger(tmp_path / "file" / "ledger.sqlite").append(call(), None)
    (tmp_path / "ledger.sqlite").mkdir()
    with pytest.raises(LedgerUnavailable, match="cannot be opened for writing"):
        Ledger(tmp_path / "ledger.sqlite").append(call(), None)


def test_an_older_ledger_is_brought_up_to_date_with_its_rows(path: Path) -> None:
    path.parent.mkdir(parents=True)
    old = sqlite3.connect(path)
    old.executescript(load_queries("ledger")["migrate_1"] + "PRAGMA user_version = 1;")
    old.execute(
        "INSERT INTO calls (started_at, provider, model_asked, feature, cost_usd, total_s,"
        " attempts, streamed, cancelled) VALUES ('2026-01-01T', 'p', 'm', 'f', '2.5', 1, 1, 0, 0)"
    )
    old.commit()
    old.close()
    with Ledger(path) as ledger:
        ledger.remember_limits("p", "m", [RateLimit("requests", 1, 1, "1s")], NOON)
        assert ledger.totals("day")[0].cost_usd == D("2.5")
    now = sqlite3.connect(path)
    assert now.execute("PRAGMA user_version").fetchone() == (VERSION,)
    now.close()


def test_a_ledger_from_the_future_is_left_alone(ledger: Ledger, path: Path) -> None:
    ledger.append(call(), None)
    ledger.close()
    future = sqlite3.connect(path)
    future.execute(f"PRAGMA user_version = {VERSION + 1}")
    future.close()
    with pytest.raises(LedgerUnavailable, match=r"by a newer version .* update the project"):
        Ledger(path).append(call(), None)


def _said_in_child(action: Callable[[], None]) -> str:
    """What `action` fails with in a process that is not root: root may write everywhere."""
    hear, say = FORK.Pipe(duplex=False)

    def run() -> None:
        if os.getuid() == 0:
            os.setgid(65534)
            os.setuid(65534)
        try:
            action()
        except LedgerUnavailable as error:
            say.send(str(error))
        else:
            say.send("no error")

    child = FORK.Process(target=run)
    child.start()
    child.join()
    return str(hear.recv())


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that another user can enter: pytest's own are private."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)
        Path(name).chmod(0o755)


def test_a_read_only_ledger_is_read_and_not_written(open_folder: Path) -> None:
    path = open_folder / "ledger.sqlite"
    with Ledger(path) as ledger:
        ledger.append(call(), cost("0.25"))
    path.chmod(0o444)
    open_folder.chmod(0o555)
    said = _said_in_child(lambda: Ledger(path).append(call(), None))
    assert "cannot be opened for writing: allow writing to it" in said

    def read_then_write() -> None:
        ledger = Ledger(path)
        assert ledger.totals("day")[0].cost_usd == D("0.25")
        ledger.append(call(), None)

    assert "cannot be opened for writing" in _said_in_child(read_then_write)


def test_a_disk_without_room_is_said_and_the_rows_before_stay(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.append(call(), cost("0.25"))

    def fill() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
        with Ledger(path) as ledger:
            for _ in range(1000):
                ledger.append(call(), cost("0.25"))

    hear, say = FORK.Pipe(duplex=False)

    def run() -> None:
        try:
            fill()
        except LedgerUnavailable as error:
            say.send(str(error))

    child = FORK.Process(target=run)
    child.start()
    child.join()
    assert "cannot grow: free some disk space" in hear.recv()
    rows = stored(path)
    assert 1 <= len(rows) < 1001
    assert {row["cost_usd"] for row in rows} == {"0.25"}
