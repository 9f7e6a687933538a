"""The one tool with a side effect: it places an order in the mock shop, if a person agrees.

The key makes it idempotent in the shop itself: the same key again gives the first order back, also
after a crash between the order and its record. Left out: paying, and cancelling.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from shared.queries import load_queries
from stage4_agent.contract import Arguments, Tool, ToolFailure, always

SQL = Path(__file__).parents[1] / "sql" / "orders.sql"
MOST = 100


def place_order(file: Path, catalogue: Path) -> Tool:
    """Orders are kept in `file`; the articles there are stand in the shop's database."""

    async def run(given: Arguments, key: str) -> dict[str, Any]:
        return await asyncio.to_thread(
            _place, file, catalogue, given["sku"], given["quantity"], key
        )

    return Tool(
        name="place_order",
        description="Places an order for a product in the shop. It costs money: only when the user "
        "asks for an order. A person has to approve it.",
        parameters={
            "type": "object",
            "properties": {
                "sku": {"type": "string", "description": "article number, e.g. DE-1007"},
                "quantity": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": MOST,
                    "description": "number of pieces",
                },
            },
            "required": ["sku", "quantity"],
        },
        returns={
            "type": "object",
            "properties": {
                "order": {"type": "integer"},
                "sku": {"type": "string"},
                "quantity": {"type": "integer"},
                "total_usd": {"type": "number"},
            },
            "required": ["order", "sku", "quantity", "total_usd"],
            "additionalProperties": False,
        },
        run=run,
        writes=True,
        approval=always,
        takes_key=True,
    )


def _place(file: Path, catalogue: Path, sku: str, quantity: int, key: str) -> dict[str, Any]:
    ask = load_queries(SQL)
    price = _price(catalogue, ask["price"], sku)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(file, timeout=5)) as db, db:
            db.execute(ask["create"])
            db.execute(ask["place"], {"key": key, "sku": sku, "quantity": quantity})
            number, sku, quantity = db.execute(ask["find"], {"key": key}).fetchone()
    except (sqlite3.Error, OSError) as error:
        raise ToolFailure(f"the shop did not take the order: {error}") from None
    total = round(price * quantity, 2)
    return {"order": number, "sku": sku, "quantity": quantity, "total_usd": total}


def _price(catalogue: Path, query: str, sku: str) -> float:
    uri = f"{catalogue.resolve().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as db:
            found = db.execute(query, {"sku": sku}).fetchone()
    except sqlite3.Error as error:
        raise ToolFailure(f"the shop cannot be reached: {error}") from None
    if found is None:
        raise ToolFailure(f"there is no article {sku!r}: look its sku up in the table products")
    return float(found[0])
