"""The examiner judges right: the reference and a second solution pass, a naive one does not.

And each check notices what it is for: `data/raw_ask.py` is spoilt one line at a time.
"""

import json
import os
import sys
from pathlib import Path

import pytest

from shared.errors import UserError
from shared.examine import Examination, ask, chosen, examine, render
from shared.offline.server import LocalServer
from shared.offline.service import Options
from shared.prices import PriceList
from shared.programs import Program, clean_environment
from shared.settings import Settings
from stage1_cost_cli.examine import CHECKS, compare
from stage1_cost_cli.examine_bench import AskBench

ROOT = Path(__file__).resolve().parents[2]
NAIVE = ROOT / "stage1_cost_cli/examples/naive_ask.py"
RAW = Path(__file__).parent / "data/raw_ask.py"
NAIVE_FAILS = {
    "streams": "each piece flushed",
    "cost_cached": "cost_usd is 0.200000, the price is 0.086000",
    "cost_long": "the price is",
    "latency": "sent no token for 1.5 s",
    "cut_reset": "stack trace",
    "cut_clean": "taken as success",
    "bad_key": "stack trace",
    "overloaded": "stack trace",
    "empty_question": "was sent to the provider",
    "secret": "printed on standard error",
}


@pytest.fixture(scope="module")
def naive() -> Examination:
    return compare(f"{sys.executable} '{NAIVE}'", [], Settings(_env_file=None))


def test_the_reference_passes_every_check(naive: Examination) -> None:
    failed = {row.id: row.reference.detail for row in naive.rows if row.reference.state != "pass"}
    assert failed == {}
    assert len(naive.rows) == len(CHECKS)


def test_the_naive_solution_fails_what_it_should_and_passes_the_rest(naive: Examination) -> None:
    failed = {row.id: row.yours for row in naive.rows if row.yours.state != "pass"}
    assert failed.keys() == NAIVE_FAILS.keys(), render(naive)
    for name, words in NAIVE_FAILS.items():
        assert words in failed[name].detail, name
    assert naive.exit_code == 1


def test_the_report_shows_both_sides_and_what_to_read(naive: Examination) -> None:
    text = render(naive)
    for row in naive.rows:
        line = next(line for line in text.splitlines() if line.startswith(row.id))
        assert line.split() == [row.id, row.yours.state, row.reference.state, row.read_next]
    again = json.loads(json.dumps(naive.to_json()))
    assert again["passed"] == {"yours": len(CHECKS) - len(NAIVE_FAILS), "reference": len(CHECKS)}


@pytest.fixture(scope="module")
def server():
    with LocalServer(options=Options(any_model="offline-small", control=True)) as server:
        yield server


def bench_of(server: LocalServer, *argv: str, run_s: float = 20.0) -> AskBench:
    program = Program(argv, environment=clean_environment(os.environ))
    return AskBench(program, server, PriceList(), run_s=run_s)


def verdict(bench: AskBench, name: str) -> str:
    """What the check says against the program; empty when it passes."""
    [check] = chosen(CHECKS, [name])
    found = ask(check, bench)
    return "" if found.state == "pass" else found.detail


def test_a_second_solution_on_other_wires_passes(server: LocalServer) -> None:
    bench = bench_of(server, sys.executable, str(RAW))
    found = examine(1, str(RAW), CHECKS, bench, bench, workers=4)
    assert {row.id: row.yours.detail for row in found.rows if row.yours.state != "pass"} == {}
    assert (bench.wire("small"), bench.wire("big")) == ("responses", "anthropic")


