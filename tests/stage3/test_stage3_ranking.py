"""Fusion, late interaction, metrics and refusal against worked examples and second derivations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from shared.embeddings import MiniLM, TokenVectors
from stage3_rag.fusion import (
    FOREIGN,
    Pool,
    Weights,
    best_first,
    convex,
    ranks,
    reciprocal_ranks,
    standardised,
    standardised_sum,
)
from stage3_rag.late import pack, similarities
from stage3_rag.metrics import Refusals, ndcg, recall, reciprocal_rank
from stage3_rag.refusal import confidence, coverage, threshold

numbers = st.lists(st.floats(-10, 10, width=32), min_size=2, max_size=30)


def column(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_reciprocal_ranks_by_hand() -> None:
    fused = reciprocal_ranks([column(9, 5, 1), column(0.1, 0.3, 0.2)], k=60)
    assert fused == pytest.approx([1 / 61 + 1 / 63, 1 / 62 + 1 / 61, 1 / 63 + 1 / 62])


def test_no_match_has_no_rank() -> None:
    assert reciprocal_ranks([column(2, 0, 0)], k=10) == pytest.approx([1 / 11, 0, 0])


def test_convex_scales_both_to_one() -> None:
    assert convex(column(0, 5, 10), column(0.2, 0.6, 0.4)) == pytest.approx([0, 0.75, 0.75])


@given(numbers)
def test_ranks_agree_with_scipy(values: list[float]) -> None:
    scores = column(*values)
    assert ranks(scores).tolist() == stats.rankdata(-scores, method="ordinal").tolist()


@given(numbers)
def test_standardised_agrees_with_scipy(values: list[float]) -> None:
    scores = column(*values).astype(np.float64)
    if scores.std() > 1e-3:
        assert np.allclose(standardised(scores), stats.zscore(scores), atol=1e-6)


def test_a_retriever_that_cannot_tell_has_no_say() -> None:
    pool = Pool((1, 2, 3), column(0, 0, 0), column(0.1, 0.5, 0.3))
    assert best_first(standardised_sum(pool)) == [1, 2, 0]
    assert standardised(column(4, 4)).tolist() == [0, 0]
    assert standardised_sum(Pool((), column(), column())).tolist() == []


def test_weights_decide_between_retrievers() -> None:
    pool = Pool((1, 2), column(1, 0), column(0, 1), column(0, 1))
    assert best_first(standardised_sum(pool, Weights(0, 1, 0))) == [0, 1]
    assert best_first(standardised_sum(pool, Weights(1, 1, 1))) == [1, 0]
    assert best_first(standardised_sum(pool, FOREIGN)) == [0, 1]


@pytest.mark.embeddings
def test_one_bit_keeps_the_order_of_late_interaction(minilm: MiniLM) -> None:
    """Against the same sum over the full vectors, written out here."""
    [asked] = minilm.embed_tokens(["How do I undo the last commit?"])
    texts = [
        "Use git reset to take back a commit that you have not pushed.",
        "The revert command makes a new commit that undoes an older one.",
        "Bread is baked for forty minutes at two hundred degrees.",
        "Tomatoes need water in the morning.",
    ]
    by_token = minilm.embed_tokens(texts)
    full = [
        np.mean([max(q @ c for c in chunk.vectors[1:-1]) for q in asked.vectors[1:-1]])
        for chunk in by_token
    ]
    found = similarities(asked, [pack(chunk) for chunk in by_token])
    assert set(best_first(found)[:2]) == {0, 1}
    assert stats.pearsonr(found, full).statistic >= 0.95
    assert len(pack(by_token[0])) == 48 * (len(by_token[0].tokens) - 2)


def test_similarity_is_the_mean_of_the_best_cosines_to_sign_vectors() -> None:
    """Written out with plain loops, for chunks of different lengths and an empty one."""
    draw = np.random.default_rng(1)

    def text(tokens: int) -> TokenVectors:
        vectors = draw.standard_normal((tokens + 2, 20)).astype(np.float32)
        names = ("[CLS]", *(f"t{at}" for at in range(tokens)), "[SEP]")
        return TokenVectors(names, vectors, np.ones(tokens + 2, np.float32))

    asked, chunks = text(3), [text(4), text(1), text(7)]
    expected = [
        np.mean(
            [
                max(float(q @ np.sign(c)) / math.sqrt(20) for c in chunk.vectors[1:-1])
                for q in asked.vectors[1:-1]
            ]
        )
        for chunk in chunks
    ]
    packed = [b"", *(pack(chunk) for chunk in chunks), b""]
    assert similarities(asked, packed) == pytest.approx([0, *expected, 0], abs=1e-5)
    assert similarities(asked, []).shape == (0,)


def test_a_text_of_markers_alone_still_has_a_vector() -> None:
    text = TokenVectors(("[CLS]", "[SEP]"), np.eye(2, 8, dtype=np.float32), np.ones(2, np.float32))
    assert similarities(text, [pack(text), b""]).shape == (2,)


def test_metrics_of_a_worked_example() -> None:
    ranking, relevant = ["x", "a", "y", "b", "z"], {"a", "b", "c"}
    assert recall(ranking, relevant, 1) == 0
    assert recall(ranking, relevant, 5) == pytest.approx(2 / 3)
    assert reciprocal_rank(ranking, relevant) == 1 / 2
    gained = 1 / math.log2(3) + 1 / math.log2(5)
    ideal = 1 / math.log2(2) + 1 / math.log2(3) + 1 / math.log2(4)
    assert ndcg(ranking, relevant, 5) == pytest.approx(gained / ideal)
    assert reciprocal_rank(["x"], relevant) == 0


@given(st.permutations(range(12)), st.sets(st.integers(0, 15), min_size=1), st.integers(1, 12))
def test_ndcg_agrees_with_a_second_derivation(
    ranking: list[int], relevant: set[int], k: int
) -> None:
    """As arrays: gains times discounts, over the best that sorted gains could have."""
    gains = np.array([item in relevant for item in ranking], float)
    every = np.sort(np.array([1.0] * len(relevant) + [0.0] * 12))[::-1]
    discounts = 1 / np.log2(np.arange(2, k + 2))
    expected = (gains[:k] @ discounts) / (every[:k] @ discounts)
    assert ndcg(ranking, relevant, k) == pytest.approx(expected)


def test_refusals_are_counted_by_who_was_right() -> None:
    found = Refusals.count(
        refused=[True, True, False, False, False], answerable=[False, True, False, True, True]
    )
    assert (found.right, found.false, found.missed, found.answered) == (1, 1, 1, 2)
    assert (found.precision, found.recall, found.f1) == (0.5, 0.5, 0.5)
    assert found.false_share == pytest.approx(1 / 3)
    assert Refusals.count([], []).f1 == 0


def test_coverage_weighs_by_rarity_and_takes_the_best_chunk() -> None:
    idf = {"common": 1.0, "rare": 3.0}
    assert coverage(["common", "rare"], [["common"], ["rare", "x"]], idf, 4.0) == 0.75
    assert coverage(["common", "unseen"], [["common"]], idf, 4.0) == pytest.approx(1 / 5)
    assert coverage([], [["common"]], idf, 4.0) == 0
    assert coverage(["common"], [], idf, 4.0) == 0


def test_confidence_stays_between_none_and_all() -> None:
    assert confidence(1.0, 1.0, 1.0) == pytest.approx(1.0)
    assert confidence(-0.2, 0.0) == 0
    assert confidence(0.5, 0.0) == confidence(0.5, 0.0, 0.5)


def test_vectors_of_a_language_the_model_does_not_know_are_not_trusted() -> None:
    alike, met = (0.67, 0.0), (0.40, 0.5)
    assert confidence(*alike) > confidence(*met)
    assert confidence(*alike, understood=False) < confidence(*met, understood=False)


@given(st.lists(st.floats(0, 1), min_size=20, max_size=200), st.floats(0, 0.5))
def test_no_more_than_the_share_lies_below_the_threshold(values: list[float], share: float) -> None:
    line = threshold(values, share)
    assert sum(one < line for one in values) <= share * len(values)
