"""Intervals and tests against SciPy's, and against what they promise: covering the truth."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from statistics import fmean

import numpy as np
import pytest
from scipy import stats

from shared.resampling import bootstrap, drop_p, paired, paired_means, percentile, wilson

DRAW = Random(7)
NEW = [DRAW.gauss(0.8, 0.1) for _ in range(30)]
OLD = [value - DRAW.gauss(0.03, 0.1) for value in NEW]
COUNTS = [(DRAW.randrange(5, 10), DRAW.randrange(3), DRAW.randrange(4)) for _ in range(30)]


def f1(counts: Sequence[tuple[int, ...]]) -> float:
    tp, fp, fn = map(sum, zip(*counts, strict=True))
    return 2 * tp / (2 * tp + fp + fn)


def f1_of_columns(tp: np.ndarray, fp: np.ndarray, fn: np.ndarray, axis: int = -1) -> np.ndarray:
    tp, fp, fn = tp.sum(axis), fp.sum(axis), fn.sum(axis)
    return 2 * tp / (2 * tp + fp + fn)


def test_the_interval_of_a_mean_is_scipys() -> None:
    ours = bootstrap(NEW, fmean, resamples=5000)
    theirs = stats.bootstrap((NEW,), np.mean, n_resamples=5000, method="percentile", rng=1)
    assert ours.value == fmean(NEW)
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.003)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.003)


def test_the_interval_of_a_ratio_over_documents_is_scipys() -> None:
    ours = bootstrap(COUNTS, f1, resamples=5000)
    theirs = stats.bootstrap(
        tuple(np.array(COUNTS).T),
        f1_of_columns,
        paired=True,
        n_resamples=5000,
        method="percentile",
        rng=1,
    )
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.004)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.004)


def test_the_paired_test_is_scipys() -> None:
    ours = paired(NEW, OLD, fmean, resamples=5000)
    theirs = stats.permutation_test(
        (NEW, OLD),
        lambda one, other, axis: np.mean(one, axis) - np.mean(other, axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=5000,
        rng=1,
    )
    assert ours.value == pytest.approx(theirs.statistic)
    assert ours.p == pytest.approx(theirs.pvalue, abs=0.02)


def test_the_interval_of_a_difference_is_that_of_the_differences() -> None:
    ours = paired(NEW, OLD, fmean, resamples=5000)
    differences = [new - old for new, old in zip(NEW, OLD, strict=True)]
    plain = bootstrap(differences, fmean, resamples=5000)
    assert (ours.low, ours.high) == (pytest.approx(plain.low), pytest.approx(plain.high))


RIGHT = [float(DRAW.random() < 0.8) for _ in range(60)]
WAS_RIGHT = [float(DRAW.random() < 0.9) for _ in range(60)]


def test_the_difference_of_means_is_the_paired_one() -> None:
    general = paired(NEW, OLD, fmean, resamples=5000)
    quick = paired_means(NEW, OLD, resamples=5000)
    assert quick.value == pytest.approx(general.value)
    assert quick.low == pytest.approx(general.low, abs=1e-9)
    assert quick.p == pytest.approx(general.p, abs=0.03)  # two runs of 5,000 tosses


@pytest.mark.parametrize(("new", "old"), [(NEW, OLD), (OLD, NEW), (RIGHT, WAS_RIGHT)])
def test_the_test_of_a_drop_is_scipys(new: list[float], old: list[float]) -> None:
    ours = paired_means(new, old, resamples=5000)
    for alternative, p in (("less", ours.p_drop), ("two-sided", ours.p)):
        theirs = stats.permutation_test(
            (new, old),
            lambda one, other, axis: np.mean(one, axis) - np.mean(other, axis),
            permutation_type="samples",
            vectorized=True,
            n_resamples=5000,
            alternative=alternative,
            rng=1,
        )
        assert p == pytest.approx(theirs.pvalue, abs=0.02)


@pytest.mark.parametrize(("losses", "gains"), [(0, 0), (5, 0), (7, 2), (2, 7), (40, 22)])
def test_the_test_of_a_flip_is_scipys(losses: int, gains: int) -> None:
    if losses + gains:
        theirs = stats.binomtest(losses, losses + gains, alternative="greater").pvalue
        assert drop_p(losses, gains) == pytest.approx(theirs)
        new = [0.0] * losses + [1.0] * gains + [1.0, 0.0]
        old = [1.0] * losses + [0.0] * gains + [1.0, 0.0]
        assert paired_means(new, old).p_drop == pytest.approx(theirs)
        both = stats.binomtest(losses, losses + gains).pvalue
        assert paired_means(new, old).p == pytest.approx(both)
    else:
        assert drop_p(0, 0) == 1


def test_no_change_is_no_gain() -> None:
    found = paired(NEW, NEW, fmean)
    assert (found.value, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_a_change_in_every_document_is_beyond_noise() -> None:
    found = paired([1.0] * 20, [0.0] * 20, fmean)
    assert found.p == pytest.approx(1 / 2001, abs=1e-3)  # 2 of 2^20 swaps are as much
    assert found.low == 1


def test_two_runs_over_other_documents_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match="shorter"):
        paired(NEW, OLD[:-1], fmean)


def test_the_same_documents_give_the_same_interval() -> None:
    assert bootstrap(NEW, fmean) == bootstrap(NEW, fmean)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    draw = Random(11)
    covered = 0
    for _ in range(200):
        found = bootstrap([draw.gauss(0, 1) for _ in range(40)], fmean, resamples=200)
        covered += found.low <= 0 <= found.high
    assert 0.88 <= covered / 200 <= 0.99


@pytest.mark.parametrize(("hits", "total"), [(0, 30), (1, 30), (15, 30), (30, 30)])
def test_wilson_is_scipys(hits: int, total: int) -> None:
    theirs = stats.binomtest(hits, total).proportion_ci(method="wilson")
    assert wilson(hits, total) == pytest.approx((theirs.low, theirs.high))


@pytest.mark.parametrize("percent", [5, 50, 95])
def test_percentiles_are_numpys(percent: int) -> None:
    assert percentile(NEW, percent) == pytest.approx(float(np.percentile(NEW, percent)))
    assert percentile([3.0], percent) == 3.0
