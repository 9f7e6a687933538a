"""Proof by planting: the example's regressions turn the gate red, its harmless changes do not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.errors import UserError
from stage5_evals.prove import Plant, Proof, load_plants
from stage5_evals.suite import load_suite

FERRY = Path(__file__).parents[2] / "stage5_evals" / "examples" / "ferry"
ASKED = {
    "retriever broken",
    "top-k cut",
    "reranker off",
    "prompt told to be creative",
    "citations dropped",
    "refusal removed",
    "stale index",
    "wrong tenant",
    "truncated context",
    "judge swapped",
}


def test_every_planted_regression_is_red_and_every_harmless_change_green(
    call: Callable[..., Any],
) -> None:
    done = call("prove", "--suite", FERRY / "suite.toml", "--json")
    changes = {one["change"]: one for one in done.json["changes"]}
    assert {name: one["as_expected"] for name, one in changes.items()} == dict.fromkeys(changes, 1)
    assert done.code == 0
    red = {name for name, one in changes.items() if one["expect"] == "red"}
    assert red >= ASKED
    assert len(changes) - len(red) >= 4  # three harmless changes and the control
    caught = {name: one["caught_by"] for name, one in changes.items()}
    assert "recall_at_5" in caught["retriever broken"]
    assert "recall_at_5" in caught["top-k cut"]
    assert list(caught["refusal removed"]) == ["refuses"]
    assert "citations_real" in caught["citations dropped"]
    assert list(caught["judge swapped"]) == ["grounded"]
    assert caught["model down"] == {}  # a broken run, of which nothing is said
    assert "broken, not bad" in changes["model down"]["broken"]


@pytest.fixture
def ferry(tmp_path: Path) -> Path:
    shutil.copytree(FERRY, tmp_path / "ferry")
    suite = tmp_path / "ferry" / "suite.toml"
    text = suite.read_text()
    lines = ["depends = []" if line.startswith("depends") else line for line in text.splitlines()]
    suite.write_text("\n".join(lines))
    return tmp_path / "ferry"


def test_a_regression_that_stays_green_fails_the_proof(
    ferry: Path, call: Callable[..., Any]
) -> None:
    (ferry / "plants.toml").write_text(
        '[[plant]]\nname = "nothing"\nexpect = "red"\nbecause = "it changes nothing"\n'
    )
    done = call("prove", "--suite", ferry / "suite.toml")
    assert done.code == 1
    assert "WRONG" in done.out
    assert "regressions red: 0 of 1" in done.out


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[[plant]]\nname = "x"\n', "lacks 'expect'"),
        ('[[plant]]\nname = "x"\nexpect = "blue"\nbecause = ""\n', "say red or green"),
        ('[[plant]]\nname = "x"\nexpect = "red"\nbecause = ""\ntypo = 1\n', "no setting 'typo'"),
        ("[[plant\n", "cannot be read"),
    ],
)
def test_a_bad_plant_is_one_sentence(ferry: Path, text: str, says: str) -> None:
    (ferry / "plants.toml").write_text(text)
    with pytest.raises(UserError, match=says):
        load_plants(load_suite(ferry / "suite.toml"))


def test_a_gate_that_is_always_red_proves_nothing(ferry: Path, call: Callable[..., Any]) -> None:
    """The baseline is one of other cases: every change is red, and so is none."""
    cases = ferry / "cases.jsonl"
    cases.write_text("".join(cases.read_text().splitlines(keepends=True)[:8]))
    done = call("prove", "--suite", ferry / "suite.toml", "--only", "top-k cut", "--json")
    control, cut = done.json["changes"]
    assert (control["change"], control["as_expected"], cut["as_expected"]) == (
        "nothing changed",
        0,
        1,
    )
    assert done.code == 1


def test_a_proof_of_nothing_does_not_hold() -> None:
    assert not Proof(()).holds


def test_options_of_a_plant_are_laid_over_those_of_the_suite(ferry: Path) -> None:
    suite = load_suite(ferry / "suite.toml")
    plants: list[Plant] = load_plants(suite, ["top-k cut"])
    assert [one.suite.options for one in plants] == [{}, {"top_k": 1}]
    with pytest.raises(UserError, match="no change 'none'"):
        load_plants(suite, ["none"])
