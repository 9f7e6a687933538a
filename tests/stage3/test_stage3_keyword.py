"""BM25 in SQL against rank-bm25: the same chunks in the same order with the same scores."""

from __future__ import annotations

import math
import random
from datetime import date
from typing import Any

import pytest

from stage3_rag.contract import Filters
from stage3_rag.keyword_reference import RankBM25
from stage3_rag.store import Store

WORDS = [f"w{rank}" for rank in range(60)]
WEIGHTS = [1 / (rank + 1) for rank in range(60)]  # Zipf: w0 stands in more than half of the chunks
QUESTIONS = 40


@pytest.fixture
async def corpus(store: Store, paper: Any) -> Store:
    draw = random.Random(3)
    for number in range(40):
        texts = [
            " ".join(draw.choices(WORDS, WEIGHTS, k=draw.randrange(1, 30)))
            for _ in range(draw.randrange(1, 5))
        ]
        if number % 5 == 0:
            texts.append(texts[0])  # equal chunks have equal scores
        document, chunks = paper(
            f"d{number}", *texts, tags=(f"t{number % 3}",), updated=date(2026, 1, 1 + number % 28)
        )
        await store.replace(document, "h", chunks)
    return store


async def test_the_same_ranking_as_rank_bm25(corpus: Store) -> None:
    reference = await RankBM25.load(corpus)
    draw = random.Random(4)
    for _ in range(QUESTIONS):
        asked = draw.choices([*WORDS, "unknown"], k=draw.randrange(1, 9))  # some of them twice
        ours = await corpus.keyword(asked, 1000)
        theirs = await reference.keyword(asked, 1000)
        assert [id for id, _ in ours] == [id for id, _ in theirs]
        assert [s for _, s in ours] == pytest.approx([s for _, s in theirs])


@pytest.mark.parametrize(
    "filters",
    [
        Filters(tags=("t1",)),
        Filters(tags=("t0", "t2"), since=date(2026, 1, 10)),
        Filters(documents=("d3", "d10", "d99")),
        Filters(since=date(2026, 1, 5), until=date(2026, 1, 9)),
    ],
)
async def test_filters_leave_scores_as_they_are(corpus: Store, filters: Filters) -> None:
    reference = await RankBM25.load(corpus)
    scores = dict(await corpus.keyword(WORDS[:5], 1000))
    ours = await corpus.keyword(WORDS[:5], 1000, filters)
    assert ours
    assert len(ours) < len(scores)
    assert [id for id, _ in ours] == [
        id for id, _ in await reference.keyword(WORDS[:5], 1000, filters)
    ]
    assert dict(ours) == pytest.approx({id: scores[id] for id, _ in ours})


async def test_still_the_same_after_documents_changed_and_went(corpus: Store, paper: Any) -> None:
    await corpus.remove("d1", "d2", "d3")
    document, chunks = paper("d4", "w0 w1 w1 w7", "w50")
    await corpus.replace(document, "h2", chunks)
    reference = await RankBM25.load(corpus)
    ours, theirs = [await one.keyword(["w1", "w7"], 50) for one in (corpus, reference)]
    assert [id for id, _ in ours] == [id for id, _ in theirs]
    assert dict(ours) == pytest.approx(dict(theirs))


async def test_a_score_worked_out_by_hand(store: Store, paper: Any) -> None:
    """Three chunks of lengths 3, 1 and 2; "red" stands in two of them, twice in the first."""
    document, chunks = paper("one", "red red apple", "red", "green pear")
    await store.replace(document, "h", chunks)
    idf = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    first = idf * 2 * 2.5 / (2 + 1.5 * (0.25 + 0.75 * 3 / 2))
    second = idf * 1 * 2.5 / (1 + 1.5 * (0.25 + 0.75 * 1 / 2))
    found = await store.keyword(["red"], 5)
    assert [score for _, score in found] == pytest.approx([second, first])
    assert await store.idf(["red", "blue"]) == pytest.approx({"red": idf})


async def test_a_question_of_ten_thousand_words_is_answered(corpus: Store) -> None:
    asked = [f"nonsense{number}" for number in range(10_000)] + ["w3"]
    assert await corpus.keyword(asked, 10) == await corpus.keyword(["w3"], 10)
    assert await corpus.keyword([], 10) == []
