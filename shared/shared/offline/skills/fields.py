"""Reads a JSON schema: what each field is called, what kind of value it takes, what is allowed.

Follows `$ref`, merges `allOf`, takes the first branch of `anyOf`/`oneOf` that is not null. Left
out: `not`, `if`, `dependentRequired`, `patternProperties`, and patterns that a blank value breaks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from shared.offline.words import name_terms

Schema = Mapping[str, Any]
Kind = Literal[
    "object", "array", "enum", "boolean", "integer", "number", "date", "datetime", "time",
    "email", "url", "currency", "text", "null",
]  # fmt: skip
_FORMATS: dict[str, Kind] = {
    "date": "date", "date-time": "datetime", "time": "time", "email": "email", "uri": "url",
    "url": "url",
}  # fmt: skip
_DEEPEST = 12  # a schema may refer to itself


@dataclass(frozen=True, slots=True)
class Field:
    """One place in a schema. `path` has a name for each property and "[]" for array items."""

    path: tuple[str, ...]
    schema: Schema
    nullable: bool
    required: bool = True
    hint: str = ""  # what the prompt says of this field, beside the schema's description
    shown: tuple[str, ...] | None = None  # its path in examples, where that is another one
    kind: Kind = field(init=False)

    @property
    def name(self) -> str:
        return next((part for part in reversed(self.path) if part != "[]"), "")

    @property
    def description(self) -> str:
        said = (self.schema.get("title"), self.schema.get("description"), self.hint)
        return "\n".join(str(part) for part in said if part)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", kind_of(self.schema, self.name))  # asked very often

    @property
    def may_be_null(self) -> bool:
        return self.nullable or self.kind == "null"


def resolve(schema: Any, root: Schema, depth: int = 0) -> tuple[Schema, bool]:
    """The schema without references and branches, and whether null is allowed."""
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return {}, schema is True or depth > _DEEPEST
    nullable = schema.get("nullable") is True
    if isinstance(schema.get("$ref"), str):
        target, empty = resolve(_pointed(schema["$ref"], root), root, depth + 1)
        return {**target, **{k: v for k, v in schema.items() if k != "$ref"}}, empty or nullable
    merged = dict(schema)
    for part in schema.get("allOf", ()):
        more, _ = resolve(part, root, depth + 1)
        merged = _merge(merged, more)
    for key in ("anyOf", "oneOf"):
        if isinstance(schema.get(key), list) and schema[key]:
            branch, empty = _branch(schema[key], root, depth)
            merged, nullable = _merge(merged, branch), nullable or empty
    kinds = merged.get("type")
    if isinstance(kinds, list):
        nullable = nullable or "null" in kinds
        rest = [kind for kind in kinds if kind != "null"]
        merged["type"] = rest[0] if rest else "null"
    if None in merged.get("enum", ()):
        nullable = True
    return merged, nullable


def _branch(options: list[Any], root: Schema, depth: int) -> tuple[Schema, bool]:
    resolved = [resolve(option, root, depth + 1) for option in options]
    empty = any(schema.get("type") == "null" or null for schema, null in resolved)
    real = [schema for schema, _ in resolved if schema.get("type") != "null"]
    if real and all("const" in schema for schema in real):
        about = [f"{s['const']}: {s.get('description') or s.get('title') or ''}" for s in real]
        return {"enum": [s["const"] for s in real], "description": "\n".join(about)}, empty
    return (real[0] if real else {"type": "null"}), empty


def _merge(one: Mapping[str, Any], other: Schema) -> dict[str, Any]:
    merged = {**other, **one}
    for key in ("properties", "$defs"):
        if key in one or key in other:
            merged[key] = {**other.get(key, {}), **one.get(key, {})}
    if "required" in one or "required" in other:
        merged["required"] = [*one.get("required", ()), *other.get("required", ())]
    if other.get("description") and one.get("description"):
        merged["description"] = f"{one['description']}\n{other['description']}"
    return merged


def _pointed(reference: str, root: Schema) -> Any:
    here: Any = root
    for part in reference.lstrip("#").strip("/").split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        here = here.get(key, {}) if isinstance(here, Mapping) and part else here
    return here


def kind_of(schema: Schema, name: str = "") -> Kind:
    if schema.get("enum") or "const" in schema:
        return "enum"
    kind = schema.get("type") or _implied(schema)
    if kind == "string":
        if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]]
        said = f"{schema.get('description', '')} {schema.get('title', '')}"
        if re.search(r"ISO[- ]?4217|currency code", said, re.I) or name_terms(name)[-1:] == [
            "currency"
        ]:
            return "currency"
        if re.search(r"YYYY-MM-DD|ISO[- ]?8601|ISO date", said, re.I):
            return "date"
        last = name_terms(name)[-1:]
        return "email" if last == ["email"] else "url" if last in (["url"], ["websit"]) else "text"
    kinds: dict[str, Kind] = {
        "object": "object", "array": "array", "boolean": "boolean", "integer": "integer",
        "number": "number", "null": "null",
    }  # fmt: skip
    return kinds.get(str(kind), "text")


def _implied(schema: Schema) -> str:
    for kind, keys in (("object", ("properties", "required")), ("array", ("items", "minItems"))):
        if any(key in schema for key in keys):
            return kind
    return "string"


def children(field: Field, root: Schema, hints: Mapping[str, str] | None = None) -> list[Field]:
    """The fields of an object, in the order of its schema."""
    properties = dict(field.schema.get("properties") or {})
    needed = set(field.schema.get("required") or ())
    for name in sorted(needed - set(properties)):
        properties[name] = {}
    found = []
    for name, inner in properties.items():
        schema, nullable = resolve(inner, root)
        hint = (hints or {}).get(name, "")
        found.append(Field((*field.path, name), schema, nullable, name in needed, hint))
    return found


def item(field: Field, root: Schema) -> Field:
    schema, nullable = resolve(field.schema.get("items") or {}, root)
    return Field((*field.path, "[]"), schema, nullable, hint=field.hint)


def allowed(value: Any, schema: Schema) -> bool:
    """Whether a scalar breaks none of the limits that its schema sets."""
    if "enum" in schema or "const" in schema:
        return value in schema.get("enum", [schema.get("const")])
    if isinstance(value, str):
        size = int(schema.get("minLength", 0)) <= len(value) <= schema.get("maxLength", len(value))
        return size and _matches(schema.get("pattern"), value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return True
    low = value >= schema.get("minimum", value) and value > schema.get(
        "exclusiveMinimum", value - 1
    )
    high = value <= schema.get("maximum", value) and value < schema.get(
        "exclusiveMaximum", value + 1
    )
    step = schema.get("multipleOf")
    return bool(low and high and (not step or abs(value / step - round(value / step)) < 1e-9))


def _matches(pattern: object, value: str) -> bool:
    try:
        return not isinstance(pattern, str) or re.search(pattern, value) is not None
    except re.error:
        return True


def blank(field: Field, root: Schema, depth: int = 0) -> Any:
    """The emptiest value that the schema allows; what is written where nothing was found."""
    schema = field.schema
    if "default" in schema:
        return schema["default"]
    if field.may_be_null or depth > _DEEPEST:
        return None
    if field.kind == "enum":
        return schema["enum"][0] if schema.get("enum") else schema["const"]
    if field.kind == "object":
        needed = [child for child in children(field, root) if child.required]
        return {child.name: blank(child, root, depth + 1) for child in needed}
    if field.kind == "array":
        return [blank(item(field, root), root, depth + 1) for _ in range(schema.get("minItems", 0))]
    return _blank_scalar(field)


def _blank_scalar(field: Field) -> Any:
    schema = field.schema
    if field.kind == "boolean":
        return False
    if field.kind in ("integer", "number"):
        low = schema.get("minimum", schema.get("exclusiveMinimum"))
        high = schema.get("maximum", schema.get("exclusiveMaximum"))
        step = schema.get("multipleOf") or 1
        tries = [0, low, high]
        for limit in (low, high):
            if limit is not None:
                tries += [step * (limit // step + n) for n in (-1, 0, 1)]
        if low is not None and high is not None:
            tries.append((low + high) / 2)
        return next((n for n in tries if n is not None and allowed(n, schema)), 0)
    samples = {
        "date": "1970-01-01", "datetime": "1970-01-01T00:00:00Z", "time": "00:00:00Z",
        "email": "unknown@example.com", "url": "https://example.com/",
    }  # fmt: skip
    if schema.get("format") in _FORMATS:
        return samples[field.kind]
    return (
        ""
        if allowed("", schema)
        else "unknown".ljust(int(schema.get("minLength", 0)), "-")[
            : schema.get("maxLength", 999_999)
        ]
    )


def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
