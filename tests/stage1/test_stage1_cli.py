"""`stage1` as a process: pipes, signals, exit codes, colours, encodings, what is imported when."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from shared.offline.server import LocalServer

Call = Callable[..., Any]
Start = Callable[..., "subprocess.Popen[bytes]"]

KEY = "offline"
QUESTION = "What is a token?"
WORDS = "one two three four five six seven eight nine ten"
REPLY = {"kind": "reply", "text": WORDS}
HOLD = {"kind": "hold", "after_tokens": 3}
ESCAPE = "\x1b"
LATE = ("anthropic", "openai", "onnxruntime", "numpy", "opentelemetry", "genai_prices", "rich")


def ledger_rows(tmp_path: Path) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(tmp_path / "stages" / "ledger.db")) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute("SELECT * FROM calls ORDER BY id")]


def until(process: subprocess.Popen[bytes], end: bytes) -> bytes:
    """Reads standard output up to `end`."""
    seen = b""
    while not seen.endswith(end):
        byte = process.stdout.read(1)
        assert byte, seen
        seen += byte
    return seen


def eventually(happened: Callable[[], object]) -> None:
    """Looks again and again; for what no event tells."""
    deadline = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# --- Ctrl-C and kill -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_with_a_receipt_of_what_was_spent(
    server: LocalServer, start: Start, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    server.script(KEY, [[REPLY, HOLD]])
    process = start("ask", QUESTION)
    assert until(process, b"three") == b"one two three"
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert out == b"\n"
    (entry,) = server.wait_finished(KEY, 1)
    assert entry.client_disconnected
    (said,) = err.decode().splitlines()  # one line: the receipt, and no traceback
    assert said.startswith(f"offline-small (stopped early) · ~{entry.billed['total']} in")
    assert "~3 out" in said
    assert "~$0.00000" in said
    assert entry.request_id in said
    (row,) = ledger_rows(tmp_path)
    assert row["cancelled"] == 1
    assert row["cost_usd"] is not None


def test_ctrl_c_with_json_still_gives_json(server: LocalServer, start: Start) -> None:
    server.script(KEY, [[REPLY, HOLD]])
    process = start("ask", QUESTION, "--json")
    eventually(lambda: any(entry.output_tokens_sent == 3 for entry in server.log(KEY)))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    (answer,) = json.loads(out)["answers"]
    assert answer["error"] == "stopped early"
    assert WORDS.startswith(answer["text"])  # what had been read of the three words sent
    assert b"Traceback" not in err


def test_ctrl_c_before_the_first_word_says_that_it_may_be_billed(
    server: LocalServer, start: Start, tmp_path: Path
) -> None:
    server.script(KEY, [{"kind": "hang", "seconds": 30}])
    process = start("ask", QUESTION)
    eventually(lambda: server.log(KEY))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out == b""
    assert err.decode().startswith("offline-small: stopped before it answered")
    (row,) = ledger_rows(tmp_path)
    assert row["cancelled"] == 1
    assert row["cost_usd"] is None


def test_two_ctrl_c_in_a_row_are_no_traceback(server: LocalServer, start: Start) -> None:
    server.script(KEY, [[REPLY, HOLD]])
    process = start("ask", QUESTION)
    until(process, b"three")
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode in (130, -signal.SIGINT)  # a shell shows 130 for both
    assert b"Traceback" not in err


def test_ctrl_c_while_modules_are_read_is_quiet(
    server: LocalServer, start: Start, tmp_path: Path
) -> None:
    """The first thing that a command reads is standard input, long before it calls a model."""
    process = start("ask", "-", env={"PYTHONPROFILEIMPORTTIME": "1"})
    for line in iter(process.stderr.readline, b""):
        if line.rpartition(b"|")[2].strip() == b"shared.errors":  # and the next one is reading
            break
    process.send_signal(signal.SIGINT)
    rest = process.stderr.read()
    assert process.wait(30) in (130, -signal.SIGINT)
    assert b"Traceback" not in rest
    assert server.log() == []


# --- pipes ---------------------------------------------------------------------------------------
def test_a_question_from_a_pipe(server: LocalServer, stage1: Call) -> None:
    assert stage1("ask", "-", stdin=b"What is a token?\n").code == 0
    body = server.log(KEY)[0].as_json()["body"]
    assert body["messages"][0]["content"][0]["text"] == "What is a token?\n"


def test_a_reader_that_leaves_is_no_traceback(
    server: LocalServer, start: Start, tmp_path: Path
) -> None:
    server.script(KEY, [[REPLY, HOLD]])
    process = start("ask", QUESTION)
    until(process, b"three")
    process.stdout.close()  # as `head` does
    server.release(KEY)
    process.stdin.close()
    err = process.stderr.read().decode()
    assert process.wait(30) == 0
    assert "Traceback" not in err
    assert "Exception ignored" not in err
    assert "(stopped early)" in err
    (row,) = ledger_rows(tmp_path)
    assert row["cancelled"] == 1


if Path("/dev/full").exists():

    def test_a_full_disk_is_a_sentence(server: LocalServer, stage1: Call, tmp_path: Path) -> None:
        with Path("/dev/full").open("wb") as full:
            ran = stage1("ask", QUESTION, stdout=full)
        assert ran.code == 6
        assert "stage1: standard output cannot be written: No space left" in ran.err
        assert "Traceback" not in ran.err
        assert "Exception ignored" not in ran.err
        assert len(ledger_rows(tmp_path)) == 1


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">&- 2>&- <&-"])
def test_closed_streams_are_no_traceback(server: LocalServer, closed: str, tmp_path: Path) -> None:
    script = f'"$0" -m stage1_cost_cli ask "{QUESTION}" {closed}'
    ran = subprocess.run(
        ["/bin/sh", "-c", script, sys.executable], capture_output=True, timeout=60, check=False
    )
    assert ran.returncode == 0
    assert b"Traceback" not in ran.stderr
    (entry,) = server.log(KEY)
    (row,) = ledger_rows(tmp_path)
    assert row["request_id"] == entry.request_id


def test_a_question_that_should_come_from_a_closed_stdin(server: LocalServer, start: Start) -> None:
    process = start("ask", "-", stdin=subprocess.DEVNULL)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 2
    assert b"the question is empty" in err


# --- terminals -----------------------------------------------------------------------------------
@pytest.fixture
def terminal(start: Start) -> Iterator[Callable[..., tuple[int, str]]]:
    """Runs `stage1` with the named streams on a terminal; gives exit code and what it shows."""
    parent, child = pty.openpty()

    def run(*words: str, on: tuple[str, ...], **env: str) -> tuple[int, str]:
        streams = dict.fromkeys(on, child)
        process = start(*words, env={"TERM": "xterm-256color", **env}, **streams)
        seen = b""
        while process.poll() is None or select.select([parent], [], [], 0)[0]:
            if select.select([parent], [], [], 0.05)[0]:
                seen += os.read(parent, 65536)
        return process.returncode, seen.decode()

    yield run
    os.close(parent)
    os.close(child)


TWO = ("-m", "offline-small", "-m", "offline-small")


def test_the_table_is_in_colour_where_it_is_seen(server: LocalServer, terminal: Call) -> None:
    code, seen = terminal("ask", QUESTION, *TWO, on=("stdout", "stderr"))
    assert code == 0
    assert ESCAPE in seen
    assert "model" in seen


def test_no_color_is_honoured(server: LocalServer, terminal: Call) -> None:
    code, seen = terminal("ask", QUESTION, *TWO, on=("stdout", "stderr"), NO_COLOR="1")
    assert code == 0
    assert ESCAPE not in seen
    assert "offline-small" in seen
    _, seen = terminal("models", on=("stdout",), NO_COLOR="1")
    assert ESCAPE not in seen


def test_a_table_that_goes_to_a_file_has_no_colours(server: LocalServer, start: Start) -> None:
    """Standard output is a terminal here and standard error, where the table goes, is none."""
    parent, child = pty.openpty()
    process = start("ask", QUESTION, *TWO, stdout=child, env={"TERM": "xterm"})
    err = process.stderr.read()
    assert process.wait(30) == 0
    os.close(parent)
    os.close(child)
    assert b"offline-small" in err
    assert b"\x1b" not in err


@pytest.mark.parametrize(
    "words", [("ask", QUESTION), ("ask", QUESTION, *TWO), ("models",), ("tokens", "a"), ("--help",)]
)
def test_no_colours_without_a_terminal(
    server: LocalServer, stage1: Call, words: tuple[str, ...]
) -> None:
    ran = stage1(*words)
    assert ran.code == 0
    assert ESCAPE not in ran.out + ran.err


def test_at_a_terminal_a_missing_question_is_asked_for(server: LocalServer, terminal: Call) -> None:
    code, seen = terminal("ask", on=("stdin", "stderr"))
    assert code == 2
    assert "no question: give it as an argument or pipe it in" in seen


# --- encodings -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("environment", "shown"),
    [
        ({"LC_ALL": "C", "LANG": "C"}, "snow \u2603".encode()),
        ({"PYTHONIOENCODING": "ascii"}, b"snow ?"),
        ({"PYTHONIOENCODING": "latin-1"}, b"snow ?"),
    ],
)
def test_an_answer_that_the_encoding_cannot_hold(
    server: LocalServer, start: Start, environment: dict[str, str], shown: bytes
) -> None:
    server.script(KEY, [{"kind": "reply", "text": "snow \u2603"}])
    process = start("ask", QUESTION, env=environment)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert out == shown + b"\n"
    assert b"Traceback" not in err


def test_an_argument_that_is_no_utf8_is_sent_as_text(server: LocalServer, stage1: Call) -> None:
    words = (b"ask", b"caf\xe9", b"--system", b"\xff")
    assert stage1(*words).code == 0
    body = server.log(KEY)[0].as_json()["body"]
    assert body["messages"][0]["content"][0]["text"] == "caf\ufffd"


# --- what is imported when -----------------------------------------------------------------------
WATCH = """
import sys
from shared import process
late = {late!r}
def answer(text, real=process.answer):
    loaded = [name for name in late if name in sys.modules]
    if not seen:
        seen.append(loaded)
    real(text)
