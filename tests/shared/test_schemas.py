"""Strict schemas: what cannot be strict is an error at once, what can is what the SDKs would send.

The oracles are the helpers of both SDKs, for schemas whose meaning they keep.
"""

import json
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Generic, Literal, TypeVar

import pytest
from pydantic import BaseModel, ConfigDict, Field, RootModel

from shared.errors import UnsupportedSchema
from shared.schemas import CONSTRAINTS, output_schema, without_constraints

T = TypeVar("T")


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Money(BaseModel):
    amount: float = Field(ge=0, description="In whole units")
    currency: Literal["EUR", "USD"]


class Line(BaseModel):
    name: str
    price: Money = Field(description="What one costs")
    colour: Colour | None


class Order(BaseModel):
    """An order as written."""

    lines: list[Line] = Field(min_length=1)
    when: datetime
    paid: bool
    total: Money


class Node(BaseModel):
    value: int
    children: list["Node"]


class Names(BaseModel):
    """Fields named like the keywords of a schema."""

    properties: str
    type: str
    title: str
    required: list[str]
    minimum: int
    pattern: str
    default: str
    enum: Colour
    additionalProperties: bool


def every_node(schema: Any) -> list[dict[str, Any]]:
    if isinstance(schema, list):
        return [node for item in schema for node in every_node(item)]
    if not isinstance(schema, dict):
        return []
    return [schema, *(node for value in schema.values() for node in every_node(value))]


@pytest.mark.parametrize("model", [Order, Node, Names, Money])
def test_every_record_is_closed_and_complete(model: type[BaseModel]) -> None:
    schema = output_schema(model).schema
    records = [node for node in every_node(schema) if node.get("type") == "object"]
    assert records
    for node in records:
        assert node["required"] == list(node["properties"])
        assert node["additionalProperties"] is False


@pytest.mark.parametrize("model", [Order, Names, Money, Node])
def test_openais_helper_makes_the_same_schema(model: type[BaseModel]) -> None:
    from openai.lib._pydantic import to_strict_json_schema

    assert output_schema(model).schema == to_strict_json_schema(model)


@pytest.mark.parametrize("model", [Order, Names, Money, Node])
def test_anthropics_helper_finds_nothing_more_to_change(model: type[BaseModel]) -> None:
    """It moves what the API refuses into descriptions; after ours nothing is left to move."""
    from anthropic import transform_schema

    ours = without_constraints(output_schema(model).schema)
    theirs = transform_schema(json.loads(json.dumps(ours)))
    for node in (*every_node(ours), *every_node(theirs)):
        if "enum" in node or "const" in node:
            node.pop("type", None)  # it leaves out what the values say already
    assert ours == theirs


class OpenMap(BaseModel):
    prices: dict[str, float]


class OptionalMap(BaseModel):
    prices: dict[str, float] | None


class Anything(BaseModel):
    what: Any


class MaybeAnything(BaseModel):
    what: Any | None


class ListOfAnything(BaseModel):
    what: list[Any]


class DeepList(BaseModel):
    what: list[list[Any]] | None


class Pair(BaseModel):
    what: tuple[int, str]


class Unique(BaseModel):
    what: set[int]


class WithDefault(BaseModel):
    what: int = 3


class OptionalDefault(BaseModel):
    what: str | None = None


class Extra(BaseModel):
    model_config = ConfigDict(extra="allow")
    what: int


class Inside(BaseModel):
    order: list[WithDefault]


class Whole(RootModel[list[int]]):
    pass


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (OpenMap, r"OpenMap\.prices is an open map"),
        (OptionalMap, r"OptionalMap\.prices is an open map"),
        (Anything, r"Anything\.what has no type"),
        (MaybeAnything, r"MaybeAnything\.what has no type"),
        (ListOfAnything, r"ListOfAnything\.what\[\] has no type"),
        (DeepList, r"DeepList\.what\[\]\[\] has no type"),
        (Pair, r"Pair\.what is a tuple"),
        (Unique, r"Unique\.what is a set"),
        (WithDefault, r"WithDefault\.what has a default"),
        (OptionalDefault, r"OptionalDefault\.what has a default"),
        (Extra, "Extra allows extra fields"),
        (Inside, r"WithDefault\.what has a default"),
        (Whole, "Whole is not a record"),
    ],
)
def test_what_cannot_be_strict_is_named(model: type[BaseModel], told: str) -> None:
    with pytest.raises(UnsupportedSchema, match=told):
        output_schema(model)


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str


class Pet(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]


def test_a_tagged_union_is_said_in_words_that_both_know() -> None:
    schema = output_schema(Pet).schema
    pet = schema["properties"]["pet"]
    assert [part["$ref"] for part in pet["anyOf"]] == ["#/$defs/Cat", "#/$defs/Dog"]
    assert not {"oneOf", "discriminator"} & pet.keys()


def test_a_reference_stands_alone() -> None:
    """OpenAI refuses any keyword beside a $ref, so that a described record is written out."""
    price = output_schema(Order).schema["$defs"]["Line"]["properties"]["price"]
    assert "$ref" not in price
    assert price["description"] == "What one costs"
    assert price["required"] == ["amount", "currency"]
    assert output_schema(Order).schema["properties"]["total"] == {"$ref": "#/$defs/Money"}


def test_a_record_in_itself() -> None:
    schema = output_schema(Node).schema
    assert schema["type"] == "object"
    assert schema["properties"]["children"]["items"] == {"$ref": "#/$defs/Node"}


def test_the_name_is_one_that_a_wire_takes() -> None:
    class Box(BaseModel, Generic[T]):
        inside: T

    assert output_schema(Box[int]).name == "Box_int_"
    assert output_schema(Order).name == "Order"


def test_constraints_move_into_the_description_and_nothing_else_changes() -> None:
    class Limits(BaseModel):
        count: int = Field(ge=1, le=10, description="How many")
        code: str = Field(pattern="^[A-Z]+$", min_length=2)
        minimum: float = Field(gt=0)

    strict = output_schema(Limits).schema
    before = json.dumps(strict)
    moved = without_constraints(strict)
    assert json.dumps(strict) == before  # the schema given in is not changed
    fields = moved["properties"]
    assert fields["count"]["description"] == "How many. minimum: 1. maximum: 10"
    assert fields["code"]["description"] == "minLength: 2. pattern: ^[A-Z]+$"
    assert fields["minimum"]["description"] == "exclusiveMinimum: 0"  # the field keeps its name
    assert not any(set(CONSTRAINTS) & field.keys() for field in fields.values())
    assert moved["required"] == ["count", "code", "minimum"]


def test_enum_values_and_names_are_not_read_as_schemas() -> None:
    class Odd(BaseModel):
        what: Literal["properties", "minimum", "$ref"]

    assert output_schema(Odd).schema["properties"]["what"]["enum"] == [
        "properties",
        "minimum",
        "$ref",
    ]
