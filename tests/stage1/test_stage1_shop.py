"""The mock shop against its own data file, and against arguments that a model could write."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import LocalError
from shared.messages import ToolCall, ToolResult
from stage1_cost_cli.shop import DATA, Shop, open_shop

SHOP = open_shop()


@pytest.fixture(scope="module")
def truth() -> sqlite3.Connection:
    """The same data in a connection that the shop does not share."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(DATA.read_text(encoding="utf-8"))
    return connection


def ask(tool: str, arguments: object) -> ToolResult:
    return SHOP.run(ToolCall("call_1", tool, json.dumps(arguments)))


def answer(tool: str, **arguments: object) -> Any:
    result = ask(tool, arguments)
    assert not result.is_error, result.content
    assert result.call_id == "call_1"
    return json.loads(result.content)


def complaint(tool: str, arguments: object) -> str:
    result = ask(tool, arguments)
    assert result.is_error
    return result.content


# --- the three tools -----------------------------------------------------------------------------
def test_products_are_found_by_words_in_any_form_best_first() -> None:
    found = answer("find_products", query="a waterproof jackets for cycling")["products"]
    assert found[0] == {
        "id": 2,
        "name": "Squall cycling jacket",
        "price_usd": 119.0,
        "description": "Waterproof and reflective, cut long at the back",
    }
    assert len(found) <= 5


def test_the_highest_price_is_kept_to_and_included() -> None:
    names = [
        product["name"]
        for product in answer("find_products", query="tent", max_price=219)["products"]
    ]
    assert "Lark tent for one" in names  # costs exactly 219
    assert "Heron tent for two" not in names  # costs 289
    assert answer("find_products", query="tent", max_price=None)["products"]


def test_nothing_found_names_the_categories() -> None:
    found = answer("find_products", query="submarine")
    assert found["products"] == []
    assert "rain jackets" in found["hint"]


def test_stock_of_every_product_is_what_the_data_says(truth: sqlite3.Connection) -> None:
    rows = truth.execute("SELECT product_id, units, restocked_on FROM stock").fetchall()
    assert len(rows) == 40
    for id, units, back in rows:
        found = answer("check_stock", product_id=id)
        assert (found["units"], found.get("restocked_on")) == (units, back)
        assert (units == 0) == (back is not None)


def test_every_order_tells_its_state_and_not_its_customer(truth: sqlite3.Connection) -> None:
    orders = truth.execute(
        "SELECT orders.id, status, name, city FROM orders"
        " JOIN customers ON customers.id = customer_id"
    ).fetchall()
    assert orders
    for id, status, name, city in orders:
        result = ask("order_status", {"order_id": id})
        found = json.loads(result.content)
        assert found["status"] == status
        assert found["items"]
        assert name not in result.content
        assert city not in result.content


# --- arguments that are wrong --------------------------------------------------------------------
@pytest.mark.parametrize(
    ("tool", "arguments", "sentence"),
    [
        ("check_stock", {"product_id": "1"}, "product_id: Input should be a valid integer"),
        ("check_stock", {"product_id": True}, "product_id: Input should be a valid integer"),
        ("check_stock", {"product_id": 1.0}, "product_id: Input should be a valid integer"),
        ("check_stock", {"product_id": 10**30}, "less than or equal to"),
        ("check_stock", {"product_id": 999}, "no product 999: find_products gives ids"),
        ("check_stock", {}, "product_id: Field required"),
        ("check_stock", {"product_id": 1, "drop": True}, "drop: Extra inputs are not permitted"),
        ("check_stock", [1], "Input should be an object"),
        ("order_status", {"order_id": -5}, "greater than or equal to 1"),
        ("order_status", {"order_id": 5}, "no order 5"),
        ("find_products", {"query": ""}, "query: String should have at least 1 character"),
        ("find_products", {"query": "tent", "max_price": "10"}, "should be a valid number"),
        ("find_products", {"query": "tent", "max_price": float("nan")}, "finite number"),
        ("find_products", {"query": 7}, "query: Input should be a valid string"),
        ("delete_order", {"order_id": 1001}, "no tool 'delete_order': use find_products"),
    ],
)
def test_a_wrong_argument_is_told_to_the_model(tool: str, arguments: object, sentence: str) -> None:
    assert sentence in complaint(tool, arguments)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "nonsense", '{"product_id": 1} {}'])
def test_arguments_that_are_not_json_are_told_too(text: str) -> None:
    assert SHOP.run(ToolCall("call_1", "check_stock", text)).is_error


@pytest.mark.parametrize(
    "query",
    [
        "'; DROP TABLE products; --",
        "tent' OR '1'='1",
        'tent" OR name:*',
        "NEAR(a b)",
        "%",
        "*",
        '"',
        "name : tent AND NOT tent",
        "\x00",
        "___",
    ],
)
def test_a_query_is_words_and_never_sql(query: str) -> None:
    assert len(answer("find_products", query=query)["products"]) <= 5
    assert len(answer("find_products", query="tent")["products"]) == 4


@given(st.text(min_size=1, max_size=200), st.none() | st.floats())
def test_no_query_raises(query: str, most: float | None) -> None:
    text = json.dumps({"query": query, "max_price": most})
    assert SHOP.run(ToolCall("call_1", "find_products", text)).content


@given(st.sampled_from(["find_products", "check_stock", "order_status"]), st.text())
def test_no_arguments_raise(tool: str, text: str) -> None:
    assert SHOP.run(ToolCall("call_1", tool, text)).content


def test_the_shop_cannot_be_written() -> None:
    shop = open_shop()
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        shop._connection.execute("DELETE FROM orders")


# --- what is sent to a model, and the data -------------------------------------------------------
def test_the_schemas_are_closed_and_carry_no_spare_words() -> None:
    assert [tool.name for tool in SHOP.tools] == ["find_products", "check_stock", "order_status"]
    for tool in SHOP.tools:
        assert tool.description
        assert tool.parameters["type"] == "object"
        assert tool.parameters["additionalProperties"] is False
        assert set(tool.parameters["required"]) <= set(tool.parameters["properties"])
        for shape in tool.parameters["properties"].values():
            assert shape["description"]
            assert "title" not in shape


def test_the_data_is_what_its_generator_writes() -> None:
    made = subprocess.run(
        [sys.executable, str(DATA.with_name("make_shop.py"))], capture_output=True, check=True
    )
    assert made.stdout.decode() == DATA.read_text(encoding="utf-8")


def test_missing_or_broken_data_is_said(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"cannot be read .* run this from a checkout"):
        open_shop(tmp_path / "shop.sql")
    (tmp_path / "shop.sql").write_text("CREATE TABLE products (")
    with pytest.raises(LocalError, match=r"cannot be loaded .* restore it"):
        open_shop(tmp_path / "shop.sql")
    assert isinstance(open_shop(), Shop)
