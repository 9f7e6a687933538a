"""Schemas against a JSON-schema validator, and replies as bad as they come."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from shared.messages import Reply
from shared.schemas import without_constraints
from stage2_extractor.prompts import TASKS, Prompt, list_prompts, load_prompt
from stage2_extractor.reading import Failure, read
from stage2_extractor.records import Invoice, Ticket
from stage2_extractor.shape import RECORDS, loads, schema_of, unwrap

FIELDS = [name for name in Invoice.model_fields if name != "lines"]
PROMPTS = [prompt for task in TASKS for prompt in list_prompts(task)]
AMOUNTS = st.decimals(-(10**9), 10**9, places=2) | st.decimals(0, 1, places=6)
WORDS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1).filter(str.strip)
ROW = st.fixed_dictionaries(
    {"description": WORDS}
    | {cell: st.none() | AMOUNTS for cell in ("quantity", "unit_price", "amount")}
)
OF_TYPE = {
    "document_type": st.sampled_from(["invoice", "credit_note", "receipt"]),
    "invoice_date": st.dates(date(1000, 1, 1)).map(date.isoformat),
    "due_date": st.dates(date(1000, 1, 1)).map(date.isoformat),
} | dict.fromkeys(("subtotal", "discount", "tax", "total"), AMOUNTS)
RECORD = st.fixed_dictionaries(
    {name: st.none() | OF_TYPE.get(name, WORDS) for name in FIELDS}
    | {"lines": st.lists(ROW, max_size=4)}
)


def wrapped(record: dict[str, Any], quote: str | None = None) -> dict[str, Any]:
    """What a model would send that reads `record`."""
    filled: dict[str, Any] = {name: {"value": record[name], "quote": quote} for name in FIELDS}
    return filled | {"lines": [row | {"quote": quote} for row in record["lines"]]}


def empty(**changes: Any) -> dict[str, Any]:
    return wrapped(dict.fromkeys(FIELDS) | {"lines": []} | changes)


def reading(payload: Any, text: str = "Total 12.50", task: str = "invoice", **reply: Any) -> Any:
    said = payload if isinstance(payload, str) else json.dumps(payload)
    return read(task, Reply(text=said, stop="end", **reply), text)


def as_json(record: Any) -> str:
    """JSON with every digit of a decimal, which `json.dumps` would take through a float."""
    found: dict[str, str] = {}

    def mark(value: Any) -> str:
        found[f'"@{len(found)}@"'] = format(value, "f")
        return f"@{len(found) - 1}@"

    text = json.dumps(record, default=mark)
    for place, digits in found.items():
        text = text.replace(place, digits)
    return text


# --- what is asked for ---------------------------------------------------------------------------
@pytest.mark.parametrize("prompt", PROMPTS, ids=lambda prompt: prompt.name)
def test_a_schema_is_valid_strict_and_named(prompt: Prompt) -> None:
    asked = schema_of(prompt)
    Draft202012Validator.check_schema(dict(asked.schema))
    assert without_constraints(asked.schema) == asked.schema  # no wire has to change it
    assert asked.name == prompt.task
    for node in nodes(asked.schema):
        if node.get("type") == "object":
            assert node["additionalProperties"] is False
            assert node["required"] == list(node["properties"])


def nodes(schema: Any) -> list[dict[str, Any]]:
    below = [one for part in schema.get("properties", {}).values() for one in nodes(part)]
    return [schema, *below, *(nodes(schema["items"]) if "items" in schema else [])]


@pytest.mark.parametrize("prompt", PROMPTS, ids=lambda prompt: prompt.name)
def test_every_description_of_a_prompt_arrives(prompt: Prompt) -> None:
    """A field with a typing error in its name would be told to nobody."""
    schema = json.dumps(schema_of(prompt).schema, ensure_ascii=False)
    for words in prompt.fields.values():
        assert json.dumps(words, ensure_ascii=False)[1:-1] in schema


def test_reasoning_comes_before_the_answer() -> None:
    schema = schema_of(load_prompt("invoice", "3r")).schema
    assert next(iter(schema["properties"])) == "reasoning"
    assert "reasoning" not in schema_of(load_prompt("invoice", "3")).schema["properties"]


@given(RECORD)
@settings(deadline=None)
def test_a_record_fits_the_schema_and_comes_back(record: dict[str, Any]) -> None:
    """Wrapped, through JSON text, unwrapped, through Pydantic and its JSON: the same record."""
    text = as_json(wrapped(record))
    Draft202012Validator(dict(schema_of(load_prompt("invoice", "3")).schema)).validate(
        json.loads(text)
    )
    plain, quotes = unwrap("invoice", loads(text))
    assert plain == record
    assert set(quotes) == {*FIELDS, *(f"lines.{n}" for n in range(len(record["lines"])))}
    invoice = Invoice.model_validate(plain)
    again = Invoice.model_validate_json(invoice.model_dump_json())
    assert again == invoice
    assert Invoice.model_validate(json.loads(json.dumps(invoice.model_dump(mode="json")))) == again


# --- numbers -------------------------------------------------------------------------------------
@given(st.decimals(-(10**15) + 1, 10**15 - 1, allow_nan=False, places=4))
def test_decimals_are_exact(number: Decimal) -> None:
    assert loads(f"[{number}]") == [number]
    assert str(loads(f"[{number}]")[0]) == str(number)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0.1", "0.1"),
        ("123456789012.34", "123456789012.34"),
        ("0.10", "0.10"),
        ("1e2", "100"),
        ("1.25E1", "12.5"),
        ("-0.0", "-0.0"),
        ("0", "0"),
    ],
)
def test_a_number_keeps_its_digits(text: str, number: str) -> None:
    total = reading(
        as_json(empty()).replace('"total": {"value": null', f'"total": {{"value": {text}'),
        f"Total {number}",
    ).record.total
    assert str(total) == number


@pytest.mark.parametrize(
    "number", ["1e400", "-1e400", "1e999999999", "1e-400", "1e99999999999999999999", "9" * 16]
)
def test_a_number_that_no_paper_holds_is_refused(number: str) -> None:
    """As a number and as a string; arithmetic on it would overflow."""
    bare = as_json(empty()).replace('"tax": {"value": null', f'"tax": {{"value": {number}')
    assert reading(bare).failure is Failure.INVALID_JSON
    assert reading(empty(tax=number)).failure is Failure.SCHEMA
    row = {"description": "x", "quantity": number, "unit_price": None, "amount": None}
    assert reading(empty(lines=[row])).failure is Failure.SCHEMA


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_refused(word: str) -> None:
    bare = json.dumps(empty()).replace('"tax": {"value": null', f'"tax": {{"value": {word}')
    found = reading(bare)
    assert (found.failure, found.detail) == (
        Failure.INVALID_JSON,
        f"it is not JSON: {word} is no number",
    )
    assert reading(empty(tax=word)).failure is Failure.SCHEMA


# --- replies -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("said", "failure"),
    [
        ("", Failure.INVALID_JSON),
        ("   ", Failure.INVALID_JSON),
        ("I can't see a document.", Failure.INVALID_JSON),
        ("```json\n{}\n```", Failure.INVALID_JSON),
        ('{"total": 1', Failure.INVALID_JSON),
        ('{"total": 1} and more', Failure.INVALID_JSON),
        ("[" * 10_000 + "]" * 10_000, Failure.INVALID_JSON),
        ('{"a":' * 10_000 + "1" + "}" * 10_000, Failure.INVALID_JSON),
        ("null", Failure.DRIFTED),
        ("12", Failure.DRIFTED),
        ('"text"', Failure.DRIFTED),
        ("[]", Failure.DRIFTED),
        ("{}", Failure.DRIFTED),
        (json.dumps(dict.fromkeys([*FIELDS, "lines"])), Failure.DRIFTED),
        (json.dumps(dict.fromkeys([*FIELDS, "lines"], "x")), Failure.DRIFTED),
        (json.dumps(empty() | {"lines": None}), Failure.DRIFTED),
        (json.dumps(empty() | {"lines": ""}), Failure.DRIFTED),
        (json.dumps(empty() | {"lines": {}}), Failure.DRIFTED),
        (json.dumps(empty() | {"lines": ["row"]}), Failure.DRIFTED),
        (json.dumps(empty() | {"lines": [{"description": "x"}]}), Failure.DRIFTED),
        (json.dumps(empty() | {"total": {"value": 12.5}}), Failure.DRIFTED),
        (json.dumps(empty() | {"total": {"value": 12.5, "quote": 12.5}}), Failure.DRIFTED),
        (json.dumps(empty() | {"total": {"value": 12.5, "quote": ["x"]}}), Failure.DRIFTED),
        (json.dumps(empty(total="12,50")), Failure.SCHEMA),
        (json.dumps(empty(total=True)), Failure.SCHEMA),
        (json.dumps(empty(total=[12.5])), Failure.SCHEMA),
        (json.dumps(empty(invoice_number=12)), Failure.SCHEMA),
        (json.dumps(empty(invoice_date="3 September 2026")), Failure.SCHEMA),
        (json.dumps(empty(invoice_date="2026-02-30")), Failure.SCHEMA),
        (json.dumps(empty(document_type="bill")), Failure.SCHEMA),
        (json.dumps(empty(seller_name="\ud800")), Failure.INVALID_JSON),
        (json.dumps(empty()) + "\ud800", Failure.INVALID_JSON),
    ],
)
def test_a_bad_reply_has_a_name(said: str, failure: Failure) -> None:
    found = reading(said)
    assert (found.failure, found.record) == (failure, None)
    assert 0 < len(found.detail) < 1000


def test_a_key_given_twice_is_refused() -> None:
    """Which of the two is meant, nobody can know; Python's own reader would take the last."""
    twice = json.dumps(empty())[:-1] + ', "total": {"value": 12.5, "quote": null}}'
    assert reading(twice).detail == "it is not JSON: total is given twice"


