"""Stage 1 as its user runs it, against an offline model whose log can be read."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from shared.offline.server import LocalServer
from stage1_cost_cli.cli import main

KEY = "offline"  # what the offline model is called with
END_S = 60  # a guard for a hanging process, not a measure


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def receipts(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.err.splitlines() if line.startswith("{")]


Call = Callable[..., Ran]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    """The offline model, and its address where stage 1 looks for it."""
    with LocalServer() as server:
        monkeypatch.setenv("OFFLINE_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_BASE_URL", server.openai_base_url)
        yield server


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """Runs `stage1` inside this process."""

    def run(*words: str, stdin: str | bytes = b"") -> Ran:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))
        capsys.readouterr()
        code = main(words)
        printed = capsys.readouterr()
        return Ran(code, printed.out, printed.err)

    return run


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts `stage1` as a process of its own, with pipes; what is left of it is killed."""
    started: list[subprocess.Popen[bytes]] = []

    def run(*words: str, **more: Any) -> subprocess.Popen[bytes]:
        environment = dict(os.environ) | more.pop("env", {})
        pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        process = subprocess.Popen(
            [sys.executable, "-m", "stage1_cost_cli", *words],
            env=environment,
            **(pipes | more),
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                pipe.close()


@pytest.fixture
def stage1(start: Callable[..., subprocess.Popen[bytes]]) -> Call:
    """Runs `stage1` as a process of its own to its end."""

    def run(*words: str, stdin: bytes = b"", **more: Any) -> Ran:
        process = start(*words, **more)
        out, err = process.communicate(stdin, timeout=END_S)
        return Ran(process.returncode, (out or b"").decode(), (err or b"").decode())

    return run