seen = []
process.answer = answer
from stage1_cost_cli.cli import main
code = main(["ask", "What is a token?"])
print("BEFORE", *seen[0])
print("AFTER", *[name for name in late if name in sys.modules])
"""


def test_nothing_heavy_is_imported_before_the_first_token(server: LocalServer) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", WATCH.format(late=LATE)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    before, after = ran.stdout.splitlines()[-2:]
    assert before.split() == ["BEFORE"]
    assert after.split() == ["AFTER", "opentelemetry"]  # the trace; notional prices need no list


def test_help_imports_next_to_nothing(stage1: Call) -> None:
    ran = stage1("--help", env={"PYTHONPROFILEIMPORTTIME": "1"})
    imported = {line.rpartition("|")[2].strip() for line in ran.err.splitlines()}
    ours = {name for name in imported if name.startswith(("stage1_cost_cli", "shared"))}
    assert ours <= {"shared", "shared.cli", "stage1_cost_cli", "stage1_cost_cli.cli"}
    assert not imported & {*LATE, "asyncio", "pydantic", "httpx2", "sqlite3", "json"}
    assert "stage1 ask" in ran.out


# --- settings that are wrong ---------------------------------------------------------------------
def test_an_unknown_model_comes_with_near_matches(server: LocalServer, call: Call) -> None:
    ran = call("ask", QUESTION, "-m", "claude-haiku-5.5")
    assert ran.code == 2
    assert "unknown model 'claude-haiku-5.5': did you mean claude-haiku-5-5" in ran.err
    assert call("ask", QUESTION, "-m", "zzzzzzzzzz").err.count("`stage1 models` lists them") == 1
    assert server.log() == []


def test_a_missing_key_names_the_variable_and_where_it_was_looked_for(
    call: Call, tmp_path: Path
) -> None:
    ran = call("ask", QUESTION, "-m", "gpt-4o")
    assert ran.code == 2
    assert "gpt-4o needs OPENAI_API_KEY" in ran.err
    assert "(looked in the environment)" in ran.err
    (tmp_path / ".env").write_text("STAGES_SMALL=offline-small\n")
    assert (
        f"(looked in the environment and {tmp_path / '.env'})"
        in call("ask", QUESTION, "-m", "claude-opus-5-5").err
    )


def test_a_broken_env_file_is_named_with_its_line(call: Call, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("STAGES_SMALL=offline-small\nOPENAI_API_KEY sk-not-shown-1234\n")
    ran = call("ask", QUESTION)
    assert ran.code == 2
    assert f"{tmp_path / '.env'} line 2 (OPENAI_API_KEY) is not NAME=value" in ran.err
    assert "sk-not-shown" not in ran.err


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("STAGES_BUDGET_USD", "lots"),
        ("STAGES_TIMEOUT_S", "0"),
        ("STAGES_ENGINE", "steam"),
        ("OFFLINE_BASE_URL", "localhost:9100"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(
    call: Call, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    ran = call("ask", QUESTION)
    assert ran.code == 2
    assert variable in ran.err


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:9", "http://no-such-host.invalid", "http://user:secret-word@127.0.0.1:9"],
)
def test_no_network_is_a_sentence(call: Call, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("OFFLINE_BASE_URL", url)
    monkeypatch.setenv("STAGES_TIMEOUT_S", "0.4")  # too short for a second try
    ran = call("ask", QUESTION)
    assert ran.code == 4
    assert f"cannot reach {url.rpartition('/')[2].rpartition('@')[2]}" in ran.err
    assert "secret-word" not in ran.err


@pytest.mark.parametrize(
    "words",
    [
        ("ask", QUESTION, "--max-tokens", "0"),
        ("ask", QUESTION, "--max-tokens", "\u00b2"),
        ("ask", QUESTION, "--max-tokens", "9" * 5000),
        ("ask", QUESTION, "--temperature", "nan"),
        ("ask", QUESTION, "--temperature", "1e999"),
        ("ask", QUESTION, "--top-p", "much"),
        ("forecast", "--users", "inf", "--input", "1", "--output", "1"),
        ("ledger", "--by", "colour"),
        ("no-such-command",),
        (),
    ],
)
def test_wrong_arguments_end_with_2(words: tuple[str, ...], call: Call) -> None:
    with pytest.raises(SystemExit) as ended:
        call(*words)
    assert ended.value.code == 2


def test_more_days_than_the_calendar_has(call: Call) -> None:
    assert call("ledger", "--days", "999999999999").code == 0
