"""Reads the value of a field out of a piece of text, in each form in which it could be wanted.

Which form is wanted comes from the examples, else from the schema and its descriptions. Left out:
translation, spelling, joining of several lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from shared.offline.skills import fields, values
from shared.offline.skills.fields import Field
from shared.offline.skills.values import Habits
from shared.offline.words import name_terms

_CODE_NAMES = frozenset(("numb", "identifi", "code", "referenc", "sku", "iban", "vat"))
_ASKED_FORMS = (
    ("upper", re.compile(r"\bupper ?-?case\b|\bcapital letters\b", re.I)),
    ("lower", re.compile(r"\blower ?-?case\b", re.I)),
    ("digits", re.compile(r"\bdigits only\b|\bonly (?:the )?digits\b", re.I)),
    ("date", re.compile(r"YYYY-MM-DD|ISO[- ]?8601", re.I)),
    ("fraction", re.compile(r"\b(?:as a|decimal) fraction\b|\bbetween 0 and 1\b", re.I)),
    ("cents", re.compile(r"\bin cents\b|\bminor units\b", re.I)),
)
_TEXT_FORMS: Mapping[str, Callable[[str], str]] = {
    "whole": lambda raw: raw,
    "upper": str.upper,
    "lower": str.lower,
    "title": str.title,
    "digits": lambda raw: re.sub(r"\D", "", raw),
    "unspaced": lambda raw: re.sub(r"\s+", "", raw),
    "code": lambda raw: next((m[0] for m in values.CODE.finditer(raw)), ""),
    "plain code": lambda raw: next((m[0].lstrip("#") for m in values.CODE.finditer(raw)), ""),
    "before comma": lambda raw: raw.split(",")[0].strip(),
    "before bracket": lambda raw: raw.split("(")[0].strip(),
}


def forms(field: Field, raw: str, how: Habits) -> dict[str, Any]:
    """Every value that `raw` can be read as for this field, by the name of the form."""
    raw = raw.strip()
    found = _forms(field, raw, how)
    return {
        form: v for form, v in found.items() if v is not None and fields.allowed(v, field.schema)
    }


def _forms(field: Field, raw: str, how: Habits) -> dict[str, Any]:
    kind = field.kind
    if kind in ("number", "integer"):
        return _number_forms(raw, how, whole=kind == "integer")
    if kind == "date":
        return {"date": next((found.value for found in values.dates(raw, how)), None)}
    if kind == "datetime":
        return {"datetime": _moment(raw, how)}
    if kind == "time":
        return {"time": next((found.value for found in values.times(raw)), None)}
    if kind == "currency":
        return {"currency": next((found.value for found in values.currencies(raw)), None)}
    if kind == "boolean":
        return {"boolean": values.boolean(raw)}
    if kind in ("email", "url"):
        match = (values.EMAIL if kind == "email" else values.URL).search(raw)
        return {kind: match[0].rstrip(".,") if match else None}
    if kind == "enum":
        return {"option": option(field, raw)}
    found: dict[str, Any] = {name: form(raw) or None for name, form in _TEXT_FORMS.items()}
    found["date"] = next((one.value for one in values.dates(raw, how)), None)
    found["currency"] = next((one.value for one in values.currencies(raw)), None)
    number = next((one.value for one in values.numbers(raw, how)), None)
    found["number"] = None if number is None else f"{number:.2f}" if number % 1 else str(number)
    return found


def wanted(field: Field, raw: str) -> str:
    """The form to use where no example shows one."""
    asked = _asked(field.description)
    if asked:
        return asked
    if field.kind == "text":
        code = _CODE_NAMES & set(name_terms(field.name)) and " " in raw
        return "plain code" if code else "whole"
    return {"number": "first", "integer": "first", "enum": "option"}.get(field.kind, field.kind)


@lru_cache(maxsize=1024)
def _asked(description: str) -> str:
    return next((form for form, way in _ASKED_FORMS if way.search(description)), "")


def value(field: Field, raw: str, how: Habits, learned: str = "") -> Any:
    """The value in the wanted form, or None when `raw` does not hold one."""
    found = forms(field, raw, how)
    return found.get(learned or wanted(field, raw), found.get("first") if not learned else None)


def option(field: Field, raw: str) -> Any:
    """The enum value whose words stand in `raw`; a code such as EUR also by its sign."""
    said = f" {' '.join(name_terms(raw))} "
    codes = {found.value for found in values.currencies(raw)}
    for choice in field.schema.get("enum") or [field.schema.get("const")]:
        words = " ".join(name_terms(str(choice)))
        if choice in codes or (words and f" {words} " in said):
            return choice
    return None


def _number_forms(raw: str, how: Habits, *, whole: bool) -> dict[str, Any]:
    found = [one.value for one in values.numbers(raw, how)]
    if not found:
        return {}
    first, last = float(found[0]), float(found[-1])
    shapes = {
        "first": first, "last": last, "fraction": round(first / 100, 6),
        "cents": round(first * 100, 4), "positive": abs(first), "negative": -abs(first),
    }  # fmt: skip
    if whole:
        return {form: int(v) for form, v in shapes.items() if v == int(v)}
    return {form: int(v) if v == int(v) else v for form, v in shapes.items()}


def _moment(raw: str, how: Habits) -> str | None:
    day = next((found.value for found in values.dates(raw, how)), None)
    clock = next((found.value for found in values.times(raw)), "00:00:00")
    return f"{day}T{clock}Z" if day else None
