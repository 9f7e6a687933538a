"""Runs a stranger's program: what it prints is read as it comes, and it always ends.

A program that hangs, floods or leaves children behind is killed with its whole process group. What
its output means is decided elsewhere; Windows is left out.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, Self

from shared.errors import UserError
from shared.examine import Failed

KEPT_BYTES = 2**20
FLOOD_BYTES = 8 * 2**20
GRACE_S = 2.0
Ending = Literal["ended", "timeout", "flood"]
# What would point the program at a real provider, at a colleague's collector, or hide a missing
# flush or colour code from the examiner.
HIDDEN = ("ANTHROPIC_", "OPENAI_", "GEMINI_", "GOOGLE_", "OLLAMA_", "STAGES_", "OFFLINE_", "OTEL_")
HIDDEN_NAMES = {"PYTHONUNBUFFERED", "FORCE_COLOR", "CLICOLOR_FORCE", "PY_COLORS", "NO_COLOR"}


@dataclass(frozen=True, slots=True)
class Run:
    """`exit_code` is below zero when a signal ended it; output beyond a megabyte is dropped."""

    exit_code: int
    stdout: str
    stderr: str
    wall_s: float
    ending: Ending


def words(command: str) -> tuple[str, ...]:
    """The words of a command line, quoted as in a shell; no shell runs."""
    try:
        out = tuple(shlex.split(command))
    except ValueError as error:
        raise UserError(f"cannot read the command {command!r}: {error}") from None
    if not out:
        raise UserError("no command to examine: give one, such as MINE='python my_ask.py'")
    return out


def clean_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """An environment, our own if none is given, without keys and addresses of providers.

    Loopback goes past any proxy.
    """
    given = os.environ if environment is None else environment
    kept = {
        name: value
        for name, value in given.items()
        if not name.startswith(HIDDEN)
        and name not in HIDDEN_NAMES
        and not name.endswith(("_API_KEY", "_TOKEN"))
    }
    return kept | {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}


def environment_with(extra: Mapping[str, str]) -> dict[str, str]:
    """Our own environment, keys included, for a program that works for us and is not examined."""
    return dict(os.environ) | dict(extra)


@contextlib.contextmanager
def _file(data: bytes) -> Iterator[IO[bytes]]:
    """`data` to read from: a file, since a pipe would fill up for a program that does not read."""
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        yield file


class Program:
    """A command that can be run many times, also at the same time."""

    def __init__(
        self, argv: Sequence[str], *, environment: Mapping[str, str], cwd: Path | None = None
    ) -> None:
        self.argv = tuple(argv)
        self._environment = dict(environment)
        self._cwd = cwd
        self._running: set[Running] = set()
        self._lock = threading.Lock()

    def start(
        self, arguments: Sequence[str], environment: Mapping[str, str], stdin: bytes | None = b""
    ) -> Running:
        """`stdin` None: it is talked to, by `say`. `Failed` when the command cannot be started."""
        with contextlib.nullcontext(subprocess.PIPE) if stdin is None else _file(stdin) as given:
            try:
                process = subprocess.Popen(
                    [*self.argv, *arguments],
                    stdin=given,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env=self._environment | dict(environment),
                    cwd=self._cwd,
                    start_new_session=True,
                )
            except OSError as error:
                raise Failed(f"cannot start {self.argv[0]!r}: {error.strerror}") from None
        running = Running(process)
        with self._lock:
            self._running.add(running)
        return running

    def stop(self) -> None:
        """Kills every run that is still going on."""
        with self._lock:
            for running in self._running:
                running.kill()


class Running:
    """`with program.start(…) as running:`; what is left when the block ends is killed."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._start = time.monotonic()
        self._news = threading.Condition()
        self._flooded = self._over = False
        self._silent = threading.Event()
        self._out, self._err = bytearray(), bytearray()
        self._readers = [
            threading.Thread(target=self._read, args=(pipe, kept), daemon=True)
            for pipe, kept in ((process.stdout, self._out), (process.stderr, self._err))
        ]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._process.wait()
        self.hang_up()

    @property
    def stdout(self) -> str:
        return self._out.decode("utf-8", "replace")

    @property
    def stderr(self) -> str:
        return self._err.decode("utf-8", "replace")

    def wait_for(self, seen: Callable[[str], bool], timeout_s: float) -> bool:
        """Whether `seen` came true of the text on stdout, in time and before the output ended."""
        with self._news:
            self._news.wait_for(lambda: seen(self.stdout) or self._silent.is_set(), timeout_s)
            return seen(self.stdout)

    def say(self, line: str) -> None:
        """Writes a line; what a program that is gone does not read is lost."""
        with contextlib.suppress(BrokenPipeError, ValueError):  # ValueError: the pipe is closed
            if self._process.stdin:
                self._process.stdin.write(line.encode() + b"\n")
                self._process.stdin.flush()

    def next_line(self, timeout_s: float) -> str | None:
        """The next whole line on stdout, taken out of it; None: none in time, or none any more."""
        with self._news:
            self._news.wait_for(lambda: b"\n" in self._out or self._silent.is_set(), timeout_s)
            line, ended, _ = self._out.partition(b"\n")
            if not ended:
                return None
            del self._out[: len(line) + 1]
            return line.decode("utf-8", "replace")

    def signal(self, number: int) -> None:
        """To the program itself, not to its children."""
        self._process.send_signal(number)

    def hang_up(self) -> None:
        """The end of its input, for one that is talked to."""
        if self._process.stdin:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()

    def finish(self, timeout_s: float) -> Run:
        """Hangs up and waits for the end, kills what does not come to it.

        What `next_line` took is no part of the output.
        """
        self.hang_up()
        ending: Ending = "ended"
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            ending = "timeout"
            self.kill()
        exit_code, wall_s = self._process.wait(), time.monotonic() - self._start
        self._drain()
        self.kill()
        self._over = True  # the group's number may be given to others from now on
        ending = "flood" if self._flooded else ending
        return Run(exit_code, self.stdout, self.stderr, wall_s, ending)

    def kill(self) -> None:
        """The whole group, since a child that lives on would hold the pipes open."""
        if self._over:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody left; macOS: 2nd
            os.killpg(self._process.pid, signal.SIGKILL)

    def _drain(self) -> None:
        for reader in self._readers:
            reader.join(GRACE_S)
        if any(reader.is_alive() for reader in self._readers):
            self.kill()
            for reader in self._readers:
                reader.join(GRACE_S)

    def _read(self, pipe: IO[bytes] | None, kept: bytearray) -> None:
        assert pipe is not None
        total = 0
        with pipe:
            while data := os.read(pipe.fileno(), 65536):
                total += len(data)
                with self._news:
                    kept += data[: max(0, KEPT_BYTES - len(kept))]
                    self._news.notify_all()
                if total > FLOOD_BYTES:
                    self._flooded = True
                    self.kill()
                    break
        if kept is self._out:
            with self._news:
                self._silent.set()
                self._news.notify_all()