@pytest.mark.parametrize("stop", ["length", "context_full"])
def test_a_cut_reply_is_truncated_even_when_it_is_whole(stop: Any) -> None:
    reply = Reply(text=json.dumps(empty()), stop=stop)
    assert read("invoice", reply, "text").failure is Failure.TRUNCATED


def test_a_refusal_is_told_in_its_own_words() -> None:
    found = read("invoice", Reply(stop="refusal", refusal="Not this one."), "text")
    assert (found.failure, found.detail) == (Failure.REFUSED, "Not this one.")


def test_extra_keys_and_other_spellings_of_nothing_do_no_harm() -> None:
    more = empty(total="12.50", seller_name="", buyer_name="  ") | {"note": {"a": [1]}}
    more["total"]["confidence"] = 0.9
    record = reading(more).record
    assert (record.total, record.seller_name, record.buyer_name) == (Decimal("12.50"), None, None)


def test_a_huge_reply_is_read_and_its_complaint_is_short() -> None:
    """A megabyte of rows that stand nowhere: read in a moment, told in a few."""
    row = {"description": "Widget, extra large", "quantity": 1, "unit_price": 7, "amount": 777}
    huge = empty(lines=[row] * 10_000)
    assert len(json.dumps(huge)) > 1_000_000
    found = reading(huge, "Some paper\n" * 2000)
    assert found.failure is Failure.HALLUCINATED
    assert len(found.hallucinated) == 10_000
    assert found.record.lines == []
    assert "and 9990 more" in found.detail
    assert len(found.detail) < 1000


