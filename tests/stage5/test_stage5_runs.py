"""Runs: nothing paid is lost or paid twice, and what failed is never a score."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from shared.errors import UserError
from stage5_evals.runs import Row, read_run

HALF_BROKEN = """
async def answer(question, history):
    number = asked(question)
    if number % 5 == 1:
        raise ValueError(f"no answer to {number}")
    return right(number)
"""


def test_a_run_is_a_folder_that_can_be_read_again(place: Any) -> None:
    place.target()
    place.cases(
        [place.case(n) for n in range(5)] + [place.case(9, needs=[], question="what is 9?")]
    )
    run = place.run()
    assert sorted(file.name for file in run.folder.iterdir()) == [
        "answers.jsonl",
        "cases.jsonl",
        "config.json",
        "summary.json",
    ]
    assert run.complete
    assert [row.case for row in run.rows] == ["c000", "c001", "c002", "c003", "c004", "c009"]
    assert run.rows[0].grades["recall_at_5"] == run.rows[0].grades["citations_real"] == 1
    assert "recall_at_5" not in run.rows[5].grades  # nothing to recall
    assert run.rows[5].grades["refuses"] == 0
    assert run.rows[5].why["refuses"] == "it was answered"
    assert read_run(run.folder) == run
    assert run.summary["cost_usd"] == pytest.approx(0.06)
    assert run.summary["metrics"]["answers"]["value"] == 1
    assert run.summary["kinds"]["dev"]["answers"] == 1


def test_a_failed_case_is_a_third_outcome_with_bounds(place: Any) -> None:
    place.target(HALF_BROKEN)
    run = place.run()  # 20 cases, 4 of them fail
    metric = run.summary["metrics"]["recall_at_5"]
    assert (metric["value"], metric["worst"], metric["best"]) == (1.0, 0.8, 1.0)
    assert (metric["failed"], metric["cases"]) == (4, 20)
    row = run.rows[1]
    assert row.failure == "error: ValueError: no answer to 1"
    assert row.grades == {}
    assert row.failed["recall_at_5"] == "the target failed"


def test_only_what_changed_is_asked_again_and_the_rest_says_so(place: Any) -> None:
    place.target()
    watched = {"depends": ["corpus"]}
    first = place.run(**watched)
    assert len(place.calls()) == 20
    place.cases([place.case(n) for n in range(19)] + [place.case(30)])
    second = place.run(**watched)
    assert place.calls()[20:] == ["what is word 30?"]
    assert [row.cached for row in second.rows] == [first.config.run] * 19 + [""]
    assert second.summary["cached"] == 19
    assert second.summary["cost_usd"] == pytest.approx(0.01)  # paid now
    (place.folder / "corpus" / "d.md").write_text("other words")
    assert place.run(**watched).summary["cached"] == 0


def test_without_named_files_nothing_is_known_to_be_unchanged(place: Any) -> None:
    place.target()
    assert [place.run().summary["cached"] for _ in range(2)] == [0, 0]
    assert place.run(depends=["corpus"], fresh=True).summary["cached"] == 0


def test_a_failure_is_not_remembered(place: Any) -> None:
    place.target(
        """
async def answer(question, history):
    number = asked(question)
    import pathlib
    if number == 3 and not (pathlib.Path(__file__).parent / "healed").exists():
        raise ValueError("down")
    return right(number)
"""
    )
    assert place.run(depends=["corpus"]).summary["failed"] == 1
    (place.folder / "healed").touch()
    second = place.run(depends=["corpus"])
    assert (second.summary["failed"], second.summary["cached"]) == (0, 19)


SLOW = """
import asyncio, pathlib
async def answer(question, history):
    number = asked(question)
    gate = pathlib.Path(__file__).parent / "go"
    while number >= 10 and not gate.exists():
        await asyncio.sleep(0.01)
    return right(number)
