"""What a program must do so that `make compare STAGE=2 MINE='…'` can examine it, in any language.

Called as      `MINE`, the command that you name, without a shell, in the folder that you start
               from, without arguments.
Standard in    the text of one invoice, credit note or receipt, in UTF-8 unless it says otherwise.
Environment    ANTHROPIC_BASE_URL, OPENAI_BASE_URL (ends in /v1), ANTHROPIC_API_KEY, OPENAI_API_KEY.
               Both addresses lead to the examiner, which speaks Anthropic Messages, OpenAI Chat
               Completions and OpenAI Responses. Take either one, with any SDK or none; structured
               output, a tool or a plain prompt, and any schema of your own.
Models         any id is answered. The model behind is offline-large, or offline-small where the
               embedding model is not installed. On the short papers of the checks it also does
               what models do: it makes a value up, writes a date in words, or obeys an order that
               stands in the paper, unless the prompt sets the paper apart (`examine_model`).
Standard out   the record and nothing else: one JSON object with the fields of `Invoice`, all of
               them, null for what the document does not state. `stage2 compare --schema` prints
               its JSON schema. An amount is a number or a string such as "1234.50", a date an ISO
               date, a currency three capital letters. What was left out is absent, not zero.
Exit code      0 with a record. Anything else when there is none, with a sentence in English on
               standard error which says why: refused, cut at the token limit, key, and so on.

`examine_checks` and `examine_failures` hold what is asked. Left out: tickets, PDF, Windows.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any, get_args

from pydantic import ValidationError

from stage2_extractor.records import Invoice, LineItem
from stage2_extractor.shape import loads

ENVIRONMENT = ("ANTHROPIC_BASE_URL", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "OPENAI_API_KEY")
AMOUNT = re.compile(r"-?\d+(\.\d+)?")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
CURRENCY = re.compile(r"[A-Z]{3}")


class BadRecord(Exception):
    """The message says what is missing or of the wrong kind."""


def schema() -> dict[str, Any]:
    """The JSON schema of a record."""
    told: dict[str, Any] = Invoice.model_json_schema()
    told["properties"]["currency"]["anyOf"][0]["pattern"] = f"^{CURRENCY.pattern}$"
    for one in (told, told["$defs"]["LineItem"]):
        for field in one["properties"].values():
            kinds = field.get("anyOf", [])
            if {"type": "number"} in kinds:
                kinds[kinds.index({"type": "number"}) + 1]["pattern"] = f"^{AMOUNT.pattern}$"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **told}


def read_record(stdout: str) -> Invoice:
    """The record that a program printed, amounts to the last digit; `BadRecord` when it is none."""
    try:
        payload = loads(stdout)
    except (ValueError, RecursionError, ArithmeticError) as error:
        raise BadRecord(f"standard output is not one JSON object: {error}") from None
    if not isinstance(payload, dict):
        raise BadRecord("standard output is JSON, but not an object")
    _check_keys(payload, Invoice, "")
    _check_kinds(payload, Invoice, "")
    rows = payload["lines"]
    for place, row in enumerate(rows if isinstance(rows, list) else []):
        if isinstance(row, dict):
            _check_keys(row, LineItem, f"lines.{place}.")
            _check_kinds(row, LineItem, f"lines.{place}.")
    try:
        return Invoice.model_validate(payload)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise BadRecord(f"{where} is {_shown(first['input'])}: {first['msg']}") from None


def _check_keys(payload: dict[str, Any], model: type[Invoice | LineItem], path: str) -> None:
    if missing := [path + name for name in model.model_fields if name not in payload]:
        raise BadRecord(f"the record lacks {', '.join(missing)}")
    if unknown := [path + name for name in payload if name not in model.model_fields]:
        raise BadRecord(f"the record has {', '.join(unknown[:5])}, which no record has")


def _check_kinds(payload: dict[str, Any], model: type[Invoice | LineItem], path: str) -> None:
    """What Pydantic would be lenient about: a time stamp as a date, a sign inside an amount."""
    for name, info in model.model_fields.items():
        value, kinds = payload[name], get_args(info.annotation)
        if value is None:
            continue
        if date in kinds and not (isinstance(value, str) and DATE.fullmatch(value)):
            raise BadRecord(f"{path}{name} is {_shown(value)}, not an ISO date such as 2026-11-21")
        if Decimal in kinds and not _is_amount(value):
            raise BadRecord(f"{path}{name} is {_shown(value)}, not an amount such as 1234.50")
        if name == "currency" and not (isinstance(value, str) and CURRENCY.fullmatch(value)):
            raise BadRecord(f"currency is {_shown(value)}, not a code such as EUR")


def _is_amount(value: object) -> bool:
    if isinstance(value, str):
        return AMOUNT.fullmatch(value) is not None
    return isinstance(value, Decimal) and value.is_finite()


def _shown(value: object) -> str:
    text = str(value) if isinstance(value, Decimal) else repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
