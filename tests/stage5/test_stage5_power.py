"""What a set can see, against exact distributions and the gate itself."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from random import Random
from statistics import fmean

import numpy as np
import pytest
from scipy import stats

from stage5_evals.baseline import Baseline, Rules
from stage5_evals.gate import decide
from stage5_evals.power import Setup, cases_needed, rates, sight, simulated, smallest_proven
from stage5_evals.runs import Config, Row, Run
from stage5_evals.suite import suite_of
from stage5_evals.summary import interval, metrics


def exact(setup: Setup, drop: float) -> tuple[float, float]:
    """The two rates by summing over every outcome: a second way to the same numbers.

    Of the wavering cases each is lost, won or neither with 1/4, 1/4, 1/2; of the solid ones each is
    lost alone. The limit is taken at the mean of the baseline's own right answers.
    """
    shaky = round(setup.cases * setup.unstable)
    solid = round(setup.cases * setup.base - shaky / 2)
    lost = stats.binom(solid, drop * setup.cases / solid)
    fell = proven = 0.0
    for old in range(shaky + 1):  # right in the first run
        p_old = stats.binom(shaky, 0.5).pmf(old)
        kept, won = stats.binom(old, 0.5), stats.binom(shaky - old, 0.5)
        for losses_shaky in range(old + 1):
            p_lost = p_old * kept.pmf(old - losses_shaky)
            gains = np.arange(shaky - old + 1)
            losses = losses_shaky + np.arange(solid + 1)
            chance = p_lost * np.outer(lost.pmf(np.arange(solid + 1)), won.pmf(gains))
            net = losses[:, None] - gains[None, :]
            limit = setup.limit * (solid + old)
            fell += chance[(net > 0) & (net >= limit - 1e-9)].sum()
            p = stats.binom.sf(losses[:, None] - 1, losses[:, None] + gains[None, :], 0.5)
            proven += chance[p < setup.alpha].sum()
    return fell, proven


@pytest.mark.parametrize("unstable", [0.0, 0.1, 0.2])
@pytest.mark.parametrize("drop", [0.0, 0.05, 0.10])
def test_the_simulation_is_the_exact_distribution(unstable: float, drop: float) -> None:
    setup = Setup(100, 0.85, unstable)
    found = rates(setup, drop, runs=20_000)
    expected = exact(setup, drop)
    assert (found.gate, found.paired) == pytest.approx(expected, abs=0.015)


def test_unchanged_runs_differ_only_by_what_wavers() -> None:
    pairs = list(simulated(Setup(100, 0.85, 0.2), 0.0, 5000))
    assert fmean(before for before, *_ in pairs) == pytest.approx(85, abs=0.2)
    assert fmean(losses for _, losses, _ in pairs) == pytest.approx(5, abs=0.15)
    assert fmean(gains for *_, gains in pairs) == pytest.approx(5, abs=0.15)
    assert {one[1:] for one in simulated(Setup(100, 0.85, 0.0), 0.0, 50)} == {(0, 0)}


def test_more_cases_see_less_and_wavering_ones_need_more() -> None:
    needed = [cases_needed(0.05, 0.85, share) for share in (0.0, 0.1, 0.2)]
    assert needed == sorted(needed)
    found = rates(Setup(needed[1], 0.85, 0.1), 0.05 * 0.85, runs=4000)
    assert found.paired == pytest.approx(0.8, abs=0.05)
    seen = [smallest_proven(Setup(n, 0.85, 0.1)) or 1 for n in (50, 100, 400)]
    assert seen == sorted(seen, reverse=True)
    assert smallest_proven(Setup(4, 0.5, 0.0)) is None  # two lost cases prove nothing


def test_a_metric_at_nothing_can_lose_nothing() -> None:
    seen = sight("m", Setup(50, 0.0, 0.0), False)
    assert (seen.false_alarms, seen.proven_from) == (0.0, None)


def gate_rate(unstable: int, lost: float, runs: int) -> tuple[float, float]:
    """The real gate over runs with drawn answers: how often it blocks, how often it says fail."""
    draw = Random(5)
    ids = [f"c{n:03d}" for n in range(100)]

    def drawn(drop: float) -> dict[str, float]:
        right = {}
        for at, name in enumerate(ids):
            if at < unstable:
                right[name] = float(draw.random() < 0.5)
            else:
                solid = at < 85 + unstable / 2
                right[name] = float(solid and draw.random() >= drop / 0.85)
        return right

    suite = suite_of({"folder": "/s", "cases": "c", "target": "t:f"}, "test")
    config = Config("r", "now", suite, "c", "p", "t", {})
    blocked = failed = 0
    for _ in range(runs):
        base = Baseline("b", "t", "c", "p", {}, Rules({"m": 0.05}), (), {"m": drawn(0.0)}, {})
        rows = tuple(Row(name, 0, grades={"m": value}) for name, value in drawn(lost).items())
        run = Run(Path("/r"), config, rows, {"complete": True})
        made = decide(run, dataclasses.replace(base, unstable={"m": unstable / 100}), {})
        blocked += made.verdict != "pass"
        failed += made.verdict == "fail"
    return blocked / runs, failed / runs


def test_the_gate_itself_blocks_as_often_as_the_simulation_says() -> None:
    """One set of 100 with a fifth wavering: false alarms, and a true drop of a tenth."""
    quiet, fallen = gate_rate(20, 0.0, 150), gate_rate(20, 0.085, 150)
    expected = rates(Setup(100, 0.85, 0.2), 0.0), rates(Setup(100, 0.85, 0.2), 0.085)
    assert quiet[0] == pytest.approx(expected[0].gate, abs=0.07)
    assert fallen[0] == pytest.approx(expected[1].gate, abs=0.12)
    assert fallen[1] <= fallen[0]


# --- the numbers of one run ----------------------------------------------------------------------
def test_the_interval_of_a_share_is_wilsons() -> None:
    theirs = stats.binomtest(37, 46).proportion_ci(method="wilson")
    assert interval([1.0] * 37 + [0.0] * 9) == pytest.approx((theirs.low, theirs.high))


@pytest.mark.parametrize("n", [60, 300, 301, 1000])
def test_the_interval_of_a_mean_is_scipys_whether_drawn_or_normal(n: int) -> None:
    draw = Random(n)
    values = [draw.betavariate(5, 1.5) for _ in range(n)]
    low, high = interval(values)
    theirs = stats.bootstrap((values,), np.mean, method="percentile", rng=1).confidence_interval
    width = theirs.high - theirs.low
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=0.08 * width)


def test_bounds_are_all_failed_wrong_and_all_failed_right() -> None:
    rows = [Row(f"c{n}", 0, grades={"m": 1.0}) for n in range(6)]
    rows += [Row(f"c{n}", 0, grades={"m": 0.0}) for n in range(6, 8)]
    rows += [Row(f"c{n}", 0, failed={"m": "judge: 429"}) for n in range(8, 10)]
    found = metrics(rows)["m"]
    assert (found.value, found.worst, found.best) == (0.75, 0.6, 0.8)
    assert (found.cases, found.failed, found.unstable) == (10, 2, None)
