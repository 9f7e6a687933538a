"""Fills the arguments of a tool from a short wish in plain language.

A value is taken when its type, its shape (`e.g. ORD-1042` in the description), the name of the
parameter or the word before it points to the parameter. Left out: resolving pronouns, relative
dates, unit conversion, and writing code or SQL.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from shared.offline.skills import fields, spans
from shared.offline.skills.fields import Field
from shared.offline.skills.spans import Given
from shared.offline.words import STOP, name_terms, stem, tokens


def filled(
    parameters: Mapping[str, Any], wish: str, known: Mapping[str, Any], own: Collection[str] = ()
) -> tuple[dict[str, Any], list[str]]:
    """The arguments, and the names of required ones for which nothing was found.

    `known` holds values by name that earlier tool results gave; `own` are the tool's own words,
    which are no values.
    """
    schema, _ = fields.resolve(parameters, parameters)
    found: dict[str, Any] = {}
    used: list[tuple[int, int]] = []
    params = fields.children(Field((), schema, False), parameters)
    single = len([p for p in params if p.required]) <= 1
    for param in sorted(params, key=lambda p: (_generic(p), not p.required)):
        value = _value(param, wish, used, Given(single, parameters, own))
        if (
            value is None
            and not (
                spans.is_query(param) or spans.is_expression(param)
            )  # those are this wish's own
            and param.name in known
            and fields.allowed(known[param.name], param.schema)
        ):
            value = known[param.name]
        if value is not None:
            found[param.name] = value
    missing = [p.name for p in params if p.required and p.name not in found]
    ordered = {p.name: found[p.name] for p in params if p.name in found}
    return ordered, missing


def _generic(param: Field) -> int:
    """Choosy parameters take their value first: enums and ids before names before queries."""
    if param.kind in ("enum", "date", "datetime", "time", "email", "url", "boolean", "currency"):
        return 0
    if param.kind == "text":
        return (
            3 if spans.is_query(param) else 1 if spans.shape(param) or spans.is_code(param) else 2
        )
    return 1


def _value(param: Field, wish: str, used: list[tuple[int, int]], given: Given) -> Any:
    if param.kind == "enum":
        return _mentioned(param, wish)
    if param.kind == "boolean":
        return _flag(param, wish)
    if param.kind == "array":
        return _several(param, wish, given)
    if param.kind == "object":
        inner, missing = filled({**param.schema, "$defs": given.root.get("$defs", {})}, wish, {})
        return inner if inner and not missing else None
    for start, end, value in spans.candidates(param, wish, given):
        free = all(end <= a or b <= start for a, b in used)
        if free and fields.allowed(value, param.schema):
            if not spans.is_query(param):
                used.append((start, end))
            return value
    return None


def _mentioned(param: Field, wish: str) -> Any:
    said = [stem(t.lower()) for t in tokens(wish)]
    line = f" {' '.join(said)} "
    for option in param.schema.get("enum") or [param.schema.get("const")]:
        words = " ".join(name_terms(str(option)))
        if words and f" {words} " in line:
            return option
    return param.schema.get("const")


def _flag(param: Field, wish: str) -> bool | None:
    ignored = {"is", "has", "with", "only", "includ", "all", "show", "get"}
    names = [t for t in name_terms(param.name) if t not in ignored and t not in STOP]
    said = [stem(t.lower()) for t in tokens(wish)]
    if not names or not set(names) <= set(said):
        return None
    at = said.index(names[0])
    return not {"not", "no", "without", "don't", "except"} & set(said[max(0, at - 3) : at])


def _several(param: Field, wish: str, given: Given) -> list[Any] | None:
    inner = fields.item(param, given.root)
    if inner.kind == "enum":
        one = [o for o in inner.schema["enum"] if _mentioned(Field((), {"enum": [o]}, False), wish)]
        return one or None
    like = Field(param.path, inner.schema, False, hint=param.description)
    found = [value for _, end, value in spans.candidates(like, wish, given) if end]
    if inner.kind == "text":
        found = [part.strip() for v in found for part in re.split(r",\s*|\s+and\s+", v)]
    return list(dict.fromkeys(found)) or None
