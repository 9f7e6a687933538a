"""Claims are held against the passage, and the verdict fits the schema."""

import json
from typing import Any

import pytest

from shared.messages import OutputSchema, Request, user
from shared.offline.brain import think

PASSAGE = (
    "The Eiffel Tower was completed in 1889. It is 330 metres tall and stands in Paris. "
    "The lift is not open at night."
)
SCHEMA = {
    "type": "object",
    "properties": {
        "supported": {"type": "boolean"},
        "verdict": {"enum": ["supported", "contradicted", "not_enough_info"]},
        "score": {"type": "integer", "minimum": 1, "maximum": 5},
        "reason": {"type": "string"},
    },
    "required": ["supported", "verdict", "score", "reason"],
}


def judged(prompt: str, schema: dict[str, Any] = SCHEMA) -> Any:
    request = Request(messages=(user(prompt),), output=OutputSchema("it", schema))
    return json.loads(think(request, "small", None).text)


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        ("The Eiffel Tower was completed in 1889.", "supported"),
        ("The tower stands in Paris and is 330 metres tall [1].", "supported"),
        ("The Eiffel Tower was completed in 1920.", "contradicted"),
        ("The lift is open at night.", "contradicted"),
        ("Gustave hated cheese.", "not_enough_info"),
    ],
)
@pytest.mark.parametrize(
    "form", ["Context: {}\n\nClaim: {}", "<passage>{}</passage>\n<answer>{}</answer>"]
)
def test_verdicts(claim: str, verdict: str, form: str) -> None:
    got = judged(form.format(PASSAGE, claim))
    assert got["verdict"] == verdict
    assert got["supported"] == (verdict == "supported")
    assert (got["score"] >= 4) == (verdict == "supported")


def test_a_field_that_names_the_fault_is_turned_round() -> None:
    schema = {
        "type": "object",
        "properties": {"hallucinated": {"type": "boolean"}},
        "required": ["hallucinated"],
    }
    assert judged(f"Context: {PASSAGE}\nClaim: Gustave hated cheese.", schema)["hallucinated"]


def test_without_a_schema_it_answers_as_asked() -> None:
    prompt = f"Is the claim supported? Answer yes or no.\nContext: {PASSAGE}\nClaim: "
    yes = Request(messages=(user(prompt + "The tower was completed in 1889."),))
    no = Request(messages=(user(prompt + "Penguins run the lift."),))
    assert think(yes, "small", None).text == "yes"
    assert think(no, "small", None).text == "no"


def test_the_better_of_two_answers() -> None:
    prompt = (
        "Which answer is better?\nQuestion: When was the tower completed?\nReference: In 1889.\n"
        "Answer A: {}\nAnswer B: {}"
    )
    schema = {
        "type": "object",
        "properties": {"winner": {"enum": ["A", "B", "tie"]}},
        "required": ["winner"],
    }
    assert judged(prompt.format("In 1889.", "In 1920."), schema) == {"winner": "A"}
    assert judged(prompt.format("In 1920.", "In 1889."), schema) == {"winner": "B"}