def test_a_huge_true_reply_is_read_whole() -> None:
    row = {"description": "Widget", "quantity": 1, "unit_price": 7, "amount": 7}
    text = "1 Widget 7 7\n" * 10_000 + "Total 70000"
    found = reading(empty(lines=[row] * 10_000, total=70000), text)
    assert found.failure is None
    assert len(found.record.lines) == 10_000


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from([*FIELDS, "lines", "value", "quote", "bucket"]), inner, max_size=5
            )
        ),
        max_leaves=30,
    ),
    st.sampled_from(TASKS),
)
@settings(deadline=None)
def test_no_json_gets_past_the_names_of_failure(payload: Any, task: str) -> None:
    found = reading(payload, task=task)
    assert isinstance(found.record, RECORDS[task]) == (found.failure is None)


@given(st.text())
def test_no_text_gets_past_the_names_of_failure(said: str) -> None:
    assert reading(said).failure is not None


@given(
    st.sampled_from([*FIELDS, "lines"]),
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.lists(st.integers(), max_size=2)
    | st.floats(),
)
@settings(deadline=None)
def test_one_odd_value_is_named_or_read(name: str, value: Any) -> None:
    payload = empty()
    payload[name] = value if name == "lines" else {"value": value, "quote": value}
    found = reading(payload, "Total 12.50")
    assert found.record is not None or found.failure


def test_unicode_comes_through() -> None:
    name = "Zażółć gęślą 株式会社 🧾 Ünïcödé"
    found = reading(empty(seller_name=name), f"Von: {name}")
    assert (found.failure, found.record.seller_name) == (None, name)


def test_a_ticket_is_one_bucket() -> None:
    assert reading({"bucket": "billing"}, task="ticket").record == Ticket(bucket="billing")
    assert reading({"bucket": "other"}, task="ticket").failure is Failure.SCHEMA
    assert reading({"Bucket": "billing"}, task="ticket").failure is Failure.DRIFTED
