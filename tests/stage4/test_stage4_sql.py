"""The database can be read and not be changed, whatever the statement; and it ends in time."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import sqlite3
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stage4_agent.contract import ToolFailure
from stage4_agent.toolbox import Toolbox, arguments
from stage4_agent.toolbox import run as run_tool
from stage4_agent.tools import sql
from stage4_agent.tools.offered import DATA
from stage4_agent.tools.sql import described, queried, sql_tools

SHOP = DATA / "shop.db"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copy(SHOP, tmp_path_factory.mktemp("shop") / "shop.db"))


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def around(file: Path) -> set[str]:
    return {path.name for path in file.parent.iterdir()}


def test_rows_and_columns() -> None:
    found = queried(SHOP, "SELECT name, price_usd FROM products WHERE sku = 'DE-1007'")
    assert found == {
        "columns": ["name", "price_usd"],
        "rows": [["Oak desk white", 320.0]],
        "more": False,
    }


def test_no_more_than_fifty_rows_and_it_says_so() -> None:
    found = queried(SHOP, "SELECT id FROM orders ORDER BY id")
    assert [row[0] for row in found["rows"]] == list(range(1, 51))
    assert found["more"] is True


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("DELETE FROM orders", "can only be read"),
        ("UPDATE products SET price_usd = 0", "can only be read"),
        ("INSERT INTO orders VALUES (0, 1, '2026-01-01', 'paid', 1)", "can only be read"),
        ("DROP TABLE orders", "can only be read"),
        ("CREATE TEMP TABLE t AS SELECT 1", "can only be read"),
        ("ATTACH DATABASE 'other.db' AS other", "can only be read"),
        ("VACUUM INTO 'copy.db'", "denied"),
        ("PRAGMA journal_mode = WAL", "can only be read"),
        ("PRAGMA writable_schema = 1", "can only be read"),
        ("SELECT load_extension('x')", "can only be read"),
        ("BEGIN IMMEDIATE", "can only be read"),
        ("SELECT 1; DELETE FROM orders", "one statement"),
        ("WITH x AS (SELECT 1) DELETE FROM orders", "can only be read"),
        ("", "no SELECT"),
        ("-- nothing", "no SELECT"),
        ("SELEC 1", "syntax error"),
        ("SELECT * FROM orderz", "did you mean orders"),
        ("SELECT pric_usd FROM products", "did you mean price_usd"),
        ("SELECT zeroblob(1000000000)", "too big"),
        ("SELECT 1 " + "-- " + "x" * 5000, "too"),
    ],
)
def test_what_is_no_reading_is_refused_by_the_engine(
    shop: Path, statement: str, reason: str
) -> None:
    before, files = digest(shop), around(shop)
    with pytest.raises(ToolFailure, match=reason):
        queried(shop, statement)
    assert digest(shop) == before
    assert around(shop) == files


WORDS = [
    "SELECT", "DELETE FROM", "UPDATE", "SET", "INSERT INTO", "VALUES", "DROP TABLE", "ALTER TABLE",
    "CREATE TABLE", "PRAGMA", "ATTACH", "VACUUM", "REINDEX", "WITH", "AS", "(", ")", ";", "*", ",",
    "orders", "customers", "price_usd", "id", "1", "'x'", "WHERE", "FROM", "total_usd", "=",
    "REPLACE INTO", "BEGIN", "COMMIT", "writable_schema", "journal_mode", "DETACH", "main",
    "sqlite_master", "RETURNING", "LIMIT", "UNION", "count(*)", "EXPLAIN", "ANALYZE", "temp", "--",
]  # fmt: skip


@settings(max_examples=1_500, deadline=None)
@given(
    st.one_of(
        st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join),
        st.text(max_size=80),
    )
)
def test_no_statement_changes_a_byte(statement: str) -> None:
    before = digest(SHOP)
    with suppress(ToolFailure):
        json.dumps(queried(SHOP, statement))
    assert digest(SHOP) == before
    assert not [name for name in around(SHOP) if name.startswith("shop.db-")]


def test_an_endless_statement_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "SECONDS", 0.2)
    endless = (
        "WITH RECURSIVE a(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM a) SELECT count(*) FROM a"
    )
    with pytest.raises(ToolFailure, match="was stopped"):
        queried(SHOP, endless)


def test_a_statement_that_eats_memory_is_stopped() -> None:
    hungry = "SELECT a.*, b.* FROM orders a, orders b, orders c ORDER BY a.total_usd"
    with pytest.raises(ToolFailure, match=r"memory|was stopped"):
        queried(SHOP, hungry)


def test_a_missing_database_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ToolFailure, match="not there"):
        queried(tmp_path / "none.db", "SELECT 1")
    (tmp_path / "text.db").write_text("no database")
    with pytest.raises(ToolFailure, match=r"not a database|cannot be read"):
        queried(tmp_path / "text.db", "SELECT * FROM t")


def test_the_schema_tells_tables_comments_and_common_values() -> None:
    tables = {table["name"]: table for table in described(SHOP)["tables"]}
    assert set(tables) == {
        "customers", "products", "orders", "order_items", "model_prices", "model_calls",
    }  # fmt: skip
    assert "REFERENCES customers (id)" in tables["orders"]["sql"]
    assert "-- list price of one piece" in tables["products"]["sql"]
    assert tables["orders"]["values"]["status"] == ["cancelled", "paid", "refunded", "shipped"]
    assert "name" not in tables["customers"]["values"]


async def test_both_tools_return_their_declared_form() -> None:
    box = Toolbox(sql_tools(SHOP))
    query = '{"query": "SELECT NULL, 1, 2.5, \'x\'"}'
    for name, written in (("sql_schema", "{}"), ("sql_query", query)):
        ready = box.find(name)
        assert json.loads(await run_tool(ready, arguments(ready, written), ""))


def test_queries_run_side_by_side() -> None:
    found: list[int] = []

    def count() -> None:
        found.append(queried(SHOP, "SELECT count(*) FROM orders")["rows"][0][0])

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [900] * 8


def test_the_bundled_database_is_what_its_script_makes(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("make_shop", DATA / "make_shop.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main(tmp_path / "shop.db")
    with sqlite3.connect(tmp_path / "shop.db") as made, sqlite3.connect(SHOP) as bundled:
        assert list(made.iterdump()) == list(bundled.iterdump())
