"""Running strangers' programs and telling what was found; the stages bring their own checks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.examine import Check, Failed, NotRun, chosen, examine, need, render
from shared.programs import Program, clean_environment, words

PY = sys.executable


def program(source: str, **options: object) -> Program:
    return Program([PY, "-c", source], environment=os.environ, **options)  # type: ignore[arg-type]


def test_text_is_seen_while_the_program_still_runs() -> None:
    source = "import sys; print('early', flush=True); input_ = sys.stdin.read(); "
    source += "import threading; threading.Event().wait()"
    with program(source).start([], {}) as running:
        assert running.wait_for(lambda text: text == "early\n", 10)
        assert not running.wait_for(lambda text: "late" in text, 0.05)
        run = running.finish(0.05)
    assert (run.ending, run.exit_code, run.stdout) == ("timeout", -9, "early\n")


def test_waiting_ends_with_the_output() -> None:
    with program("print('x')").start([], {}) as running:
        assert not running.wait_for(lambda text: "never" in text, 60)


def test_a_program_that_is_talked_to_answers_line_by_line() -> None:
    source = "import sys\nfor line in sys.stdin: print(line.strip().upper(), flush=True)"
    with program(source).start([], {}, None) as running:
        for word in ("one", "zwölf"):
            running.say(word)
            assert running.next_line(20) == word.upper()
        assert running.next_line(0.05) is None
        running.say("left")
        run = running.finish(20)
        assert (run.exit_code, run.stdout) == (0, "LEFT\n")
        running.say("nobody there")
        assert running.next_line(20) == "LEFT"
        assert running.next_line(20) is None


def test_half_a_line_is_no_line_and_what_a_dead_program_is_told_is_lost() -> None:
    with program("print('half', end='', flush=True)").start([], {}, None) as running:
        assert running.next_line(20) is None
        for _ in range(3):
            running.say("x" * 100_000)
        assert running.finish(20).stdout == "half"


def test_exit_code_streams_and_arguments_are_kept(tmp_path: Path) -> None:
    source = (
        "import os, sys; print(sys.argv[1], os.getcwd(), os.environ['X']); "
        "sys.stderr.write('é'); sys.exit(7)"
    )
    with program(source, cwd=tmp_path).start(["a b"], {"X": "1"}) as running:
        run = running.finish(20)
    assert run.stdout.split("\n")[0] == f"a b {os.path.realpath(tmp_path)} 1"
    assert (run.exit_code, run.stderr, run.ending) == (7, "é", "ended")


def test_a_child_that_holds_the_pipe_is_killed_with_its_group(tmp_path: Path) -> None:
    number = tmp_path / "pid"
    source = (
        "import subprocess, sys; c = subprocess.Popen([sys.executable, '-c', "
        "'import threading; threading.Event().wait()']); "
        f"open({str(number)!r}, 'w').write(str(c.pid))"
    )
    with program(source).start([], {}) as running:
        run = running.finish(20)
    assert run.exit_code == 0
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", number.read_text()], capture_output=True, text=True, check=False
    ).stdout.strip()
    assert state == "" or state.startswith("Z")  # gone, or dead and waiting for its new parent


def test_a_flood_is_stopped_and_not_kept() -> None:
    with program("import sys\nwhile True: sys.stdout.write('x' * 65536)").start([], {}) as running:
        run = running.finish(60)
    assert run.ending == "flood"
    assert len(run.stdout) == 2**20


def test_stop_ends_what_still_runs() -> None:
    hanging = program("import threading; print('up', flush=True); threading.Event().wait()")
    with hanging.start([], {}) as running:
        assert running.wait_for(bool, 10)
        hanging.stop()
        assert running.finish(10).exit_code == -9


def test_a_file_that_cannot_be_run_is_a_failed_check(tmp_path: Path) -> None:
    script = tmp_path / "ask"
    script.write_text("no interpreter line")
    with pytest.raises(Failed, match="Permission denied"):
        Program([str(script)], environment={}).start([], {})
    script.chmod(0o755)
    with pytest.raises(Failed, match="Exec format error"):
        Program([str(script)], environment={}).start([], {})


def test_no_real_key_and_no_forced_colour_reaches_the_program() -> None:
    real = {"ANTHROPIC_API_KEY": "k", "GROQ_API_KEY": "k", "OPENAI_BASE_URL": "u", "HF_TOKEN": "t"}
    mood = {"FORCE_COLOR": "1", "PYTHONUNBUFFERED": "1", "STAGES_SMALL": "x", "PATH": "/bin"}
    kept = clean_environment(real | mood | {"HTTP_PROXY": "http://proxy"})
    assert kept.keys() == {"PATH", "HTTP_PROXY", "NO_PROXY", "no_proxy"}


def test_a_command_is_split_as_a_shell_would() -> None:
    assert words("node 'my ask.mjs' --fast") == ("node", "my ask.mjs", "--fast")


def even(number: int) -> str:
    need(number % 2 == 0, f"{number} is odd")
    return "even"


def positive(number: int) -> str:
    if number == 0:
        raise NotRun("zero has no sign")
    need(number > 0, f"{number} is below zero")
    return "positive"


CHECKS = (
    Check("even", "is it even?", "a.py:f", even),
    Check("positive", "is it positive?", "a.py:g", positive),
)


def test_the_table_the_notes_and_the_exit_code() -> None:
    found = examine(9, "mine", CHECKS, -3, 0, workers=2)
    assert render(found).splitlines()[:4] == [
        "check     yours  reference  what to read next",
        "even      fail   pass       a.py:f",
        "positive  fail   not run    a.py:g",
        "",
    ]
    assert "yours passes 0 of 2, the reference 1" in render(found)
    assert "  yours: -3 is below zero" in render(found).splitlines()
    assert found.exit_code == 1
    assert examine(9, "mine", CHECKS, 2, -1, workers=1).exit_code == 0


def test_only_the_named_checks_in_their_own_order() -> None:
    assert [check.id for check in chosen(CHECKS, ["positive", "even"])] == ["even", "positive"]
    found = examine(9, "mine", chosen(CHECKS, ["even"]), 2, 2, workers=1)
    assert [row["id"] for row in found.to_json()["rows"]] == ["even"]


def test_a_last_check_sees_what_the_others_left() -> None:
    seen: list[str] = []

    def early(bench: list[str]) -> str:
        bench.append("early")
        return ""

    def late(bench: list[str]) -> str:
        need(bench.count("early") == 2, "too soon")
        return ""

    checks = (Check("late", "", "", late, last=True), Check("early", "", "", early))
    assert examine(9, "", checks, seen, seen, workers=4).passed("yours") == 2
