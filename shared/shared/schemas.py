"""From a Pydantic model to the JSON schema a provider enforces, and from a reply to that model.

Written here because the SDKs' own helpers change a schema without a word: one turns an open map
into an object that can hold nothing, the other makes fields with defaults required. Here an open
map, `Any` or a default is an error at once, and every field is required: "unknown" is a value that
the author spells out as `X | None`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from shared.errors import InvalidOutput, Refused, Truncated, UnsupportedSchema
from shared.messages import OutputSchema, Reply

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

    Record = TypeVar("Record", bound=BaseModel)
else:
    Record = TypeVar("Record")

Visit = Callable[[dict[str, Any], str], dict[str, Any]]
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
SHAPES = frozenset({"type", "$ref", "anyOf", "enum", "const"})
# The formats of a string that Anthropic enforces; any other one is told in the description too.
FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
)


def output_schema(model: type[BaseModel]) -> OutputSchema:
    """The strict schema of `model`; `UnsupportedSchema` names the field that cannot be strict."""
    schema = model.model_json_schema(mode="validation")
    if "properties" not in _target(schema, schema):
        raise UnsupportedSchema(f"{model.__name__} is not a record: give it named fields")
    name = re.sub(r"[^a-zA-Z0-9_-]", "_", model.__name__)[:64]  # `Box[int]` is no name on a wire
    return OutputSchema(name, _strict(schema, model.__name__, schema))


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
    node = dict(schema)
    unknown_format = node.get("format") not in (None, *FORMATS)
    words = (*CONSTRAINTS, "format") if unknown_format else CONSTRAINTS
    told = [f"{word}: {node.pop(word)}" for word in words if word in node]
    if told:
        node["description"] = ". ".join(filter(None, [node.get("description"), *told]))
    return _with_parts(node, lambda part, _: without_constraints(part))


def _strict(node: dict[str, Any], where: str, root: dict[str, Any]) -> dict[str, Any]:
    """`node` with every field required and nothing else allowed; `where` is its path."""
    if "oneOf" in node:  # a tagged union: both vendors know only anyOf
        node = {key: value for key, value in node.items() if key != "discriminator"}
        node["anyOf"] = node.pop("oneOf")
    if "$ref" in node and len(node) > 1:  # a wire allows nothing beside a $ref
        named = {key: value for key, value in node.items() if key != "$ref"}
        node = _target({"$ref": node["$ref"]}, root) | named
    _refuse_loose(node, where)
    if "properties" in node:
        node = node | {"required": list(node["properties"]), "additionalProperties": False}
    return _with_parts(node, lambda part, name: _strict(part, f"{where}{name}", root))


def _refuse_loose(node: dict[str, Any], where: str) -> None:
    if not SHAPES & node.keys():
        raise UnsupportedSchema(f"{where} has no type (Any): say what it holds")
    if "default" in node:
        raise UnsupportedSchema(
            f"{where} has a default: make it required, and `| None` where it can be absent"
        )
    if node.get("type") == "array" and "items" not in node:
        raise UnsupportedSchema(f"{where} is a tuple or a list of anything: use a list of one type")
    if "uniqueItems" in node:
        raise UnsupportedSchema(f"{where} is a set, which no provider enforces: use a list")
    if node.get("type") == "object" and "properties" not in node:
        raise UnsupportedSchema(
            f"{where} is an open map (dict): use a list of records with a key and a value"
        )
    if node.get("additionalProperties"):
        raise UnsupportedSchema(f"{where} allows extra fields: strict output cannot")


def _with_parts(node: dict[str, Any], visit: Visit) -> dict[str, Any]:
    """`node` with `visit` on each schema inside it; maps of names and values are no schemas."""
    out = dict(node)
    for word, mark in (("properties", "."), ("$defs", " > ")):
        if word in out:
            out[word] = {name: visit(part, mark + name) for name, part in out[word].items()}
    if isinstance(out.get("items"), dict):
        out["items"] = visit(out["items"], "[]")
    if "anyOf" in out:
        out["anyOf"] = [visit(part, "") for part in out["anyOf"]]
    return out


def _target(node: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    """What a `$ref` of pydantic's, always `#/$defs/NAME`, points at."""
    while "$ref" in node:
        node = root["$defs"][node["$ref"].rpartition("/")[2]]
    return node


def _for_a_model(error: ValidationError) -> str:
    """The complaint as a sentence that a model can act on."""
    complaints = [
        f"{'.'.join(str(part) for part in problem['loc']) or 'the answer'}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False)[:10]
    ]
    return "; ".join(complaints)
