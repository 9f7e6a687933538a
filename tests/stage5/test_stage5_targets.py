"""Targets: a function, a real process, a real server; each way to fail is a failure of its case."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from shared.errors import UserError
from stage5_evals.cases import Case, Turn
from stage5_evals.targets import TargetFailed, open_target

CASE = Case(id="secret-id", split="test", question="what is 7?", history=(Turn("a?", "b"),))


async def asked(spec: str, folder: Path, times: int = 1, **more: Any) -> list[Any]:
    """What comes back, or the failure."""
    async with open_target(spec, folder=folder, **more) as ask:
        answers = [await _one(ask) for _ in range(times)]
    return answers


async def _one(ask: Any) -> Any:
    try:
        return await asyncio.wait_for(ask(CASE), 10)
    except TargetFailed as error:
        return error


MODULE = """
from contextlib import asynccontextmanager, contextmanager
state = []

def plain(question, history, **options):
    return {"question": question, "history": history, **options}

async def waiting(question, history):
    return {"question": question}

def broken(question, history):
    raise KeyError("no index")

@asynccontextmanager
async def opened(**options):
    state.append("open")
    yield lambda question, history: options
    state.append("closed")

def made(**options):
    return lambda question, history: options

number = 7
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "five_targets.py").write_text(MODULE)
    return tmp_path


async def test_a_function_gets_the_question_the_history_and_the_options(folder: Path) -> None:
    (said,) = await asked("five_targets:plain", folder, options={"k": 3})
    history = [{"question": "a?", "answer": "b"}]
    assert said == {"question": "what is 7?", "history": history, "k": 3}
    assert await asked("five_targets:waiting", folder) == [{"question": "what is 7?"}]


async def test_an_opened_target_gets_the_options_once_and_is_closed(folder: Path) -> None:
    assert await asked("five_targets:opened()", folder, options={"k": 1}) == [{"k": 1}]
    assert sys.modules["five_targets"].state == ["open", "closed"]
    assert await asked("five_targets:made()", folder, options={"k": 2}) == [{"k": 2}]


async def test_an_error_in_a_function_is_the_cases_failure(folder: Path) -> None:
    (error,) = await asked("five_targets:broken", folder)
    assert (error.kind, str(error)) == ("error", "KeyError: 'no index'")


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("no_such_module_5:x", "cannot be imported"),
        ("five_targets:nothing", "has no nothing"),
        ("five_targets:number", "cannot be asked"),
        ("/no/such/program", "cannot start"),
        ("'unclosed", "cannot read the command"),
    ],
)
async def test_a_target_that_is_not_there_is_one_sentence(
    folder: Path, spec: str, says: str
) -> None:
    with pytest.raises(UserError, match=says):
        await asked(spec, folder)


PROGRAM = """
import json, os, sys
print("starting", file=sys.stderr)
for line in sys.stdin:
    given = json.loads(line)
    if given["op"] == "ingest":
        print(json.dumps({"documents": 3}), flush=True)
        folder = given["folder"]
        continue
    BODY
"""


def program(folder: Path, body: str) -> str:
    (folder / "program.py").write_text(PROGRAM.replace("BODY", body))
    return f"{sys.executable} program.py"


async def test_a_program_is_asked_line_by_line(folder: Path) -> None:
    command = program(
        folder,
        'print(json.dumps(given | {"pid": os.getpid(), "mood": os.environ["MOOD"]}), flush=True)',
    )
    environment = {"MOOD": "calm"}
    first, second = await asked(command, folder, 2, options={"k": 3}, environment=environment)
    history = [{"question": "a?", "answer": "b"}]
    shown = {"op": "ask", "question": "what is 7?", "history": history, "k": 3, "mood": "calm"}
    assert first == second == shown | {"pid": first["pid"]}
    with pytest.raises(ProcessLookupError):
        os.kill(first["pid"], 0)


async def test_a_program_takes_the_folder_first_when_the_suite_says_so(folder: Path) -> None:
    command = program(folder, "print(json.dumps({'folder': folder}), flush=True)")
    assert await asked(command, folder, ingest=folder) == [{"folder": str(folder)}]


@pytest.mark.parametrize(
    ("body", "kind", "says"),
    [
        ("print('hello', flush=True)", "malformed", "no JSON"),
        ("sys.exit('out of memory')", "stopped", "out of memory"),
        ("os.close(1); os.kill(os.getpid(), 9)", "stopped", "starting"),
    ],
)
async def test_a_program_that_fails_is_replaced(
    folder: Path, body: str, kind: str, says: str
) -> None:
    mark = folder / "failed"
    once = f"if not os.path.exists({str(mark)!r}): open({str(mark)!r}, 'w').close(); {body}"
    command = program(folder, f"{once}\n    else: print('{{}}', flush=True)")
    error, answer = await asked(command, folder, 2)
    assert (error.kind, answer) == (kind, {})
    assert says in str(error)


async def test_a_program_that_hangs_is_killed(folder: Path) -> None:
    command = program(
        folder, "open('pid', 'w').write(str(os.getpid())); import time; time.sleep(600)"
    )
    async with open_target(command, folder=folder) as ask:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ask(CASE), 2)
    with pytest.raises(ProcessLookupError):
        os.kill(int((folder / "pid").read_text()), 0)


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        given = json.loads(self.rfile.read(int(self.headers["content-length"])))
        status, body = {
            "/good": (200, json.dumps(given)),
            "/page": (200, "<html>"),
            "/busy": (429, "slow down"),
        }[self.path]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


async def test_an_address_is_posted_to(server: str, tmp_path: Path) -> None:
    (said,) = await asked(f"{server}/good", tmp_path, options={"k": 3})
    assert said["question"] == "what is 7?"
    assert said["k"] == 3
    assert "secret-id" not in json.dumps(said)
    for path, kind, says in (("page", "malformed", "no JSON"), ("busy", "error", "429: slow down")):
        (error,) = await asked(f"{server}/{path}", tmp_path)
        assert error.kind == kind
        assert says in str(error)


async def test_an_address_where_nobody_is_fails_the_case(server: str, tmp_path: Path) -> None:
    (error,) = await asked("http://127.0.0.1:9/x", tmp_path)
    assert (error.kind, "ConnectError" in str(error)) == ("error", True)
