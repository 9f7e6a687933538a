"""Labels are chosen by descriptions and examples, in a schema or in plain text."""

from typing import Any

import pytest

from shared.messages import OutputSchema, Request, user
from shared.offline.brain import think
from shared.offline.skills import classify
from shared.offline.skills.mind import Mind

ABOUT = """\
- billing: invoices, payments, refunds, charged
- shipping: parcels, delivery, tracking
- technical: errors, crashes, login problems
"""
OPTIONS = ["billing", "shipping", "technical", "other"]


def chosen(text: str, system: str = "", options: list[str] = OPTIONS) -> Any:
    schema = {
        "type": "object",
        "properties": {"label": {"type": "string", "enum": options}},
        "required": ["label"],
    }
    request = Request(messages=(user(text),), system=system, output=OutputSchema("it", schema))
    return think(request, "small", None).text


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("I was charged twice and want a refund", "billing"),
        ("Where is my parcel, the tracking shows nothing", "shipping"),
        ("The app crashes with an error at login", "technical"),
        ("What a lovely day", "other"),
    ],
)
def test_descriptions_in_the_prompt_decide(text: str, label: str) -> None:
    assert chosen(text, f"Classify the ticket.\n{ABOUT}") == f'{{"label": "{label}"}}'


@pytest.mark.parametrize(
    "shots",
    [
        "my screen is black -> technical\nthe driver left it outside -> shipping",
        "Ticket: my screen is black\nLabel: technical\n\nTicket: the driver left it outside\n"
        "Label: shipping",
        '<example><input>my screen is black</input><output>{"label": "technical"}</output>'
        "</example><example><input>the driver left it outside</input>"
        '<output>{"label": "shipping"}</output></example>',
    ],
    ids=["arrows", "blocks", "tags"],
)
def test_examples_in_every_form_teach(shots: str) -> None:
    assert "shipping" in chosen("Ticket: the driver never came", f"Examples:\n\n{shots}\n")
    assert "technical" in chosen("Ticket: black screen again", f"Examples:\n\n{shots}\n")
    assert "other" in chosen("Ticket: the driver never came")


def test_a_list_of_labels_without_a_schema_gets_a_bare_label() -> None:
    text = f"Classify as one of: billing, shipping, technical.\n{ABOUT}\nText: a late delivery"
    assert think(Request(messages=(user(text),)), "small", None).text == "shipping"


@pytest.mark.embeddings
def test_the_large_model_understands_labels_by_meaning() -> None:
    from shared.embeddings import MiniLM

    mind = Mind("large", MiniLM())
    labels = classify.labels(["billing", "shipping", "account"], "")
    assert classify.choose("My package never showed up", labels, mind).value == "shipping"
    assert classify.choose("I forgot my password", labels, mind).value == "account"
    assert classify.choose("You took the money twice", labels, mind).value == "billing"
