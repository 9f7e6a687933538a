"""The score is measured: another estimate or another bill moves it; and the prompts are varied."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shared.messages import Request
from shared.models import KNOWN
from shared.offline.server import LocalServer
from shared.offline.service import Options
from shared.score import Row
from shared.settings import Settings
from stage1_cost_cli.estimate import input_tokens
from stage1_cost_cli.prompts import load_cases
from stage1_cost_cli.score import EstimateScore, render_score, score, score_on

Call = Callable[..., Any]

KEY = "offline"
SMALL = KNOWN["offline-small"]
CALIBRATION = 30


@pytest.fixture(scope="module")
def measured() -> EstimateScore:
    return score("offline-small", Settings(), print)


def rows(found: EstimateScore) -> dict[str, Row]:
    return {row.metric: row for row in found.rows}


def with_faults(*faults: tuple[int, dict[str, Any]]) -> EstimateScore:
    """The score when the calls of these places, counted from the first prompt, go wrong."""
    script: list[Any] = [None] * (CALIBRATION + len(load_cases("prompts.jsonl")))
    for place, fault in faults:
        script[CALIBRATION + place] = fault
    with LocalServer() as server:
        server.script(KEY, script)
        return score_on(server, SMALL, Settings())


# --- what is measured ----------------------------------------------------------------------------
def test_the_bars_hold(measured: EstimateScore) -> None:
    found = rows(measured)
    assert found["share_within_20_percent"].value >= 0.8
    assert found["total_off_by"].value <= 0.2
    assert found["cost_equals_server_log"].value == 1
    assert measured.ok


def test_each_row_can_be_worked_out_from_the_guesses(measured: EstimateScore) -> None:
    near = [abs(guess.expected - guess.billed) <= guess.billed / 5 for guess in measured.guesses]
    found = rows(measured)
    assert found["share_within_20_percent"].value == sum(near) / len(near)
    expected = sum(guess.expected for guess in measured.guesses)
    billed = sum(guess.billed for guess in measured.guesses)
    assert found["total_off_by"].value == pytest.approx(float(abs(expected - billed) / billed))
    assert measured.cost_usd == pytest.approx(float(billed))
    assert billed > 0


def test_a_second_run_measures_the_same(measured: EstimateScore) -> None:
    again = score("offline-small", Settings(), print)
    assert [row.value for row in again.rows] == [row.value for row in measured.rows]


def test_one_usage_that_the_server_states_wrong_is_noticed(measured: EstimateScore) -> None:
    wrong = with_faults((7, {"kind": "usage", "overrides": {"output_tokens": 9}}))
    exact = rows(wrong)["cost_equals_server_log"]
    assert exact.value == pytest.approx(1 - 1 / len(wrong.guesses))
    assert not exact.ok
    assert not wrong.ok


def test_bills_that_jump_about_are_not_foreseen(measured: EstimateScore) -> None:
    jumping = with_faults(
        *((n, {"kind": "reply", "text": "word " * (n % 7 * 100 + 1)}) for n in range(47))
    )
    share = rows(jumping)["share_within_20_percent"]
    assert share.value < 0.8
    assert not share.ok
    assert rows(jumping)["cost_equals_server_log"].ok  # dear, and still counted right


# --- how it is told ------------------------------------------------------------------------------
def test_the_json_has_the_shape_that_the_scoreboard_reads(call: Call) -> None:
    ran = call("score", "--json", "--check")
    assert ran.code == 0
    said = json.loads(ran.out)
    assert said.keys() == {"stage", "model", "cases", "seconds", "cost_usd", "rows"}
    assert (said["stage"], said["model"]) == (1, "offline-small")
    assert said["cases"] == len(load_cases("prompts.jsonl"))
    assert said["seconds"] > 0
    first = said["rows"][0]
    assert first["metric"] == "share_within_20_percent"
    assert 0 <= first["low"] <= first["value"] <= first["high"] <= 1
    assert first["bar"] == 0.8
    assert [row["ok"] for row in said["rows"]] == [True] * 3


def test_the_text_names_every_kind_and_every_bar(measured: EstimateScore) -> None:
    text = render_score(measured)
    for feature in {guess.case.feature for guess in measured.guesses}:
        assert feature in text
    assert "MISSED" not in text
    spoilt = replace(measured, rows=(replace(measured.rows[0], value=0.5),))
    assert "MISSED" in render_score(spoilt)


# --- a model that costs money --------------------------------------------------------------------
@pytest.fixture
def paid(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A server that answers for a real model's name, in lengths that nobody can foresee."""
    with LocalServer(options=Options(any_model="offline-small", control=True)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.openai_base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "key-of-a-test")
        lengths = [n % 7 * 100 + 1 for n in range(100)]
        script = [{"kind": "reply", "text": "word " * length} for length in lengths]
        server.script("key-of-a-test", script)
        yield server


def test_check_fails_when_a_bar_does_not_hold(paid: LocalServer, call: Call) -> None:
    ran = call("score", "-m", "gpt-4o", "--check")
    assert ran.code == 1
    assert "MISSED" in ran.out
    assert "cost_equals_server_log" not in ran.out  # nobody can read that server's log


def test_calls_that_are_paid_for_are_in_the_ledger(
    paid: LocalServer, call: Call, tmp_path: Path
) -> None:
    ran = call("score", "-m", "gpt-4o", "--json")
    assert ran.code == 0  # the bars do not hold, and nobody asked
    with closing(sqlite3.connect(tmp_path / "stages" / "ledger.db")) as connection:
        costs = [row[0] for row in connection.execute("SELECT cost_usd FROM calls")]
    assert len(costs) == len(paid.log()) == CALIBRATION + json.loads(ran.out)["cases"]
    # The object counts the tested calls, the ledger all of them.
    assert sum(map(Decimal, costs)) > Decimal(str(json.loads(ran.out)["cost_usd"]))


def test_a_budget_and_a_missing_price_stop_it_before_the_first_call(
    paid: LocalServer, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call("score", "-m", "compatible/mystery-7b").code == 2
    assert call("score", "-m", "ollama/llama").code == 2
    monkeypatch.setenv("STAGES_BUDGET_USD", "0.01")
    assert call("score", "-m", "gpt-4o").code == 2
    assert paid.log() == []


# --- the prompts ---------------------------------------------------------------------------------
def test_the_prompts_are_many_and_of_many_kinds() -> None:
    cases = load_cases("prompts.jsonl")
    kinds = Counter(case.feature for case in cases)
    assert len(cases) >= 40
    assert len(kinds) >= 5
    assert min(kinds.values()) >= 2
    assert {"code", "table", "languages"} <= kinds.keys()
    assert max(input_tokens(case.request) for case in cases) > 2000  # long context
    assert min(input_tokens(case.request) for case in cases) < 20
    assert any(case.request.output for case in cases)
    assert any(case.request.system for case in cases)
    scripts = {c for case in cases for c in case.request.messages[0].text if ord(c) > 0x370}
    assert len(scripts) > 20  # letters of other scripts than Latin


def test_no_calibration_prompt_is_tested_and_no_prompt_comes_twice() -> None:
    def key(request: Request) -> tuple[str, str]:
        return request.system, " ".join(request.messages[0].text.lower().split())

    calibration = load_cases("calibration.jsonl")
    tested = load_cases("prompts.jsonl")
    assert len(calibration) == CALIBRATION
    everything = [key(case.request) for case in calibration + tested]
    assert len(set(everything)) == len(everything)
    ids = [case.id for case in calibration + tested]
    assert len(set(ids)) == len(ids)
    assert {case.feature for case in tested} <= {case.feature for case in calibration}
