"""The gate: when it passes, when it blocks, and each known way that gates die."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from shared.errors import UserError
from stage5_evals import baseline as baselines
from stage5_evals.baseline import Baseline, Rules, new_baseline, read_baseline, write_baseline
from stage5_evals.calibration import Calibration, read_calibrations
from stage5_evals.compare import compare
from stage5_evals.gate import decide
from stage5_evals.gate_view import render
from stage5_evals.runs import Config, Row, Run
from stage5_evals.suite import suite_of

SUITE = suite_of({"folder": "/s", "cases": "c", "target": "t:f"}, "test")
CONFIG = Config("r1", "2026-11-25T00:00:00+00:00", SUITE, "cases-1", "corpus-1", "t1", {"j": "j-1"})
CALIBRATED = {"j-1": Calibration("j-1", 0.8, 0.7, 0.9, 80)}


def run_of(values: dict[str, list[float | None]], *, failures: int = 0, **config: Any) -> Run:
    """Metric -> value of each case, None where it failed; the target failed in the first cases."""
    n = len(next(iter(values.values()))) if values else 0
    rows = []
    for at in range(n):
        given = {name: of[at] for name, of in values.items()}
        grades = {name: value for name, value in given.items() if value is not None}
        failed = {name: "judge: 429" for name, value in given.items() if value is None}
        if at < failures:
            grades, failed = {}, dict.fromkeys(values, "the target failed")
        dead = "error: the embedder did not start" if at < failures else ""
        rows.append(Row(f"c{at:03d}", 0, grades=grades, failed=failed, failure=dead))
    summary = {"complete": True, "stopped": "", "metrics": {}, "failed": failures}
    return Run(Path("/r"), dataclasses.replace(CONFIG, **config), tuple(rows), summary)


def right(hits: int, of: int = 100) -> list[float | None]:
    return [1.0] * hits + [0.0] * (of - hits)


def based(run: Run, **rules: Any) -> Baseline:
    made = new_baseline(run, "the first", None)
    return dataclasses.replace(made, rules=dataclasses.replace(made.rules, **rules))


BASE = based(run_of({"m": right(80)}, judges={}))


def verdict(run: Run, baseline: Baseline = BASE, **calibrations: Calibration) -> str:
    return decide(run, baseline, calibrations or CALIBRATED).verdict


@pytest.mark.parametrize(
    ("hits", "expected"), [(80, "pass"), (90, "pass"), (77, "pass"), (76, "drop not proven")]
)
def test_five_percent_of_the_baseline_blocks_and_less_does_not(hits: int, expected: str) -> None:
    made = decide(run_of({"m": right(hits)}, judges={}), BASE, {})
    assert made.verdict == expected
    assert made.exit_code == (0 if expected == "pass" else 1)


def test_a_proven_drop_fails_and_names_the_cases() -> None:
    made = decide(run_of({"m": right(70)}, judges={}), BASE, {})
    (line,) = made.lines
    assert (made.verdict, made.exit_code, made.caught) == ("fail", 1, ["m"])
    assert line.worse == tuple(f"c{n:03d}" for n in range(70, 80))
    assert line.p_drop == pytest.approx(2**-10)  # ten lost, none won: McNemar by hand
    assert "c070" in render(made)


def test_a_drop_that_chance_makes_as_often_is_called_not_proven() -> None:
    """Ten lost and six won: a fall of 5% of 80, and p = P(X >= 10 of 16) = 0.227."""
    new = right(80)
    new[:10] = [0.0] * 10
    new[80:86] = [1.0] * 6
    made = decide(run_of({"m": new}, judges={}), BASE, {})
    assert made.verdict == "drop not proven"
    assert made.exit_code == 1
    assert made.lines[0].p_drop == pytest.approx(14893 / 65536)
    assert "DROP NOT PROVEN" in render(made)


def test_a_small_drop_that_is_no_chance_passes_and_is_said() -> None:
    """A limit of a tenth and seven cases lost of 80: 8.75%, and none won."""
    run = run_of({"m": right(73)}, judges={})
    made = decide(run, based(run_of({"m": right(80)}, judges={}), drop={"m": 0.10}), {})
    assert made.verdict == "pass"
    assert "less than the limit, and by more than chance" in render(made)


def test_the_verdict_says_what_this_set_could_have_seen() -> None:
    made = decide(run_of({"m": right(80)}, judges={}), BASE, {})
    sight = made.lines[0].sight
    assert sight is not None
    assert sight.cases == 100
    assert sight.unstable is None
    assert 0.04 <= (sight.proven_from or 0) <= 0.09  # 5 lost of 100 prove it; 4 do not
    assert "100 cases, taken to be stable" in render(made)


# --- the ways that gates die ---------------------------------------------------------------------
def test_a_missing_metric_is_not_read_as_no_change() -> None:
    made = decide(run_of({"other": right(100)}, judges={}), BASE, {})
    assert (made.verdict, made.caught) == ("fail", ["m"])
    assert made.lines[0].note == "the run has no such metric"


def test_a_metric_that_lost_some_of_its_cases_is_missing_too() -> None:
    run = run_of({"m": right(80)}, judges={})
    rows = (*run.rows[:-1], dataclasses.replace(run.rows[-1], grades={}))
    made = decide(dataclasses.replace(run, rows=rows), BASE, {})
    assert made.lines[0].note == "no grade for c099"
    assert made.verdict == "fail"


def test_a_gate_over_nothing_fails() -> None:
    assert verdict(run_of({}, judges={})) == "fail"
    empty = dataclasses.replace(BASE, rules=Rules({}))
    made = decide(run_of({"m": right(80)}, judges={}), empty, {})
    assert (made.verdict, made.broken) == ("fail", ("the baseline gates no metric",))


def test_an_interrupted_run_fails_even_if_all_it_has_is_good() -> None:
    run = run_of({"m": right(100)}, judges={})
    for summary in ({}, {"complete": False, "stopped": "the cap"}):
        made = decide(dataclasses.replace(run, summary=summary), BASE, {})
        assert made.verdict == "fail"
        assert "not complete" in made.broken[0]


@pytest.mark.parametrize("what", ["cases", "corpus"])
def test_another_fingerprint_fails_and_says_which(what: str) -> None:
    made = decide(run_of({"m": right(100)}, judges={}, **{what: "other"}), BASE, {})
    assert made.verdict == "fail"
    assert what in made.broken[0]


def test_an_embedder_that_did_not_start_is_a_broken_run_and_no_regression() -> None:
    made = decide(run_of({"m": right(80)}, failures=100, judges={}), BASE, {})
    assert made.verdict == "fail"
    assert made.lines == ()  # nothing is said of quality
    assert "the target failed in 100 of 100" in made.broken[0]
    assert "the embedder did not start" in made.broken[0]


def test_a_few_failures_count_as_wrong_and_more_than_the_share_break_the_run() -> None:
    good = right(80)
    two = [None, None, *good[2:]]
    made = decide(run_of({"m": two}, judges={}), BASE, {})
    assert made.verdict == "pass"
    assert (made.lines[0].new, made.lines[0].failed) == (0.78, 2)
    three = decide(run_of({"m": [None] * 3 + good[3:]}, judges={}), BASE, {})
    assert three.verdict == "fail"
    assert three.broken == ("m failed in 3 of 100 cases: judge: 429",)


def test_a_broken_judge_cannot_raise_the_score() -> None:
    """Half of the verdicts are lost, and those that came are all good."""
    judged = based(run_of({"j": right(80)}))
    made = decide(run_of({"j": [1.0] * 50 + [None] * 50}), judged, CALIBRATED)
    assert made.verdict == "fail"


def test_the_threshold_is_in_one_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the code starts a first baseline with does not change one that is there."""
    file = tmp_path / "baseline.jsonl"
    write_baseline(file, based(run_of({"m": right(80)}, judges={}), drop={"m": 0.20}))
    monkeypatch.setattr(baselines, "DROP", 0.01)
    monkeypatch.setattr(baselines, "ALPHA", 1.0)
    read = read_baseline(file)
    assert read.rules.drop == {"m": 0.20}
    assert verdict(run_of({"m": right(65)}, judges={}), read) == "pass"
    assert verdict(run_of({"m": right(64)}, judges={}), read) == "fail"
    again = new_baseline(run_of({"m": right(64)}, judges={}), "lower", read)
    assert again.rules == read.rules


