"""Stage 2 as its user runs it, against an offline model whose faults and log are the test's."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from shared.messages import Request
from shared.models import KNOWN
from shared.offline.answer import Answer
from shared.offline.server import LocalServer
from shared.prices import open_prices
from shared.providers.opening import open_provider
from shared.providers.retry import RetryPolicy
from shared.settings import load_settings
from stage2_extractor.cli import main
from stage2_extractor.extract import Extractor
from stage2_extractor.prompts import Prompt, load_prompt
from stage2_extractor.records import Invoice

SMALL, LARGE = "offline-small", "offline-large"
END_S = 60  # a guard for a hanging process, not a measure


def reads_a_total(request: Request, *_: object) -> Answer:
    """A model that sees one thing in a paper: the last number, which it gives as the total."""
    if request.output and "bucket" in request.output.schema["properties"]:
        return Answer('{"bucket": "billing"}')
    found = re.findall(r"\d+", request.messages[-1].text)
    record: dict[str, Any] = {name: {"value": None, "quote": None} for name in Invoice.model_fields}
    record |= {"total": {"value": int(found[-1]) if found else None, "quote": None}, "lines": []}
    return Answer(json.dumps(record))


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    with LocalServer(think=reads_a_total) as server:
        monkeypatch.setenv("OFFLINE_BASE_URL", server.base_url)
        yield server


Open = Callable[..., Extractor]


@pytest.fixture
async def opened(server: LocalServer) -> AsyncIterator[Open]:
    """Makes extractors on that server; a call that fails is not tried again by itself."""
    providers: list[Any] = []

    def make(prompt: Prompt | None = None, big: str | None = LARGE, **options: Any) -> Extractor:
        settings = load_settings()
        models = [KNOWN[SMALL], *([KNOWN[big]] if big else [])]
        made = [open_provider(one, settings, retry=RetryPolicy(tries=1)) for one in models]
        providers.extend(made)
        small, large = made[0], made[1] if big else None
        version = prompt or load_prompt("invoice", "3")
        return Extractor(version, small, large, open_prices(settings.prices_file), **options)

    yield make
    for provider in providers:
        await provider.aclose()


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Runs `stage2` inside this process."""

    def run(*words: str, stdin: bytes = b"") -> Ran:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        capsys.readouterr()
        code = main(words)
        printed = capsys.readouterr()
        return Ran(code, printed.out, printed.err)

    return run


Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts `stage2` as a process of its own, with pipes; what is left of it is killed."""
    started: list[subprocess.Popen[bytes]] = []

    def run(*words: str, **more: Any) -> subprocess.Popen[bytes]:
        pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        command = [sys.executable, "-m", "stage2_extractor", *words]
        process = subprocess.Popen(command, env=dict(os.environ), **(pipes | more))
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate(timeout=END_S)
