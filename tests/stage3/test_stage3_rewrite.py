"""What a model is asked for, what becomes of its answer, and what happens when it is no answer."""

from __future__ import annotations

import json
from datetime import date
from typing import Any, cast

import pytest

from shared.errors import InvalidOutput
from shared.messages import Reply, Request, Usage
from shared.providers.provider import Provider
from stage3_rag.contract import Filters, Turn
from stage3_rag.rewrite import expanded, hypothetical, joined, self_query, standalone

HISTORY = [Turn(f"question {n}", f"answer {n}") for n in range(9)]


class Scripted:
    """A model that says one thing and remembers what it was asked."""

    def __init__(self, body: Any) -> None:
        self._text = body if isinstance(body, str) else json.dumps(body)
        self.asked: list[Request] = []

    async def complete(self, request: Request, *, feature: str = "") -> Reply:
        self.asked.append(request)
        return Reply(text=self._text, model="scripted", stop="end", usage=Usage())


def provider(body: Any) -> tuple[Scripted, Provider]:
    model = Scripted(body)
    return model, cast(Provider, model)


async def test_a_follow_up_is_asked_with_the_last_turns_before_it() -> None:
    model, given = provider({"question": "What does an image cost?"})
    found, reply = await standalone("And an image?", HISTORY, given)
    assert found == "What does an image cost?"
    assert reply is not None
    said = [message.text for message in model.asked[0].messages]
    assert said[-1] == "And an image?"
    assert said[:2] == ["question 3", "answer 3"]


async def test_a_first_question_costs_nothing() -> None:
    model, given = provider({"question": "never"})
    assert await standalone("What is RRF?", [], given) == ("What is RRF?", None)
    assert model.asked == []


async def test_expansion_keeps_the_question_and_at_most_three_more() -> None:
    _, given = provider({"questions": ["b", "c", "d", "e"]})
    assert (await expanded("a", given))[0].splitlines() == ["a", "b", "c", "d"]


async def test_hyde_searches_with_question_and_passage() -> None:
    _, given = provider({"passage": "It is one over k plus rank."})
    assert (await hypothetical("What is RRF?", given))[0] == (
        "What is RRF?\nIt is one over k plus rank."
    )


async def test_a_filter_has_only_tags_that_there_are() -> None:
    body = {"question": "What changed?", "tags": ["cache", "x"], "since": "2026-03-01"}
    _, given = provider({**body, "until": None})
    question, filters, _ = await self_query("What changed since March?", ["cache"], given)
    assert question == "What changed?"
    assert filters == Filters(tags=("cache",), since=date(2026, 3, 1))


@pytest.mark.parametrize("body", ["no JSON", {"question": ""}, {"passage": 1}])
async def test_nonsense_is_an_error_and_no_question(body: Any) -> None:
    _, given = provider(body)
    with pytest.raises(InvalidOutput):
        await standalone("And an image?", HISTORY, given)


def test_without_a_model_the_question_before_is_searched_with() -> None:
    assert joined("And an image?", HISTORY) == "question 8\nAnd an image?"
    assert joined("What is RRF?", []) == "What is RRF?"