def test_one_sample_against_a_hard_limit_is_not_what_decides() -> None:
    """A case that wavers is averaged over its repeats before it is held against the baseline."""
    rows = [
        Row(f"c{n:03d}", repeat, grades={"m": float(n < 80 or (n < 90 and repeat % 2 == 0))})
        for n in range(100)
        for repeat in range(2)
    ]
    run = dataclasses.replace(run_of({"m": right(80)}, judges={}), rows=tuple(rows))
    baseline = based(run)
    assert baseline.mean("m") == pytest.approx(0.85)
    assert verdict(run, baseline) == "pass"
    assert verdict(run_of({"m": right(81)}, judges={}), baseline) == "pass"  # 4.7% lower


# --- judges --------------------------------------------------------------------------------------
JUDGED = based(run_of({"m": right(80), "j": right(80)}))


@pytest.mark.parametrize(
    ("kappa", "state", "expected"),
    [(0.80, "fell", "fail"), (0.59, "not used", "pass"), (None, "not used", "pass")],
)
def test_a_judge_blocks_only_while_it_is_calibrated(
    kappa: float | None, state: str, expected: str
) -> None:
    known = {} if kappa is None else {"j-1": Calibration("j-1", kappa, 0, 1, 80)}
    made = decide(run_of({"m": right(80), "j": right(60)}), JUDGED, known)
    states = {line.metric: line.state for line in made.lines}
    assert (states, made.verdict) == ({"m": "held", "j": state}, expected)
    assert ("may not block" in render(made)) is (state == "not used")


