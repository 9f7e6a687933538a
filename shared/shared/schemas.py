"""From a Pydantic model to the JSON schema a provider enforces, and from a reply to that model.

Written here because the SDKs' own helpers change a schema without a word: one turns an open map
into an object that can hold nothing, the other makes fields with defaults required. Here an open
map, `Any` or a default is an error at once, and every field is required: "unknown" is a value that
the author spells out as `X | None`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from shared.errors import InvalidOutput, Refused, Truncated, UnsupportedSchema
from shared.messages import OutputSchema, Reply

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

    Record = TypeVar("Record", bound=BaseModel)
else:
    Record = TypeVar("Record")

# Keywords that Anthropic's structured output refuses; their meaning moves into the description.
CONSTRAINTS = (
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
)
NAMED_SCHEMAS = ("properties", "$defs")


def output_schema(model: type[BaseModel]) -> OutputSchema:
    """The strict schema of `model`; `UnsupportedSchema` names the field that cannot be strict."""
    schema = model.model_json_schema(mode="validation")
    return OutputSchema(model.__name__, _strict(schema, model.__name__))


def validated(reply: Reply, model: type[Record]) -> Record:
    """`reply` as a `model`. `Refused`, `Truncated` or `InvalidOutput` carry the paid reply."""
    from pydantic import ValidationError

    if reply.stop == "refusal":
        raise Refused(f"the model refused: {reply.refusal}", reply=reply)
    if reply.stop in ("length", "context_full"):
        raise Truncated("the answer was cut at the token limit: raise max_tokens", reply=reply)
    try:
        return model.model_validate_json(reply.text)
    except ValidationError as error:
        raise InvalidOutput(_for_a_model(error), reply=reply) from None


def without_constraints(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The same schema with `CONSTRAINTS` told in descriptions, for a wire that refuses them."""

    def visit(node: dict[str, Any]) -> dict[str, Any]:
        told = [f"{word}: {node.pop(word)}" for word in CONSTRAINTS if word in node]
        if told:
            node["description"] = ". ".join(filter(None, [node.get("description"), *told]))
        return node

    return _walk(json.loads(json.dumps(schema)), visit)


def _strict(schema: dict[str, Any], name: str) -> dict[str, Any]:
    def visit(node: dict[str, Any]) -> dict[str, Any]:
        where = f"{name}.{node.get('title', '?')}"
        if "properties" in node:
            if node.get("additionalProperties"):
                raise UnsupportedSchema(f"{where} allows extra fields: strict output cannot")
            _refuse_loose_fields(node, name)
            return node | {"required": list(node["properties"]), "additionalProperties": False}
        if node.get("type") == "object":
            raise UnsupportedSchema(
                f"{where} is an open map (dict): use a list of records with a key and a value"
            )
        return node

    return _walk(schema, visit)


def _refuse_loose_fields(node: dict[str, Any], name: str) -> None:
    shapes = {"type", "$ref", "anyOf", "oneOf", "allOf", "enum", "const"}
    for field, shape in node["properties"].items():
        where = f"{name}: {node.get('title', '')}.{field}"
        if not shapes & shape.keys():
            raise UnsupportedSchema(f"{where} has no type (Any): say what it holds")
        if shape.get("type") == "array" and not shapes & (shape.get("items") or {}).keys():
            raise UnsupportedSchema(f"{where} is a list of anything: say what it holds")
        if "default" in shape:
            raise UnsupportedSchema(
                f"{where} has a default: make it required, and `| None` where it can be absent"
            )


def _walk(node: Any, visit: Any) -> Any:
    """Rebuilds a schema bottom up with `visit` on each subschema; not on the maps of names."""
    if isinstance(node, list):
        return [_walk(item, visit) for item in node]
    if not isinstance(node, dict):
        return node
    rebuilt: dict[str, Any] = {}
    for key, value in node.items():
        if key in NAMED_SCHEMAS:
            rebuilt[key] = {name: _walk(sub, visit) for name, sub in value.items()}
        elif key in ("enum", "const", "default", "examples", "required"):
            rebuilt[key] = value
        else:
            rebuilt[key] = _walk(value, visit)
    return visit(rebuilt)


def _for_a_model(error: ValidationError) -> str:
    """The complaint as a sentence that a model can act on."""
    complaints = [
        f"{'.'.join(str(part) for part in problem['loc']) or 'the answer'}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False)[:10]
    ]
    return "; ".join(complaints)
