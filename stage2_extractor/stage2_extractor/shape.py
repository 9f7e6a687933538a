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
    """The plain record out of a filled schema, and the quote of each field and row."""
    if task == "ticket":
        return {"bucket": payload["bucket"]}, {}
    record: Schema = {}
    quotes: dict[str, str | None] = {}
    for name in Invoice.model_fields:
        if name == "lines":
            continue
        record[name] = payload[name]["value"]
        quotes[name] = payload[name]["quote"]
    record["lines"] = []
    for place, row in enumerate(payload["lines"]):
        record["lines"].append({key: row[key] for key in LineItem.model_fields})
        quotes[f"lines.{place}"] = row["quote"]
    return record, quotes


def loads(text: str) -> Any:
    """JSON with exact decimals: 0.1 stays 0.1."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal, parse_constant=_refuse)


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no number")


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