def test_a_judge_that_may_not_block_does_not_by_failing_either() -> None:
    run = run_of({"m": right(80), "j": [None] * 100})
    assert decide(run, JUDGED, {}).verdict == "pass"
    assert decide(run, JUDGED, CALIBRATED).verdict == "fail"


def test_a_swapped_judge_fails_however_kind_it_is() -> None:
    run = run_of({"m": right(80), "j": right(100)}, judges={"j": "j-2"})
    made = decide(run, JUDGED, CALIBRATED | {"j-2": Calibration("j-2", 0.99, 0.9, 1, 80)})
    assert (made.verdict, made.caught) == ("fail", ["j"])
    assert "judged by j-2, the baseline by j-1" in made.lines[1].note


def test_a_gate_whose_only_metric_may_not_block_does_not_pass() -> None:
    judged = based(run_of({"j": right(80)}))
    made = decide(run_of({"j": right(80)}), judged, {})
    assert (made.verdict, made.broken) == (
        "fail",
        ("no gated metric was judged, so nothing was held",),
    )


def test_calibrations_are_read_by_identity(tmp_path: Path) -> None:
    file = tmp_path / "c.jsonl"
    row = {"identity": "j-1", "kappa": 0.7, "low": 0.6, "high": 0.8, "cases": 80, "more": "x"}
    file.write_text(json.dumps(row) + "\n")
    assert read_calibrations(file) == {"j-1": Calibration("j-1", 0.7, 0.6, 0.8, 80)}
    assert read_calibrations(tmp_path / "none") == {}
    file.write_text("{}\n")
    with pytest.raises(UserError, match="damaged"):
        read_calibrations(file)


# --- the baseline --------------------------------------------------------------------------------
def test_a_baseline_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "b.jsonl"
    made = based(run_of({"m": right(80), "j": [0.5, 1 / 3, *right(98, 98)]}))
    write_baseline(file, made)
    read = read_baseline(file)
    assert read.rules == made.rules
    assert read.values["m"] == made.values["m"]
    assert read.values["j"] == pytest.approx(made.values["j"], abs=1e-6)
    assert len(file.read_text().splitlines()) == 101  # one line a case, for a review


@pytest.mark.parametrize(
    ("run", "why", "says"),
    [
        (run_of({"m": right(80)}), " ", "say why"),
        (dataclasses.replace(run_of({"m": right(80)}), summary={}), "x", "not complete"),
        (run_of({"m": [None, *right(80)]}), "x", "failures in m"),
    ],
)
def test_a_baseline_needs_a_reason_and_a_whole_run(run: Run, why: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        new_baseline(run, why, None)


def test_an_update_keeps_the_reasons(tmp_path: Path) -> None:
    again = new_baseline(run_of({"m": right(90), "new": right(9, 100)}), "better words", BASE)
    assert [entry["why"] for entry in again.history] == ["the first", "better words"]
    assert again.rules.drop == {"m": 0.05, "new": 0.05}
    file = tmp_path / "b.jsonl"
    file.write_text("{}\n")
    with pytest.raises(UserError, match="damaged"):
        read_baseline(file)
    with pytest.raises(UserError, match="there is no baseline"):
        read_baseline(tmp_path / "none.jsonl")


# --- comparing -----------------------------------------------------------------------------------
def test_two_runs_are_compared_case_by_case() -> None:
    old = run_of({"m": right(80), "gone": right(1)})
    new = run_of({"m": [0.0, None, *right(83)[2:]], "came": right(1)}, run="r2")
    found = compare(old, new)
    (change,) = found.changes
    assert (change.cases, change.left_out) == (99, 1)
    assert (change.old, change.new) == (pytest.approx(79 / 99), pytest.approx(81 / 99))
    flips = [(flip.case, flip.old, flip.new) for flip in change.flips]
    assert flips == [
        ("c000", 1.0, 0.0),
        ("c080", 0.0, 1.0),
        ("c081", 0.0, 1.0),
        ("c082", 0.0, 1.0),
    ]
    assert change.p == pytest.approx(10 / 16)  # one lost, three won: a sign test by hand
    assert change.worst == pytest.approx(0.81 - 0.80)
    assert change.best == pytest.approx(0.82 - 0.80)
    assert found.only == {"gone": "r1", "came": "r2"}


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (run_of({"m": right(80)}, cases="x"), "the cases of"),
        (run_of({"m": right(80)}, corpus="x"), "the corpus of"),
        (dataclasses.replace(run_of({"m": right(80)}), summary={}), "not complete"),
    ],
)
def test_what_cannot_be_compared_is_refused(other: Run, says: str) -> None:
    with pytest.raises(UserError, match=says):
        compare(run_of({"m": right(80)}), other)


def test_metrics_of_two_judges_are_not_compared() -> None:
    old, new = run_of({"j": right(80)}), run_of({"j": right(90)}, judges={"j": "j-2"})
    found = compare(old, new)
    assert (found.changes, found.judges) == ((), ("j",))
