"""A mock shop that a model can ask through three tools: the first function calling of the course.

A tool's arguments are written by a model, so they are checked as strictly as a stranger's input,
and what is wrong with them goes back to the model as text. The shop is read into memory and closed
to writing; buying, accounts and permissions are left out.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.errors import LocalError
from shared.messages import ToolCall, ToolResult, ToolSpec
from stage1_cost_cli.queries import load_queries

DATA = Path(__file__).parents[1] / "data" / "shop.sql"  # beside the package, in a checkout
MOST_ID = 2**31 - 1


class _Arguments(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class FindProducts(_Arguments):
    """Finds what the shop sells by words: up to 5 products with id, name, price, description."""

    query: str = Field(min_length=1, max_length=200, description="Words, e.g. waterproof jacket")
    max_price: float | None = Field(
        None, gt=0, le=1_000_000, description="Highest price in US dollars; leave out for any"
    )


class CheckStock(_Arguments):
    """Says whether one product, by its id, is in stock, how many units, or when it is back."""

    product_id: int = Field(ge=1, le=MOST_ID, description="Product id, e.g. 12")


class OrderStatus(_Arguments):
    """Says where an order is, what is in it and when it is expected."""

    order_id: int = Field(ge=1, le=MOST_ID, description="Order number, e.g. 1013")


class _NotThere(LookupError):
    """A question with a good form and no answer."""


class Shop:
    """`tools` go into a request; each `ToolCall` of the reply goes to `run`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._queries = load_queries("shop")
        self._doors: dict[str, tuple[type[_Arguments], Callable[[Any], object]]] = {
            "find_products": (FindProducts, self._find_products),
            "check_stock": (CheckStock, self._check_stock),
            "order_status": (OrderStatus, self._order_status),
        }

    @property
    def tools(self) -> tuple[ToolSpec, ...]:
        return tuple(_spec(name, arguments) for name, (arguments, _) in self._doors.items())

    def run(self, call: ToolCall) -> ToolResult:
        """The answer as short JSON, or what is wrong in words for the model. Raises for neither."""
        if call.name not in self._doors:
            known = ", ".join(self._doors)
            return ToolResult(call.id, f"there is no tool {call.name!r}: use {known}", True)
        arguments, answer = self._doors[call.name]
        try:
            found = answer(arguments.model_validate_json(call.json or "{}"))
        except ValidationError as error:
            return ToolResult(call.id, f"{call.name}: {_complaint(error)}", True)
        except _NotThere as error:
            return ToolResult(call.id, str(error), True)
        return ToolResult(call.id, json.dumps(found, ensure_ascii=False, separators=(",", ":")))

    def _find_products(self, asked: FindProducts) -> object:
        words = re.findall(r"\w+", asked.query)
        words = [word for word in words if len(word) > 2] or words
        most = None if asked.max_price is None else round(asked.max_price * 100)
        # Quoted, a word is only a word: the search syntax of FTS5 stays out of a model's reach.
        match = " OR ".join(f'"{word}"' for word in words)
        rows = self._ask("find_products", words=match, most_cents=most) if words else []
        if not rows:
            offered = [row["category"] for row in self._ask("categories")]
            return {"products": [], "hint": f"nothing matches; categories: {', '.join(offered)}"}
        return {
            "products": [
                {
                    "id": row["id"],
                    "name": row["name"],
                    "price_usd": row["price_cents"] / 100,
                    "description": row["description"],
                }
                for row in rows
            ]
        }

    def _check_stock(self, asked: CheckStock) -> object:
        rows = self._ask("check_stock", product_id=asked.product_id)
        if not rows:
            raise _NotThere(f"there is no product {asked.product_id}: find_products gives ids")
        return _without_null(rows[0])

    def _order_status(self, asked: OrderStatus) -> object:
        rows = self._ask("order_status", order_id=asked.order_id)
        if not rows:
            raise _NotThere(f"there is no order {asked.order_id}: ask for the number again")
        lines = self._ask("order_lines", order_id=asked.order_id)
        return _without_null(rows[0]) | {"items": [dict(line) for line in lines]}

    def _ask(self, query: str, **values: object) -> list[sqlite3.Row]:
        return self._connection.execute(self._queries[query], values).fetchall()


def open_shop(data: Path = DATA) -> Shop:
    """The shop of `data`, in memory and read-only; `LocalError` when the data is not there."""
    try:
        script = data.read_text(encoding="utf-8")
    except OSError as error:
        raise LocalError(
            f"the shop's data {data} cannot be read ({error.strerror}): it is part of the "
            "repository and not of the built package, so run this from a checkout"
        ) from None
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    try:
        connection.executescript(script)
    except sqlite3.Error as error:
        connection.close()
        raise LocalError(
            f"the shop's data {data} cannot be loaded ({error}): restore it from the repository"
        ) from None
    connection.execute("PRAGMA query_only = ON")
    return Shop(connection)


def _spec(name: str, arguments: type[_Arguments]) -> ToolSpec:
    """Only what a model needs: generated titles are tokens that are paid on every call."""
    schema = arguments.model_json_schema()
    properties = schema["properties"]
    for shape in properties.values():
        shape.pop("title")
        shape.pop("default", None)
    parameters = {
        "type": "object",
        "properties": properties,
        "required": schema["required"],
        "additionalProperties": False,
    }
    return ToolSpec(name, schema["description"], parameters)


def _complaint(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_context=False)[:5]
    return "; ".join(
        f"{'.'.join(map(str, problem['loc'])) or 'arguments'}: {problem['msg']}"
        for problem in problems
    )


def _without_null(row: sqlite3.Row) -> dict[str, Any]:
    return {name: value for name, value in dict(row).items() if value is not None}