"""


def test_a_killed_run_resumes_and_repeats_no_paid_call(place: Any, tmp_path: Path) -> None:
    place.target(SLOW)
    (place.folder / "suite.toml").write_text(
        f'cases = "cases.jsonl"\ncorpus = "corpus"\ntarget = "{place.module}:answer"\n'
    )
    home = tmp_path / "home"
    words = ["run", "--suite", str(place.folder / "suite.toml")]
    command = [sys.executable, "-m", "stage5_evals", *words]
    environment = dict(os.environ) | {"STAGES_HOME": str(home)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        answers = []
        while len(answers) < 10 and process.poll() is None:
            time.sleep(0.01)
            files = list(home.glob("evals/runs/*/answers.jsonl"))
            answers = files[0].read_text().splitlines() if files else []
        os.kill(process.pid, signal.SIGKILL)
    (folder,) = home.glob("evals/runs/*")
    with (folder / "answers.jsonl").open("ab") as file:
        file.write(b'{"key": "half a li')  # as a kill in the middle of a write leaves it
    assert not read_run(folder).complete
    (place.folder / "go").touch()
    log = Path(f"{place.folder / place.module}.py.log")
    log.unlink()
    done = subprocess.run(
        [*command[:4], "--resume", folder.name, "--json"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["complete"]
    assert sorted(log.read_text().splitlines()) == sorted(
        f"what is word {number}?" for number in range(10, 20)
    )
    assert [row.cached for row in read_run(folder).rows] == ["this run"] * 10 + [""] * 10


def test_an_interrupted_run_of_other_cases_is_not_resumed(place: Any) -> None:
    place.target()
    run = place.run()
    place.cases([place.case(n) for n in range(3)])
    with pytest.raises(UserError, match="the cases changed"):
        place.run(resume=run.config.run)


def test_a_cap_on_money_stops_the_run_and_says_so(place: Any) -> None:
    place.target()
    run = place.run(max_usd=0.055, at_a_time=1)
    assert len(place.calls()) == 5
    assert not run.complete
    assert "could pass the cap of $0.055" in run.summary["stopped"]
    assert place.run(resume=run.config.run).complete
    assert len(place.calls()) == 20


def test_several_at_a_time_do_not_pass_the_cap_together(place: Any) -> None:
    place.target(
        """
import asyncio
async def answer(question, history):
    number = asked(question)
    await asyncio.sleep(0)
    return right(number)
"""
    )
    run = place.run(max_usd=0.085, at_a_time=4)
    assert run.summary["cost_usd"] <= 0.085
    assert not run.complete


def test_an_unknown_cost_cannot_be_capped(place: Any) -> None:
    place.target(
        """
async def answer(question, history):
    return right(asked(question)) | {"cost_usd": None}
"""
    )
    run = place.run(max_usd=1.0, at_a_time=1)
    assert "does not state cost_usd" in run.summary["stopped"]
    assert len(place.calls()) == 1


def test_a_target_that_never_answers_is_broken_and_not_bad(place: Any) -> None:
    place.target(
        """
async def answer(question, history):
    asked(question)
    raise RuntimeError("the embedder did not start")
"""
    )
    run = place.run(at_a_time=1)
    assert len(place.calls()) == 5
    assert "broken, not bad" in run.summary["stopped"]
    assert "the embedder did not start" in run.summary["stopped"]


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("return 'just text'", "malformed: an answer is a JSON object"),
        ("return right(1) | {'answer': ''}", "malformed: an empty answer"),
        ("await asyncio.sleep(60)", "timeout: no answer within 0.2 s"),
        ("raise asyncio.TimeoutError()", "TimeoutError"),
        ("return right(1) | {'usage': {1, 2}}", "malformed: it is not all JSON"),
    ],
)
def test_nonsense_and_silence_are_failures(place: Any, code: str, says: str) -> None:
    place.target(f"import asyncio\nasync def answer(question, history):\n    {code}\n")
    place.cases([place.case(1), place.case(2)])
    run = place.run(timeout_s=0.2)
    assert all(says in row.failure for row in run.rows)
    assert "value" not in run.summary["metrics"]["recall_at_5"]


MOODY = """
import asyncio
from stage5_evals.graders import Grade

class Moody:
    name, identity = "moody", "moody-1"
    def applies(self, case):
        return case.answerable
    async def grade(self, case, answer, repeat):
        kind = int(case.id[1:]) % 6
        if kind == 0:
            raise RuntimeError("429: too many requests")
        if kind == 3:
            await asyncio.sleep(60)
        return Grade({1: float("nan"), 2: 7.0, 4: None, 5: 1.0}[kind])

def moody():
    return Moody()
"""


def test_a_judge_that_fails_never_becomes_a_score(place: Any) -> None:
    place.target()
    place.cases([place.case(number) for number in range(12)])
    (place.folder / "moody_judge.py").write_text(MOODY)
    run = place.run(judges=[{"use": "moody_judge:moody"}], timeout_s=0.2)
    metric = run.summary["metrics"]["moody"]
    assert (metric["value"], metric["cases"], metric["failed"]) == (1.0, 12, 10)
    assert (metric["worst"], metric["best"]) == (pytest.approx(2 / 12, abs=1e-5), 1.0)
    reasons = [run.rows[number].failed.get("moody", "") for number in range(6)]
    assert reasons == [
        "RuntimeError: 429: too many requests",
        "it gave nan, which is not from 0 to 1",
        "it gave 7.0, which is not from 0 to 1",
        "no verdict within 0.2 s",
        "it gave None, which is not from 0 to 1",
        "",
    ]
    assert run.config.judges == {"moody": "moody-1"}


def test_repeats_are_answers_of_their_own_and_show_what_wavers(place: Any) -> None:
    place.target(
        """
