"""The JSON schema that a model is asked to fill: each value beside the words that prove it.

A scalar field becomes `{"value": …, "quote": …}`; a row of `lines` gets one quote. Descriptions
come from the prompt, so that a better prompt is a better schema. Absence is `null` for both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from shared.messages import OutputSchema
from stage2_extractor.prompts import Prompt
from stage2_extractor.records import Invoice, LineItem, Ticket

Schema = dict[str, Any]
DIGITS = 15  # before the point, and after it: no amount on paper has more
RECORDS: dict[str, type[BaseModel]] = {"invoice": Invoice, "ticket": Ticket}


def schema_of(prompt: Prompt) -> OutputSchema:
    """The strict schema of the prompt's record, with its field descriptions."""
    properties: dict[str, Schema] = {}
    if prompt.reasoning:
        properties["reasoning"] = {
            "type": "string",
            "description": "what speaks for which answer, before the answer, in at most 60 words",
        }
    if prompt.task == "ticket":
        properties |= _ticket(prompt.fields)
    else:
        properties |= _invoice(prompt.fields)
    return OutputSchema(prompt.task, _object(properties))


def unwrap(task: str, payload: Mapping[str, Any]) -> tuple[Schema, dict[str, str | None]]:
    """The plain record out of a filled schema, and the quote of each field and row.

    `KeyError` or `TypeError` when it has another shape. Keys that nobody asked for are passed over;
    an empty text is what many models write for what is absent, and is read as that.
    """
    if task == "ticket":
        return {"bucket": payload["bucket"]}, {}
    record: Schema = {}
    quotes: dict[str, str | None] = {}
    for name in Invoice.model_fields:
        if name == "lines":
            continue
        value = payload[name]["value"]
        record[name] = None if isinstance(value, str) and not value.strip() else value
        quotes[name] = _quote(payload[name])
    if not isinstance(payload["lines"], list):
        raise TypeError("lines is not an array")
    record["lines"] = []
    for place, row in enumerate(payload["lines"]):
        record["lines"].append({key: row[key] for key in LineItem.model_fields})
        quotes[f"lines.{place}"] = _quote(row)
    return record, quotes


def loads(text: str) -> Any:
    """JSON with exact decimals: 0.1 stays 0.1. `ValueError` also for what JSON leaves open:

    a key given twice, NaN, a number that no amount can be, and half of a surrogate pair.
    """
    text.encode()
    found = json.loads(
        text,
        parse_float=_number,
        parse_int=_number,
        parse_constant=_refuse,
        object_pairs_hook=_once,
    )
    if "\\ud" in text.lower():
        json.dumps(found, ensure_ascii=False, default=str).encode()
    return found


def is_amount(number: Decimal) -> bool:
    """Finite, and of no more digits than are ever printed; zero in any notation is."""
    if not number.is_finite():
        return False
    exponent = number.as_tuple().exponent
    return not number or (number.adjusted() < DIGITS and int(exponent) >= -DIGITS)


def _number(text: str) -> Decimal:
    number = Decimal(text)
    if not is_amount(number):
        raise ValueError(f"{text[:40]} is out of range")
    return Decimal(format(number, "f")) if "e" in text.lower() else number


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Which of two values of one key is meant, nobody can know."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)} is given twice")
    return found


def _quote(holder: Mapping[str, Any]) -> str | None:
    quote = holder["quote"]
    if quote is None or isinstance(quote, str):
        return quote
    raise TypeError("a quote is not a string")


def _invoice(described: Mapping[str, str]) -> dict[str, Schema]:
    properties = {
        name: _described(
            _object({"value": _type(info.annotation), "quote": {"type": ["string", "null"]}}),
            described.get(name),
        )
        for name, info in Invoice.model_fields.items()
        if name != "lines"
    }
    row = {
        name: _described(_type(info.annotation), described.get(f"lines.{name}"))
        for name, info in LineItem.model_fields.items()
    }
    rows = {"type": "array", "items": _object(row | {"quote": {"type": ["string", "null"]}})}
    return properties | {"lines": _described(rows, described.get("lines"))}


def _ticket(described: Mapping[str, str]) -> dict[str, Schema]:
    labels = list(get_args(Ticket.model_fields["bucket"].annotation))
    told = described.get("bucket", "")
    kinds = [f"{label}: {described[label]}" for label in labels if label in described]
    description = "\n".join(filter(None, [told, *kinds]))
    return {"bucket": _described({"type": "string", "enum": labels}, description)}


def _object(properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _described(schema: Schema, description: str | None) -> Schema:
    return schema | ({"description": description} if description else {})


def _type(annotation: Any) -> Schema:
    """The schema of `X | None`, `Literal | None` or `X`."""
    options = [option for option in get_args(annotation) or (annotation,) if option is not NoneType]
    if get_origin(annotation) is Literal:
        options = [annotation]
    nullable = NoneType in get_args(annotation)
    if get_origin(options[0]) is Literal:
        labels: list[Any] = list(get_args(options[0]))
        return (
            {"type": ["string", "null"], "enum": [*labels, None]}
            if nullable
            else {
                "type": "string",
                "enum": labels,
            }
        )
    base = {Decimal: "number", date: "string", str: "string"}[options[0]]
    shape: Schema = {"type": [base, "null"] if nullable else base}
    return shape | ({"format": "date"} if options[0] is date else {})
