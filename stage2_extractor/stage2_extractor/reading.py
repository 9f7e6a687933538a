"""What a reply holds, checked from the outside in: end, JSON, keys, kinds, spans, sums.

Each way to fail has a name and a detail that a model can act on. Nothing here calls a model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ValidationError

from shared.messages import Reply
from stage2_extractor.checks import complaints
from stage2_extractor.evidence import weigh
from stage2_extractor.records import Invoice, LineItem
from stage2_extractor.shape import RECORDS, is_amount, loads, unwrap

MOST_TOLD = 10  # complaints in one message


class Failure(StrEnum):
    REFUSED = "refused"
    TRUNCATED = "truncated"
    INVALID_JSON = "invalid_json"
    DRIFTED = "drifted"  # JSON of another shape: other keys than were asked for
    SCHEMA = "schema"  # the right keys, a value of the wrong kind
    ARITHMETIC = "arithmetic"
    HALLUCINATED = "hallucinated"
    CALL = "call"  # no answer came at all


@dataclass(frozen=True, slots=True)
class Reading:
    """One reply, read: a record with what is wrong with it, or only what is wrong."""

    failure: Failure | None
    detail: str = ""
    model: str = ""
    record: BaseModel | None = None
    evidence: Mapping[str, str | None] = field(default_factory=dict)
    hallucinated: Mapping[str, Any] = field(default_factory=dict)


def read(task: str, reply: Reply, text: str) -> Reading:
    """The record that `reply` holds, measured against the text that it was read from."""
    if reply.stop == "refusal":
        return Reading(Failure.REFUSED, reply.refusal)
    if reply.stop in ("length", "context_full"):
        return Reading(Failure.TRUNCATED, "the answer was cut at the token limit")
    try:
        payload = loads(reply.text)
    except (ValueError, RecursionError, ArithmeticError) as error:
        return Reading(Failure.INVALID_JSON, f"it is not JSON: {error}")
    try:
        plain, quotes = unwrap(task, payload)
    except (KeyError, TypeError, AttributeError) as error:
        return Reading(Failure.DRIFTED, f"it has not the keys of the schema: {error!r}")
    try:
        record = RECORDS[task].model_validate(plain)
    except ValidationError as error:
        return Reading(Failure.SCHEMA, _complaint(error))
    if beyond := _beyond(record.model_dump()):
        return Reading(Failure.SCHEMA, f"{beyond} is out of range")
    return _checked(record, quotes, text)


def _checked(record: BaseModel, quotes: Mapping[str, str | None], text: str) -> Reading:
    if not isinstance(record, Invoice):
        return Reading(None, record=record, evidence=quotes)
    proofs, invented = weigh(record, quotes, text)
    kept, evidence = _without(record, proofs, invented)
    if invented:
        detail = (
            f"these values stand nowhere in the document: {_listed(invented)}; "
            "give null for what is absent"
        )
        found = Reading(Failure.HALLUCINATED, detail)
    elif wrong := complaints(kept):
        found = Reading(Failure.ARITHMETIC, "; ".join(wrong))
    else:
        found = Reading(None)
    return replace(found, record=kept, evidence=evidence, hallucinated=invented)


def _without(
    invoice: Invoice, proofs: Mapping[str, str | None], invented: Mapping[str, Any]
) -> tuple[Invoice, dict[str, str | None]]:
    """The record without what was made up, and the proofs under the places that rows have now."""
    gone = {name: None for name in invented if not name.startswith("lines.")}
    evidence = {name: words for name, words in proofs.items() if not name.startswith("lines.")}
    rows: list[LineItem] = []
    for place, row in enumerate(invoice.lines):
        key = f"lines.{place}"
        if key in invented:
            continue
        evidence[f"lines.{len(rows)}"] = proofs[key]
        cells = {cell: None for cell in LineItem.model_fields if f"{key}.{cell}" in invented}
        rows.append(row.model_copy(update=cells))
    return invoice.model_copy(update={**gone, "lines": rows}), evidence


def _complaint(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False)[:MOST_TOLD]
    )


def _beyond(fields: Mapping[str, Any]) -> str:
    """The first amount that no paper can hold; arithmetic on it could not end well."""
    for name, value in fields.items():
        if isinstance(value, Decimal) and not is_amount(value):
            return f"{name} = {_short(value)}"
        for row in value if isinstance(value, list) else ():
            if beyond := _beyond(row):
                return f"{name}.{beyond}"
    return ""


def _listed(invented: Mapping[str, Any]) -> str:
    """Enough of them for a second look; a model can make up thousands."""
    told = [f"{name} = {_short(value)}" for name, value in invented.items()]
    more = [f"and {len(told) - MOST_TOLD} more"] if len(told) > MOST_TOLD else []
    return ", ".join(told[:MOST_TOLD] + more)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."
