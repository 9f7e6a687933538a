"""What an answer is worth, against values worked out by hand or by another formula."""

from __future__ import annotations

import math
from typing import Any

import pytest

from shared.errors import UserError
from stage5_evals.answers import Answer, BadAnswer, Citation, Passage, Step, read_answer
from stage5_evals.cases import Case, Span, case_of
from stage5_evals.retrieval import ndcg, recall, reciprocal_rank
from stage5_evals.rules import (
    citations_right,
    citations_support,
    limit_rules,
    numbers_right,
    refusal_rules,
    regex_rule,
    schema_rule,
    words_right,
)
from stage5_evals.trajectory import trajectory_rules

QUOTES = [
    "the boat leaves at nine in the morning",
    "a return ticket costs 140 crowns today",
    "dogs stay on the aft deck always",
]
CASE = Case(
    id="a",
    question="When, and for how much?",
    answer="At 9, for 140 crowns.",
    needs=((Span("a.md", QUOTES[0]), Span("b.md", QUOTES[0])), (Span("t.md", QUOTES[1]),)),
)
REFUSE = Case(id="r", question="Who won?")


def passages(*places: tuple[str, str]) -> tuple[Passage, ...]:
    return tuple(Passage(document, f"before {text} after") for document, text in places)


def answer(text: str = "x", **more: Any) -> Answer:
    return Answer(text, more.pop("declined", False), **more)


NOISE = ("z.md", "nothing of use")
FIRST, SECOND = ("b.md", QUOTES[0]), ("t.md", QUOTES[1])


@pytest.mark.parametrize(
    ("ranking", "expected"),
    [
        ((FIRST, SECOND), (1.0, 1.0, 1.0)),
        ((NOISE, SECOND, FIRST), (1.0, 1 / 2, (1 / math.log2(3) + 1 / 2) / (1 + 1 / math.log2(3)))),
        ((NOISE, NOISE), (0.0, 0.0, 0.0)),
        ((FIRST, FIRST, FIRST), (0.5, 1.0, 1 / (1 + 1 / math.log2(3)))),
        ((NOISE,) * 5 + (FIRST,), (0.0, 1 / 6, (1 / math.log2(7)) / (1 + 1 / math.log2(3)))),
        ((("a.md", QUOTES[1]), ("t.md", QUOTES[0])), (0.0, 0.0, 0.0)),
        ((), (0.0, 0.0, 0.0)),
    ],
)
def test_retrieval_by_hand(ranking: tuple[Any, ...], expected: tuple[float, ...]) -> None:
    given = answer(retrieved=passages(*ranking))
    found = (recall(CASE, given, 5), reciprocal_rank(CASE, given), ndcg(CASE, given, 10))
    assert [one.value for one in found] == pytest.approx(expected)


def test_half_a_quote_in_a_passage_is_enough_and_less_is_not() -> None:
    words = QUOTES[0].split()
    half, less = " ".join(words[:4]), " ".join(words[:3])
    for text, found in ((half, 0.5), (less, 0.0), (" ".join(reversed(words)), 0.0)):
        assert recall(CASE, answer(retrieved=(Passage("a.md", text),)), 5).value == found


def test_an_answer_in_no_form_is_one_sentence() -> None:
    good = {"answer": "x", "declined": False}
    assert read_answer(good).text == "x"
    for bad, says in (
        ([], "JSON object"),
        ({"error": "overloaded"}, "overloaded"),
        ({"declined": False}, "answer must be a text"),
        ({"answer": "x"}, "declined must be"),
        ({"answer": " ", "declined": False}, "empty answer"),
        (good | {"citations": "a.md"}, "citations must be a list"),
        (good | {"citations": [{"document": "a.md"}]}, "citations holds"),
        (good | {"retrieved": ["a.md"]}, "retrieved holds"),
        (good | {"cost_usd": "1"}, "cost_usd must be a number"),
        (good | {"cost_usd": True}, "cost_usd must be a number"),
    ):
        with pytest.raises(BadAnswer, match=says):
            read_answer(bad)


def test_refusals_count_only_where_they_are_due() -> None:
    refuses, answers = refusal_rules()
    declined, given = answer(declined=True), answer()
    assert [refuses.applies(one) for one in (CASE, REFUSE)] == [False, True]
    assert [answers.applies(one) for one in (CASE, REFUSE)] == [True, False]
    assert [refuses.check(REFUSE, one).value for one in (declined, given)] == [1, 0]
    assert [answers.check(CASE, one).value for one in (declined, given)] == [0, 1]


