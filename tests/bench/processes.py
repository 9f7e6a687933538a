"""Starts the programs that are measured and watches them from outside."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from environments import HERE, ROOT, clean_environment
from series import Measured

LONGEST_S = 60.0
Ask = Callable[[dict[str, Any]], Any]  # an order to a worker; its answer


class ProgramFailed(RuntimeError): ...


@contextmanager
def local_server() -> Iterator[str]:
    """The address of a server in a process of its own, which ends with the block."""
    command = [sys.executable, str(HERE / "server.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.stdin.close()


@contextmanager
def worker(command: Sequence[str]) -> Iterator[Ask]:
    """A program that takes orders as JSON lines, one answer a line, until its input ends."""
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=clean_environment(),
        cwd=ROOT,
        text=True,
    ) as process:
        yield partial(_ask, process)
        assert process.stdin is not None
        process.stdin.close()


def _ask(process: subprocess.Popen[str], order: dict[str, Any]) -> Any:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(order) + "\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise ProgramFailed(f"{process.args!r} ended: see its message above")
    return json.loads(line)


def timed(command: Sequence[str], folder: Path, extra: Mapping[str, str]) -> Measured:
    """Milliseconds and CPU time from spawn to the first byte on stdout, and to the end."""
    errors = folder / "stderr.txt"
    start = time.perf_counter()
    with (
        errors.open("w") as stderr,
        subprocess.Popen(
            command,
            cwd=folder,
            env={**clean_environment(), **extra},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            bufsize=0,
        ) as process,
    ):
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], LONGEST_S)
        first = time.perf_counter()
        cpu_so_far = _cpu_s(process.pid)
        if not ready:
            process.kill()
        said = process.stdout.read(1)
        while process.stdout.read(65536):
            pass
        _, status, usage = os.wait4(process.pid, 0)
        end = time.perf_counter()
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or not said:
        tail = errors.read_text()[-600:]
        raise ProgramFailed(f"{' '.join(command)} ended with {process.returncode}: {tail}")
    whole_cpu = usage.ru_utime + usage.ru_stime
    return {
        "first byte ms": (first - start) * 1000,
        "CPU ms to it": (whole_cpu if cpu_so_far is None else cpu_so_far) * 1000,
        "exit ms": (end - start) * 1000,
        "CPU ms": whole_cpu * 1000,
    }


def _cpu_s(pid: int) -> float | None:
    """CPU time of a running process so far, which neighbours hardly change; only Linux tells."""
    if sys.platform != "linux":
        return None
    return time.clock_gettime((~pid << 3) | 2)  # what clock_getcpuclockid(3) returns
