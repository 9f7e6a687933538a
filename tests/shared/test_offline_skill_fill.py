"""A schema is filled from labels; better prompts fill more; the JSON is always valid."""

import json
import time
from datetime import date
from typing import Any, Literal

import jsonschema
import pytest
from pydantic import BaseModel, Field

from shared.messages import Message, OutputSchema, Request, assistant, user
from shared.offline.brain import think

INVOICE = """\
ACME Tools GmbH
Inv #: INV-2024-0042
Date: 03/04/2024
Payment due 17/04/2024

Bill to:
Jane Miller Ltd

Description        Qty   Unit price   Amount
Hammer              2      12.50       25.00
Box of nails, M4   10       1.20       12.00
Subtotal                               37.00
VAT 19%                                 7.03
Total due                          EUR 44.03
"""
SHOWN = """\
Contoso Ltd
Inv #: X-77
Date: 2024-05-01
Payment due 2024-06-01

Bill to:
Bob

Description        Qty   Unit price   Amount
Saw                 1      10.00       10.00
Subtotal                               10.00
VAT 19%                                 1.90
Total due                          EUR 11.90
"""


class Line(BaseModel):
    description: str
    quantity: int
    unit_price: float
    total: float


class Invoice(BaseModel):
    number: str | None
    issued: date | None
    seller: str | None
    buyer: str | None
    currency: str | None
    tax: float | None
    total: float | None
    lines: list[Line]


class Described(Invoice):
    number: str | None = Field(description='Labelled "Inv #"')
    issued: date | None = Field(description='Labelled "Date"')
    buyer: str | None = Field(description='Labelled "Bill to"')
    tax: float | None = Field(description="VAT amount")


TRUTH = {
    "number": "INV-2024-0042",
    "issued": "2024-04-03",
    "seller": "ACME Tools GmbH",
    "buyer": "Jane Miller Ltd",
    "currency": "EUR",
    "tax": 7.03,
    "total": 44.03,
    "lines": [
        {"description": "Hammer", "quantity": 2, "unit_price": 12.5, "total": 25},
        {"description": "Box of nails, M4", "quantity": 10, "unit_price": 1.2, "total": 12},
    ],
}
SHOWN_TRUTH = {
    "number": "X-77", "issued": "2024-05-01", "seller": "Contoso Ltd", "buyer": "Bob",
    "currency": "EUR", "tax": 1.9, "total": 11.9,
    "lines": [{"description": "Saw", "quantity": 1, "unit_price": 10.0, "total": 10.0}],
}  # fmt: skip


def filled(
    schema: dict[str, Any], text: str, system: str = "", before: tuple[Message, ...] = ()
) -> Any:
    request = Request(
        messages=(*before, user(text)), system=system, output=OutputSchema("it", schema)
    )
    value = json.loads(think(request, "small", None).text)
    jsonschema.validate(value, schema)
    return value


def right(got: dict[str, Any]) -> int:
    return sum(got[name] == value for name, value in TRUTH.items())


def test_better_prompts_fill_more() -> None:
    bare = filled(Invoice.model_json_schema(), INVOICE)
    described = filled(Described.model_json_schema(), INVOICE)
    examples = (user(SHOWN), assistant(json.dumps(SHOWN_TRUTH)))
    shown = filled(Invoice.model_json_schema(), INVOICE, before=examples)
    assert right(bare) < right(described) < right(shown)
    assert shown == TRUTH


def test_an_example_inside_the_prompt_teaches_the_same() -> None:
    prompt = (
        f"<example><input>{SHOWN}</input><output>{json.dumps(SHOWN_TRUTH)}</output></example>\n\n"
        f"<invoice>\n{INVOICE}</invoice>"
    )
    assert filled(Invoice.model_json_schema(), prompt) == TRUTH


def test_rules_in_the_system_prompt_describe_fields() -> None:
    rules = 'Rules:\n- buyer: the customer, printed as "Bill to"\n- number: labelled "Inv #"'
    got = filled(Invoice.model_json_schema(), INVOICE, rules)
    assert (got["buyer"], got["number"]) == ("Jane Miller Ltd", "INV-2024-0042")


def test_what_is_not_there_is_null_and_not_invented() -> None:
    got = filled(Invoice.model_json_schema(), "Thank you for your visit. See you soon.")
    assert got == {**dict.fromkeys(TRUTH), "lines": []}


@pytest.mark.parametrize(
    ("line", "kind", "expected"),
    [
        ("Amount: 1.234,56", "number", 1234.56),
        ("Amount: 1,234.56", "number", 1234.56),
        ("Amount: 1 234,50 EUR", "number", 1234.5),
        ("Amount: (12.00)", "number", -12),
        ("Amount: $1,200", "integer", 1200),
        ("Amount = 7 pieces", "integer", 7),
        ("AMOUNT    99.90", "number", 99.9),
        ("| Amount | 5.50 |", "number", 5.5),
        ("<amount>3.20</amount>", "number", 3.2),
        ('"amount": 4.1,', "number", 4.1),
        ("The amount is 12.30 in all.", "number", 12.3),
        ("Amount: none", "number", None),
    ],
)
def test_numbers_after_a_label(line: str, kind: str, expected: float | None) -> None:
    schema = {
        "type": "object",
        "properties": {"amount": {"type": [kind, "null"]}},
        "required": ["amount"],
    }
    assert filled(schema, f"Some report\n{line}\nThe end")["amount"] == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-03-01", "2026-03-01"),
        ("01.03.2026", "2026-03-01"),
        ("1 March 2026", "2026-03-01"),
        ("March 1st, 2026", "2026-03-01"),
        ("25/12/2025", "2025-12-25"),
        ("12/25/2025", "2025-12-25"),
        ("1. M\u00e4rz 2026", "2026-03-01"),
        ("31.02.2026", None),
    ],
)
def test_dates_become_iso(written: str, expected: str | None) -> None:
    schema = {
        "type": "object",
        "properties": {"due": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}},
        "required": ["due"],
    }
    assert filled(schema, f"Due: {written}")["due"] == expected