CITED = (Citation("t.md", QUOTES[1]),)


@pytest.mark.parametrize(
    ("text", "citations", "supported"),
    [
        ("A return ticket costs 140 crowns.", CITED, 1),
        ("A return ticket costs 150 crowns.", CITED, 0),
        ("Whales are mammals of the open sea.", CITED, 0),
        ("A return ticket costs 140 crowns.", (), 0),
    ],
)
def test_support_is_the_quotes_numbers_and_words(
    text: str, citations: tuple[Citation, ...], supported: float
) -> None:
    assert citations_support(CASE, answer(text, citations=citations)).value == supported


def test_a_citation_is_right_where_the_label_says() -> None:
    both = (*CITED, Citation("b.md", "the boat leaves at nine in the morning"))
    assert citations_right(CASE, answer(citations=both)).value == 1
    assert citations_right(CASE, answer(citations=CITED)).value == 0.5
    elsewhere = (Citation("z.md", QUOTES[1]),)
    assert citations_right(CASE, answer(citations=elsewhere)).value == 0
    assert citations_right(CASE, answer()).value == 0


def test_words_and_numbers_by_hand() -> None:
    assert numbers_right(CASE, answer("9 and 140")).value == 1
    assert numbers_right(CASE, answer("at 9")).why == "the answer lacks 140"
    # 2 words shared of 3 said and 5 wanted: 2 * 2 / 8
    assert words_right(CASE, answer("140 crowns altogether")).value == pytest.approx(0.5)
    assert words_right(CASE, answer("140 crowns", declined=True)).value == 0


def test_a_limit_and_an_unknown_cost() -> None:
    in_time, in_budget = limit_rules(3.0, 0.01)
    assert in_time.check(CASE, answer(seconds=2.9)).value == 1
    assert in_time.check(CASE, answer(seconds=3.1)).value == 0
    assert in_budget.check(CASE, answer(cost_usd=0.01)).value == 1
    assert in_budget.check(CASE, answer(cost_usd=0.02)).value == 0
    unknown = in_budget.check(CASE, answer())
    assert (unknown.value, unknown.failed) == (None, "the target does not state cost_usd")


def test_patterns_and_schemas() -> None:
    assert regex_rule("p", r"\d+").check(CASE, answer("at 9")).value == 1
    assert regex_rule("p", r"sorry", must=False).check(CASE, answer("sorry")).value == 0
    schema = {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}
    rule = schema_rule("s", schema)
    assert [rule.check(CASE, answer(text)).value for text in ('{"a": 1}', '{"a": "x"}', "no")] == [
        1,
        0,
        0,
    ]
    with pytest.raises(UserError, match="no regular expression"):
        regex_rule("p", "(")
    with pytest.raises(UserError, match="no JSON schema"):
        schema_rule("s", {"type": "wrong"})


AGENT = case_of(
    {
        "id": "g",
        "question": "Send it.",
        "expect": {"tools": ["search", "send"], "never": ["delete"], "steps": 3},
    }
)
SEARCH, SEND = Step("search", {"q": "x"}), Step("send", {"to": "y"})
BROKEN = Step("search", {"q": "x"}, "timed out")


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((SEARCH, SEND), (1, 1, 1, 1, 1)),
        ((SEND, SEARCH), (0.5, 1, 1, 1, 1)),
        ((SEARCH, SEARCH, SEND), (1, 1, 1, 0, 1)),
        ((BROKEN, SEARCH, SEND), (1, 1, 1, 1, 1)),
        ((SEARCH, BROKEN), (0.5, 1, 1, 0, 0)),
        ((SEARCH, SEND, Step("delete", {}), Step("x", {})), (1, 0, 0, 1, 1)),
        ((), (0, 1, 1, 1, 1)),
    ],
)
def test_trajectories_by_hand(steps: tuple[Step, ...], expected: tuple[float, ...]) -> None:
    rules = trajectory_rules()
    assert all(rule.applies(AGENT) and not rule.applies(CASE) for rule in rules)
    found = [rule.check(AGENT, answer(steps=steps)).value for rule in rules]
    assert found == list(expected)