SPOILT = [
    ("answers", "def say(text):", "def say(text):\n        text = text.upper()", "server sent"),
    ("receipt", 'print("\\n" + json.dumps(receipt))', "print()", "there is no receipt"),
    ("receipt", '"total_s": time.monotonic() - start,', "", "lacks total_s"),
    ("receipt", '"cost_usd": cost', '"cost_usd": float("nan")', "cost_usd is nan"),
    ("receipt", '"first_token_s": first[0]', '"first_token_s": None', "first_token_s is None"),
    ("receipt", '"input_tokens": total', '"input_tokens": True', "input_tokens is True"),
    ("models", '"big": "claude-opus-4-6"', '"big": "gpt-4o-mini"', "both ask for gpt-4o-mini"),
    ("models", '"model": model,\n        "i', '"model": name,\n        "i', "names 'small'"),
    ("streams", "sys.stdout.flush()", "pass", "flushed?"),
    ("clean_pipe", "sys.stdout.write(text)", 'sys.stdout.write(f"\\x1b[1m{text}")', "escape"),
    ("unicode", 'encoding="utf-8"', 'encoding="ascii", errors="replace"', "the server sent"),
    ("cost_small", "0.6)", "0.63)", "the price is 0.011400"),
    ("cost_big", '"cost_usd": cost', '"cost_usd": cost + 0.0001', "cost_usd is 0.400100"),
    ("cost_cached", 'usage["input_tokens"] + cached, cached', 'usage["input_tokens"], 0', "price"),
    ("cost_cached", "0.15, 0.075", "0.15, 0.15", "gpt-4o-mini"),
    ("latency", "first.append(time.monotonic() - start)", "first.append(0.001)", "no token for"),
    ("latency", '"first_token_s": first[0]', '"first_token_s": first[-1]', "from the first token"),
    ("latency", '"total_s": time.monotonic()', '"total_s": 60 + time.monotonic()', "program ran"),
    ("rate_limit", 'float(answer.headers.get("retry-after", 0.05 * (attempt + 1)))', "0.1", "1 s"),
    ("rate_limit", "in (429, 500", "in (500", "exit code 1"),
    ("cut_reset", "if not ended:", "if False:", "taken as success"),
    ("cut_clean", "if not ended:", "if False:", "taken as success"),
    ("cut_clean", "raise Problem(\"the answer", "read(opened('gpt-4o-mini', '?'), say)\n"
     "        raise Problem(\"the answer", "tokens had arrived"),
    ("bad_key", "except (Problem,", "except (KeyError,", "stack trace"),
    ("bad_key", "; is the API key right?", "", "about the key"),
    ("bad_key", "in (429,", "in (401, 429,", "tried 4 times"),
    ("bad_key", "sys.exit(1)", "sys.exit(0)", "taken as success"),
    ("overloaded", "range(4)", "range(9)", "calls before it gave up"),
    ("empty_question", "if not question.strip():", "if False:", "sent to the provider"),
    ("secret", "refused with status", "refused {KEY} with status", "API key was printed"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "line", "instead", "says"), SPOILT)
def test_each_check_notices_what_it_is_for(
    server: LocalServer, tmp_path: Path, name: str, line: str, instead: str, says: str
) -> None:
    source = RAW.read_text(encoding="utf-8")
    assert source.count(line) >= 1
    spoilt = tmp_path / "spoilt.py"
    spoilt.write_text(source.replace(line, instead), encoding="utf-8")
    assert says in verdict(bench_of(server, sys.executable, str(spoilt)), name)


PROGRAMS = [
    ("raise SystemExit('no luck')", "no model call reached the examiner"),
    ("import os; os.abort()", "no model call reached the examiner"),
    ("print('x' * 20_000_000)", "printed more than 8 MB"),
    ("import threading; threading.Event().wait()", "still running after 1 s"),
    ("import os, sys; os.write(1, bytes(range(256))); os.write(2, b'\\xff{')", "no model call"),
    ("print('[' * 9999); print('{' * 9999)", "no model call"),
]


@pytest.mark.parametrize(("source", "says"), PROGRAMS)
def test_a_program_that_cannot_be_examined_is_a_row_not_a_crash(
    server: LocalServer, source: str, says: str
) -> None:
    bench = bench_of(server, sys.executable, "-c", source, run_s=1.0)
    assert says in verdict(bench, "answers")
    others = {verdict(bench, check.id) for check in CHECKS[1:]}
    assert others == {"a plain question to small got no answer"}


def test_a_command_that_does_not_exist_is_said_so(server: LocalServer) -> None:
    assert verdict(bench_of(server, "no-such-command"), "answers") == (
        "cannot start 'no-such-command': No such file or directory"
    )


def test_a_wrong_check_name_and_an_empty_command_are_errors_of_the_user() -> None:
    settings = Settings(_env_file=None)
    with pytest.raises(UserError, match="did you mean streams"):
        compare("true", ["stream"], settings)
    with pytest.raises(UserError, match="no command to examine"):
        compare(" ", [], settings)
    with pytest.raises(UserError, match="cannot read the command"):
        compare("python 'my", [], settings)
