"""Stage 5 as its user runs it: exit codes, what is printed, and that the workflow runs the gate."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from stage5_evals.suite import load_suite

ROOT = Path(__file__).parents[2]
Call = Callable[..., Any]

WORSE_WHEN_MARKED = """
import pathlib
async def answer(question, history):
    number = asked(question)
    worse = (pathlib.Path(__file__).parent / "worse").exists()
    return right(0 if worse and number < 8 else number)
"""


@pytest.fixture
def suite(place: Any) -> Path:
    place.target(WORSE_WHEN_MARKED)
    file = place.folder / "suite.toml"
    file.write_text(
        f"""
cases = "cases.jsonl"
corpus = "corpus"
target = "{place.module}:answer"
baseline = "baseline.jsonl"
usd = 0.02
[[checks]]
name = "no_apology"
must_not = "sorry"
"""
    )
    return Path(file)


def test_from_a_run_to_a_red_gate_and_back(suite: Path, call: Call) -> None:
    missing = call("gate", "--suite", suite)
    assert (missing.code, "there is no baseline" in missing.err) == (2, True)
    first = call("run", "--suite", suite, "--json")
    assert (first.code, first.json["metrics"]["no_apology"]["value"]) == (0, 1.0)
    made = call("baseline", "--suite", suite, "--run", first.json["run"], "--why", "the first")
    assert made.code == 0
    assert call("gate", "--suite", suite).code == 0
    (suite.parent / "worse").touch()
    red = call("gate", "--suite", suite, "--json")
    assert (red.code, red.json["verdict"]) == (1, "fail")
    lines = {line["metric"]: line for line in red.json["metrics"]}
    assert lines["recall_at_5"]["worse"] == [f"c{number:03d}" for number in range(1, 8)]
    assert lines["answers"]["state"] == "held"
    judged = json.loads(
        (Path(first.json["folder"]).parent / red.json["run"] / "gate.json").read_text()
    )
    assert judged == red.json
    compared = call("compare", first.json["run"], red.json["run"])
    assert compared.code == 0
    assert re.search(r"c001 +recall_at_5 +1 -> 0", compared.out)
    (suite.parent / "worse").unlink()
    assert call("gate", "--suite", suite, "--run", first.json["run"]).code == 0


def test_a_baseline_is_not_changed_without_a_reason(suite: Path, call: Call) -> None:
    with pytest.raises(SystemExit) as ended:
        call("baseline", "--suite", suite)
    assert ended.value.code == 2
    assert call("baseline", "--suite", suite, "--why", " ").code == 2
    assert not (suite.parent / "baseline.jsonl").exists()


def test_a_run_shows_its_failures_and_its_bounds(place: Any, suite: Path, call: Call) -> None:
    place.cases([place.case(n, question=f"what is {n}?") for n in range(1, 5)] + [
        place.case(9, question="no number in it")
    ])  # fmt: skip
    done = call("run", "--suite", suite)
    assert done.code == 0
    assert "0.800 to 1.000" in done.out
    assert "1 failed" in done.out
    assert "first failure, c009: error: TypeError" in done.out


def test_a_problem_in_the_cases_is_an_exit_code(place: Any, suite: Path, call: Call) -> None:
    assert call("check", "--suite", suite).code == 0
    place.cases([place.case(number, question="what is 3?") for number in range(2)])
    done = call("check", "--suite", suite)
    assert (done.code, "leak: c000, c001" in done.out) == (1, True)


def test_a_run_by_flags_and_again(place: Any, suite: Path, call: Call) -> None:
    first = call("run", "--suite", suite, "--split", "dev", "--repeat", 2, "--json").json
    assert first["answers"] == 20
    again = call("run", "--again", first["run"], "--json").json
    assert again["answers"] == 20
    assert again["prints"] == first["prints"]
    assert call("compare", first["run"], again["run"]).code == 0
    other = call("run", "--suite", suite, "--json").json
    refused = call("compare", first["run"], other["run"])
    assert (refused.code, "over the same cases" in refused.err) == (2, True)


def test_a_run_that_met_its_cap_goes_on_under_a_higher_one(
    place: Any, suite: Path, call: Call
) -> None:
    flags = ("--at-a-time", 1, "--json")
    stopped = call("run", "--suite", suite, "--max-usd", 0.055, *flags)
    assert (stopped.code, stopped.json["complete"]) == (1, False)
    run = stopped.json["run"]
    done = call("run", "--resume", run, "--max-usd", 1, *flags)
    assert (done.code, done.json["complete"]) == (0, True)
    assert len(place.calls()) == 20
    refused = call("run", "--resume", run, "--split", "dev")
    assert (refused.code, "--split belongs to a new run" in refused.err) == (2, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("run", "--suite", "none.toml"), "cannot be read"),
        (("compare", "a", "b"), "is no run"),
        (("run", "--resume", "none"), "is no run"),
        (("power", "--base", "2"), "from 0 to 1"),
    ],
)
def test_a_wrong_word_is_one_sentence(call: Call, words: tuple[str, ...], says: str) -> None:
    done = call(*words)
    assert done.code == 2
    assert says in done.err
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('cases = "c"\n', "needs cases and target"),
        ('cases = "c"\ntarget = "t"\ntypo = 1\n', "there is no setting 'typo'"),
        ("cases = \n", "is no TOML"),
    ],
)
def test_a_bad_suite_is_one_sentence(tmp_path: Path, call: Call, text: str, says: str) -> None:
    file = tmp_path / "suite.toml"
    file.write_text(text)
    done = call("run", "--suite", file)
    assert (done.code, says in done.err) == (2, True)


def test_power_answers_how_many_questions(call: Call) -> None:
    found = call("power", "--unstable", "0.1", "--json").json
    assert 250 < found["needed"][0]["cases"] < 450
    quiet = next(row for row in found["rows"] if row["cases"] == 100 and row["true_drop"] == 0)
    assert 0.005 < quiet["gate"] < 0.04
    assert "cases  unstable  false alarm" in call("power").out


def test_the_gate_runs_on_every_change_and_nothing_swallows_its_exit_code() -> None:
    """A gate that never ran looks like one that passed: no filter, no condition, no `|| true`."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/evals.yml").read_text())
    triggers = workflow[True]  # YAML 1.1 reads `on` so
    assert set(triggers) == {"push", "pull_request"}
    assert not any("paths" in str(key) for one in triggers.values() for key in one or ())
    (job,) = workflow["jobs"].values()
    gate = [step for step in job["steps"] if step.get("run") == "make gate"]
    assert len(gate) == 1
    assert not {"if", "continue-on-error"} & (set(gate[0]) | set(job))
    recipe = re.search(r"^gate:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.M)
    assert recipe
    assert "stage5 gate\n" in recipe[1]
    assert not re.search(r"\|\||^\t-|; *true", recipe[1], re.M)


def test_the_default_suite_has_what_the_gate_needs() -> None:
    suite = load_suite()
    for file in (suite.cases, suite.corpus, suite.baseline, suite.plants):
        assert file is not None
        assert file.exists()
    assert suite.depends
