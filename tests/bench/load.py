"""Which HTTP client stands 64 connections, and what the engines above it cost.

Every client is a process of its own and all of them wait while one works, so that CPU time is the
client's alone. Requests/s and latency share two cores with the server; CPU time a request is the
number that carries over to another machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from environments import HERE, ROOT, clean_environment, own, peer
from processes import ProgramFailed, local_server
from series import Comparison, Measured, Section, interleave, ratios

CONNECTIONS = 64
SECONDS = 1.2
ROUNDS = 3
CPU = "CPU ms a request"
BARE = ("httpx", "httpx2", "aiohttp")
OURS = {
    "own on httpx2": "own-httpx2",
    "own on httpx2 + Provider": "provider-http",
    "own on aiohttp": "own-aiohttp",
    "own on aiohttp + Provider": "provider-aiohttp",
    "SDK engine openai": "sdk-openai",
    "SDK engine anthropic": "sdk-anthropic",
}
PAIRS = (
    ("bare httpx", "bare httpx2"),
    ("bare aiohttp", "bare httpx2"),
    ("own on httpx2", "bare httpx2"),
    ("own on aiohttp", "bare aiohttp"),
    ("own on aiohttp", "own on httpx2"),
    ("own on aiohttp + Provider", "own on httpx2 + Provider"),
    ("SDK engine openai", "own on httpx2"),
    ("SDK engine anthropic", "own on httpx2"),
)
MODES = {
    "whole answer, server 0 ms": ("/0ms/60words", False),
    "whole answer, server 50 ms": ("/50ms/60words", False),
    "streamed 60 words, server 0 ms": ("/0ms/60words", True),
}


def load_sections() -> list[Section]:
    clients = peer("clients") / "python"
    with local_server() as url, ExitStack() as stack:
        workers = {f"bare {n}": stack.enter_context(_worker(clients, n)) for n in BARE}
        project = Path(own("python"))
        workers |= {name: stack.enter_context(_worker(project, n)) for name, n in OURS.items()}
        return [
            _section(title, url + path, streamed, workers)
            for title, (path, streamed) in MODES.items()
        ]


Ask = Callable[[dict[str, object]], Measured]


def _section(title: str, url: str, streamed: bool, workers: dict[str, Ask]) -> Section:
    order: dict[str, object] = {
        "url": url,
        "streamed": streamed,
        "connections": CONNECTIONS,
        "seconds": SECONDS,
    }
    table = interleave({name: partial(ask, order) for name, ask in workers.items()}, ROUNDS)
    return Section(
        f"3 {CONNECTIONS} connections, {title}",
        f"{ROUNDS} interleaved windows of {SECONDS} s: median (min-max).",
        table,
        [Comparison(f"{a} : {b}, CPU", ratios(table, CPU, a, b)) for a, b in PAIRS],
    )


@contextmanager
def _worker(python: Path, client: str) -> Iterator[Ask]:
    command = [str(python), str(HERE / "load_client.py"), client]
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


def _ask(process: subprocess.Popen[str], order: dict[str, object]) -> Measured:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(order) + "\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise ProgramFailed(f"{process.args!r} ended: see its message above")
    measured: Measured = json.loads(line)
    return measured


if __name__ == "__main__":
    sys.exit("start this with tests/bench/run.py")