seen = {}
async def answer(question, history):
    number = asked(question)
    seen[number] = seen.get(number, 0) + 1
    wavers = number < 5 and seen[number] % 2
    return right(number) | ({"declined": True} if wavers else {})
"""
    )
    run = place.run(repeat=2, depends=["corpus"])
    assert len(place.calls()) == 40
    metric = run.summary["metrics"]["answers"]
    assert metric["unstable"] == pytest.approx(5 / 20)
    assert metric["value"] == pytest.approx(1 - 5 / 20 / 2)
    assert metric["cases"] == 20
    assert place.run(repeat=2, depends=["corpus"]).summary["cached"] == 40


def test_a_row_is_written_as_it_is_read() -> None:
    row = Row("a", 1, "dev", "plain", "x", grades={"m": 0.0}, cost_usd=0.0, why={"m": "because"})
    data: Any = json.loads(json.dumps(row.to_json()))
    assert Row(**data) == row


def test_a_target_is_not_even_opened_when_all_is_known(place: Any) -> None:
    place.target(
        """
import contextlib
@contextlib.contextmanager
def opened():
    asked("open 0")
    async def answer(question, history):
        return right(asked(question))
    yield answer
"""
    )
    watched = {"depends": ["corpus"], "target": f"{place.module}:opened()"}
    assert place.run(**watched).complete
    assert place.run(**watched).summary["cached"] == 20
    assert len(place.calls()) == 21


@pytest.mark.parametrize(
    ("wrap", "metric", "value"),
    [
        ("without_citations", "citations_real", 0.0),
        ("always_declines", "answers", 0.0),
        ("invented_numbers", "citations_support", 0.0),
        ("first_passage_only", "recall_at_5", 1.0),
        ("shuffled_passages", "mrr", 1.0),
        ("never_declines", "answers", 1.0),
    ],
)
def test_a_fault_can_be_laid_around_any_target(
    place: Any, wrap: str, metric: str, value: float
) -> None:
    place.target()
    plain = place.run()
    wrapped = place.run(wrap=f"stage5_evals.wraps:{wrap}")
    assert plain.summary["metrics"][metric]["value"] == 1.0
    assert wrapped.summary["metrics"][metric]["value"] == value
    assert wrapped.config.target != plain.config.target  # its answers are never taken for the other


def test_an_interrupted_run_says_how_to_go_on(place: Any, tmp_path: Path) -> None:
    place.target(SLOW)
    (place.folder / "suite.toml").write_text(
        f'cases = "cases.jsonl"\ncorpus = "corpus"\ntarget = "{place.module}:answer"\n'
    )
    words = ["run", "--suite", str(place.folder / "suite.toml")]
    with subprocess.Popen(
        [sys.executable, "-m", "stage5_evals", *words],
        env=dict(os.environ) | {"STAGES_HOME": str(tmp_path / "home")},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while len(place.calls()) < 14 and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    (folder,) = (tmp_path / "home").glob("evals/runs/*")
    assert process.returncode == 130
    assert said.strip() == (
        f"interrupted; what was answered is kept: stage5 run --resume {folder.name}"
    )


def test_what_a_judge_costs_counts_towards_the_cap(place: Any) -> None:
    place.target()
    (place.folder / "dear_judge.py").write_text(
        """
from stage5_evals.graders import Grade
class Dear:
    name, identity = "dear", "dear-1"
    def applies(self, case): return True
    async def grade(self, case, answer, repeat): return Grade(1.0, cost_usd=0.04)
"""
    )
    run = place.run(judges=[{"use": "dear_judge:Dear"}], max_usd=0.22, at_a_time=1)
    assert len(run.rows) == 4  # a fifth at 0.05 would pass it
    assert run.summary["judged_usd"] == pytest.approx(0.16)
    assert not run.complete


def test_two_graders_of_one_name_are_refused(place: Any) -> None:
    place.target()
    with pytest.raises(UserError, match="two graders are called 'answers'"):
        place.run(checks=[{"name": "answers", "must": "x"}])


def test_strange_line_ends_in_a_text_do_not_break_a_file(place: Any) -> None:
    strange = "one\u2028two\u0085three\x1e\ud800"
    place.target(
        f"""
async def answer(question, history):
    return right(asked(question)) | {{"answer": {strange!r}}}
"""
    )
    place.cases([place.case(1, question="what is 1?\u2028\u0085", note=strange)])
    run = place.run()
    assert run.rows[0].answer.startswith("one\u2028two\u0085three")
    assert place.run(depends=["corpus"]).complete
