"""The examiner judges right: the reference and a second solution pass, a naive one does not.

And each check notices what it is for: `data/raw_agent.py` is spoilt one line at a time.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.errors import UserError
from shared.examine import Examination, ask, chosen, examine, render
from shared.offline.server import LocalServer
from shared.offline.service import Options
from shared.programs import Program, clean_environment
from stage4_agent.examine import CHECKS, compare
from stage4_agent.examine_bench import AgentBench
from stage4_agent.examine_contract import read_job
from stage4_agent.examine_desk import Desk
from stage4_agent.examine_model import ExaminersModel

ROOT = Path(__file__).resolve().parents[2]
NAIVE = ROOT / "stage4_agent/examples/naive_agent.py"
RAW = Path(__file__).parent / "data/raw_agent.py"
NAIVE_FAILS = {
    "tool_error": "KeyError",
    "crash": "HTTP Error 500",
    "hang": "still running after 15 s",
    "siblings": "told nothing about its call",
    "parallel": "not begun before the first had ended",
    "unknown_tool": "never offered was called",
    "arguments": "month as a text",
    "refused": "was not asked about, ran",
    "approved": "nobody was asked",
    "repeated_write": "2 were made",
    "lost_write": "told nothing about its call",
    "circles": "was run 6 times",
    "partial": "exit code 0 for a task that was not finished",
    "huge": "characters of a result went to the model",
    "model_down": "stack trace",
}


@pytest.fixture(scope="module")
def naive() -> Examination:
    return compare(f"{sys.executable} '{NAIVE}'", [])


@pytest.mark.timeout(300)  # some forty processes
def test_the_reference_passes_every_check(naive: Examination) -> None:
    failed = {row.id: row.reference.detail for row in naive.rows if row.reference.state != "pass"}
    assert failed == {}
    assert len(naive.rows) == len(CHECKS)


def test_the_naive_agent_fails_what_it_should_and_passes_the_rest(naive: Examination) -> None:
    failed = {row.id: row.yours for row in naive.rows if row.yours.state != "pass"}
    assert failed.keys() == NAIVE_FAILS.keys(), render(naive)
    for name, words in NAIVE_FAILS.items():
        assert words in failed[name].detail, name
    assert naive.exit_code == 1


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with Desk() as running:
        yield running


@pytest.fixture(scope="module")
def examiner(desk: Desk) -> Iterator[LocalServer]:
    options = Options(any_model="offline-small", control=True)
    with LocalServer(think=ExaminersModel(desk.cases), options=options) as server:
        yield server


def bench_of(
    examiner: LocalServer, desk: Desk, home: Path, *argv: str, run_s: float = 30.0
) -> AgentBench:
    program = Program(argv, environment=clean_environment())
    return AgentBench(program, examiner, desk, home, run_s)


def verdict(bench: AgentBench, name: str) -> str:
    """What the check says against the program; empty when it passes."""
    [check] = chosen(CHECKS, [name])
    found = ask(check, bench)
    return "" if found.state == "pass" else found.detail


def test_a_second_solution_on_another_wire_passes(
    examiner: LocalServer, desk: Desk, tmp_path: Path
) -> None:
    bench = bench_of(examiner, desk, tmp_path, sys.executable, str(RAW))
    found = examine(4, str(RAW), CHECKS, bench, bench, workers=2)
    assert {row.id: row.yours.detail for row in found.rows if row.yours.state != "pass"} == {}


SPOILT = [
    ("answers", '"error" in answer', "True", "KeyError"),
    ("answers", 'SEEN[key] = run(name, given, key)', 'SEEN[key] = run(name, given, key)[:3]',
     "the model was told"),
    ("answers", "sys.exit(1 if last else 0)", "sys.exit(3)", "exit code 3"),
    ("answers", "print(f", "str(f", "no answer"),
    ("tool_error", '"error: " + answer["error"]', '"an error occurred"', "not told the reason"),
    ("crash", "the tool is broken: {error}", "{error.read()}", "a stack trace went to the model"),
    ("crash", "except (OSError, ValueError)", "except ZeroDivisionError", "told nothing"),
    ("hang", 'JOB["tool_timeout_s"]', "None", "still running"),
    ("siblings", "list(pool.map(once, calls))", "[once(calls[0])] * len(calls)", "was lost"),
    ("parallel", "ThreadPoolExecutor()", "ThreadPoolExecutor(1)", "not begun before"),
    ("unknown_tool", "; there are {', '.join(TOOLS)}", "", "which tools there are"),
    ("arguments", "is not KINDS[schema", "is None and KINDS[schema", "month as a text"),
    ("arguments", "{field} must be of type {schema['type']}", "wrong", "what was wrong with month"),
    ("refused", '["decision"] != "yes"', '["decision"] is None', "that a person had refused"),
    ("refused", '"refused by a person"', '"done"', "'done'"),
    ("approved", '"arguments": given}\n', '"arguments": {}}\n', "the person was asked about {}"),
    ("repeated_write", "key = hashlib.sha256(", "key = os.urandom(4).hex() or (", "2 were made"),
    ("lost_write", "if key not in SEEN:", "key = os.urandom(4).hex()\n    if True:", "2 orders"),
    ("circles", "if key not in SEEN:", "if True:", "was run 5 times"),
    ("step_limit", 'JOB["steps"]', "9", "9 model calls"),
    ("partial", "Partial, at the limit: {text}", "{text}", "does not say that"),
    ("partial", "Partial, at the limit: {text}", "Partial, sorry", "nothing of what was found"),
    ("partial", "1 if last else 0", "0", "exit code 0"),
    ("huge", "LONGEST = 4000", "LONGEST = 10**9", "went to the model"),
    ("huge", " (cut from {len(text)})", "", "was not told that the result was cut"),
    ("model_down", "except urllib.error.HTTPError", "except ZeroDivisionError", "stack trace"),
    ("secret", "with status {error.code}", "of {KEY}", "API key was printed"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "line", "instead", "says"), SPOILT)
def test_each_check_notices_what_it_is_for(
    examiner: LocalServer, desk: Desk, tmp_path: Path, name: str, line: str, instead: str, says: str
) -> None:
    source = RAW.read_text(encoding="utf-8")
    assert source.count(line) >= 1
    spoilt = tmp_path / "spoilt.py"
    spoilt.write_text(source.replace(line, instead), encoding="utf-8")
    bench = bench_of(examiner, desk, tmp_path, sys.executable, str(spoilt), run_s=10.0)
    assert says in (found := verdict(bench, name))
    assert found


PROGRAMS = [
    ("raise SystemExit('no luck')", "no model call reached the examiner"),
    ("import threading; threading.Event().wait()", "still running after 1 s"),
]


@pytest.mark.parametrize(("source", "says"), PROGRAMS)
def test_a_program_that_cannot_be_examined_is_a_row_not_a_crash(
    examiner: LocalServer, desk: Desk, tmp_path: Path, source: str, says: str
) -> None:
    bench = bench_of(examiner, desk, tmp_path, sys.executable, "-c", source, run_s=1.0)
    assert says in verdict(bench, "answers")
    others = {verdict(bench, check.id) for check in CHECKS[1:]}
    assert others == {"a task with one call of a tool gave no answer"}


def test_a_wrong_check_name_and_a_wrong_job_are_errors_of_the_user() -> None:
    with pytest.raises(UserError, match="did you mean"):
        compare("true", ["crashs"])
    for text in ("", "[]", "{}", json.dumps({"task": "x"})):
        with pytest.raises(UserError, match="standard input is not the JSON object"):
            read_job(text)