def test_the_prompt_decides_which_part_of_a_date_is_the_day() -> None:
    schema = {
        "type": "object",
        "properties": {"due": {"type": ["string", "null"], "format": "date"}},
        "required": ["due"],
    }
    assert filled(schema, "Due: 03/04/2026", "Dates are month first.")["due"] == "2026-03-04"
    assert filled(schema, "Due: 03/04/2026", "Dates are day first.")["due"] == "2026-04-03"


class Quoted(BaseModel):
    value: float | None
    quote: str | None


class WithEvidence(BaseModel):
    total: Quoted | None
    number: str | None
    number_quote: str | None


def test_evidence_is_the_source_line_word_for_word() -> None:
    text = "Number: A-1\nTotal due:   EUR 44.03\nThanks"
    got = filled(WithEvidence.model_json_schema(), text)
    assert got == {
        "total": {"value": 44.03, "quote": "Total due:   EUR 44.03"},
        "number": "A-1",
        "number_quote": "Number: A-1",
    }


class Purchase(BaseModel):
    name: str
    price: float


class Receipt(BaseModel):
    items: list[Purchase]
    total: float


def test_a_list_without_heads_ends_at_its_sum() -> None:
    text = "CORNER SHOP\nMilk 1l      1.29\nBread        2.40\nTOTAL        3.69\nCASH   5.00"
    assert filled(Receipt.model_json_schema(), text) == {
        "items": [{"name": "Milk 1l", "price": 1.29}, {"name": "Bread", "price": 2.4}],
        "total": 3.69,
    }


def test_lists_of_words() -> None:
    schema = {
        "type": "object",
        "properties": {
            "skills": {"type": "array", "items": {"type": "string"}},
            "duties": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["skills", "duties"],
    }
    text = "Skills: Python, SQL; Docker\nDuties:\n- write code\n- review code\n\nBye"
    assert filled(schema, text) == {
        "skills": ["Python", "SQL", "Docker"],
        "duties": ["write code", "review code"],
    }


SCHEMAS: list[dict[str, Any]] = [
    {"type": "object"},
    {"type": "array", "items": {"type": "integer", "minimum": 3}, "minItems": 2},
    {"type": "string", "minLength": 4, "maxLength": 6},
    {"enum": [None]},
    {"const": {"a": 1}},
    {"type": "object", "properties": {"x": True, "y": {}}, "required": ["x", "y", "z"]},
    {"type": "integer", "exclusiveMinimum": 7, "multipleOf": 5},
    {"type": "number", "minimum": -3, "maximum": -1},
    {"allOf": [{"type": "object", "properties": {"a": {"type": "boolean"}}}, {"required": ["a"]}]},
    {"oneOf": [{"type": "null"}, {"type": "object", "required": ["k"]}]},
    {
        "$defs": {"N": {"type": "object", "properties": {"next": {"$ref": "#/$defs/N"}}}},
        "$ref": "#/$defs/N",
    },
    {
        "type": "object",
        "properties": {
            "kind": {"const": "a"},
            "when": {"type": "string", "format": "date-time"},
            "tags": {"type": "array", "items": {"enum": ["x", "y"]}, "uniqueItems": True},
        },
        "required": ["kind", "when", "tags"],
        "additionalProperties": False,
    },
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: json.dumps(schema)[:50])
@pytest.mark.parametrize("text", ["", "k: 5\na: yes\nx = 2 | y = z", "\u4f60\u597d", "{}" * 50])
def test_any_schema_gets_valid_json(schema: dict[str, Any], text: str) -> None:
    filled(schema, text)


def test_a_long_document_is_filled_in_time() -> None:
    started = time.thread_time()
    filled(Invoice.model_json_schema(), INVOICE * 450)
    assert time.thread_time() - started < 10  # 0.6 s; a quadratic search would take minutes


class Ticket(BaseModel):
    category: Literal["billing", "shipping", "other"] = Field(
        description="billing: invoices, payments, refunds\nshipping: parcels, delivery"
    )
    order_id: int | None
    reason: str
    confidence: float = Field(ge=0, le=1)


def test_labels_and_values_in_one_schema() -> None:
    got = filled(Ticket.model_json_schema(), "The parcel of order 1182 has not been delivered.")
    assert got["category"] == "shipping"
    assert got["order_id"] is None or got["order_id"] == 1182
    assert "parcel" in got["reason"]


@pytest.mark.embeddings
def test_only_the_large_model_matches_labels_by_meaning() -> None:
    from shared.embeddings import MiniLM

    schema = {
        "type": "object",
        "properties": {"customer_name": {"type": ["string", "null"]}},
        "required": ["customer_name"],
    }
    text = "Client: Adventure Works\nPage: 1"
    request = Request(messages=(user(text),), output=OutputSchema("it", schema))
    assert filled(schema, text) == {"customer_name": None}
    large = json.loads(think(request, "large", MiniLM()).text)
    assert large == {"customer_name": "Adventure Works"}
