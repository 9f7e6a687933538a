"""The embedded PostgreSQL among what really happens: kills, stale pid files, two at a time."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from shared.embedded_postgres import _refuse_to_open, embedded_postgres, forget_stranger
from shared.errors import DatabaseUnavailable

END_S = 60  # a guard for what hangs, not a measure
HOLD = """
import sys
from pathlib import Path
import psycopg
from shared.embedded_postgres import embedded_postgres
with embedded_postgres(Path(sys.argv[1])) as address:
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(1)")
        connection.execute("CREATE TABLE IF NOT EXISTS seen (pid int)")
        connection.execute("INSERT INTO seen SELECT pg_backend_pid()")
    print(address, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short, and reachable for the user that PostgreSQL runs as when the tests run as root."""
    parent = Path(tempfile.mkdtemp(prefix="pg-"))
    parent.chmod(0o755)
    yield parent / "data"
    for process in servers(parent / "data"):
        process.kill()
    shutil.rmtree(parent, ignore_errors=True)


def servers(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] == "postgres" and str(folder) in (process.info["cmdline"] or ()):
            found.append(process)
    return found


@pytest.fixture
def holder(folder: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Starts another process that uses the folder until it reads a line."""
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        started.append(subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], **pipes))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=END_S)


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A live process that is no database."""
    process = subprocess.Popen(["sleep", "1000"])
    yield process
    process.kill()
    process.wait(timeout=END_S)


def count(address: str) -> int:
    with psycopg.connect(address, connect_timeout=END_S) as connection:
        return connection.execute("SELECT count(*) FROM seen").fetchone()[0]


def write(address: str) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CREATE TABLE seen (pid int)")
        connection.execute("INSERT INTO seen VALUES (1)")


def pid_file(folder: Path, pid: int | str) -> str:
    return f"{pid}\n{folder}\n1700000000\n5432\n{folder}\n\n1 1\nready   \n"


def test_the_last_user_stops_the_server_and_keeps_the_data(folder: Path) -> None:
    with embedded_postgres(folder) as address:
        write(address)
        with embedded_postgres(folder) as again:
            assert again == address
        assert count(address) == 1
    assert servers(folder) == []
    with embedded_postgres(folder) as address:
        assert count(address) == 1


def test_nobody_else_gets_at_it(folder: Path) -> None:
    with embedded_postgres(folder) as address, psycopg.connect(address) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        sockets = connection.execute("SHOW unix_socket_directories").fetchone()[0]
        assert sockets == str(folder)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_pid_that_a_stranger_has_by_now_is_not_believed(
    folder: Path, stranger: subprocess.Popen[bytes]
) -> None:
    with embedded_postgres(folder) as address:
        write(address)
    (folder / "postmaster.pid").write_text(pid_file(folder, stranger.pid))
    with embedded_postgres(folder) as address:
        assert count(address) == 1
    assert stranger.poll() is None
    assert servers(folder) == []


@pytest.mark.parametrize("content", ["", "\n", "not a number\n", "17\n"])
def test_a_broken_pid_file_is_no_obstacle(folder: Path, content: str) -> None:
    with embedded_postgres(folder) as address:
        write(address)
    (folder / "postmaster.pid").write_text(content)
    with embedded_postgres(folder) as address:
        assert count(address) == 1


def test_a_zombie_is_no_server(folder: Path) -> None:
    folder.mkdir()
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it has ended and is not reaped
    (folder / "postmaster.pid").write_text(pid_file(folder, child.pid))
    (folder / ".s.PGSQL.5432.lock").write_text(f"{child.pid}\n")
    forget_stranger(folder)
    assert list(folder.iterdir()) == []
    child.wait(timeout=END_S)


def test_a_live_server_and_a_dead_number_are_left_alone(folder: Path) -> None:
    """PostgreSQL itself looks after a number that nobody has: its children may be alive."""
    with embedded_postgres(folder):
        forget_stranger(folder)
        assert (folder / "postmaster.pid").exists()
    child = subprocess.Popen(["true"])
    child.wait(timeout=END_S)
    (folder / "postmaster.pid").write_text(pid_file(folder, child.pid))
    forget_stranger(folder)
    assert (folder / "postmaster.pid").exists()


def test_a_killed_server_is_started_again_with_every_row(folder: Path) -> None:
    with embedded_postgres(folder) as address:
        write(address)
        pid = int((folder / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=END_S)
        with embedded_postgres(folder) as again:
            assert count(again) == 1
    assert servers(folder) == []


def test_a_killed_user_leaves_no_trace(
    folder: Path, holder: Callable[[], subprocess.Popen[str]]
) -> None:
    process = holder()
    assert process.stdout.readline().startswith("postgresql://")
    process.kill()
    process.wait(timeout=END_S)
    assert servers(folder)
    with embedded_postgres(folder) as address:
        assert count(address) == 1
    assert servers(folder) == []


def test_three_processes_at_once_share_one_server(
    folder: Path, holder: Callable[[], subprocess.Popen[str]]
) -> None:
    processes = [holder() for _ in range(3)]
    addresses = {process.stdout.readline().strip() for process in processes}
    assert len(addresses) == 1
    assert count(addresses.pop()) == 3
    for process in processes:
        process.communicate("\n", timeout=END_S)
        assert process.returncode == 0
    assert servers(folder) == []


def test_a_path_too_long_for_a_socket_is_refused(folder: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match="STAGES_HOME to a shorter"):
        embedded_postgres(folder / ("x" * 100)).__enter__()
    assert not folder.exists()


def test_root_opens_no_folder_of_its_own(folder: Path) -> None:
    closed = folder.parent / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(DatabaseUnavailable, match=f"chmod go\\+rx {closed}"):
        _refuse_to_open(closed / "data")
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_the_folder_of_another_major_version_is_not_touched(folder: Path) -> None:
    folder.mkdir()
    (folder / "PG_VERSION").write_text("16\n")
    with pytest.raises(DatabaseUnavailable, match="made by PostgreSQL 16"):
        embedded_postgres(folder).__enter__()
    assert [path.name for path in folder.iterdir()] == ["PG_VERSION"]


def test_a_path_that_a_shell_would_cut_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(DatabaseUnavailable, match=r"a space or another sign.*STAGES_HOME"),
        embedded_postgres(tmp_path / "a b" / "postgres"),
    ):
        pass
    assert not (tmp_path / "a b").exists()
