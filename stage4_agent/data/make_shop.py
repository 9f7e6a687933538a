"""Makes `shop.db` beside this file, the same one every time: `python make_shop.py [FILE]`.

A made-up shop for desk furniture: 240 customers, 60 products, 900 orders of 2025 and 2026, and the
calls that its features made to language models. All names are invented.
"""

from __future__ import annotations

import random
import sqlite3
import sys
from datetime import date, timedelta
from pathlib import Path

HERE = Path(__file__).parent
SEED = 20261125
PLACES = {
    "Germany": ("Berlin", "Hamburg", "Leipzig"),
    "France": ("Lyon", "Nantes"),
    "Norway": ("Bergen", "Oslo"),
    "Spain": ("Bilbao", "Sevilla"),
    "Japan": ("Osaka", "Sapporo"),
    "Canada": ("Halifax", "Toronto"),
    "Brazil": ("Recife", "Curitiba"),
    "Kenya": ("Nairobi", "Mombasa"),
}
SEGMENTS = ("consumer", "business", "school")
FIRST = (
    "Ada", "Bo", "Cleo", "Dara", "Emil", "Fia", "Gus", "Hana", "Ivo", "Juno", "Kai",
    "Lena", "Milo", "Nora", "Otis", "Pia", "Quinn", "Rosa", "Sami", "Tove",
)  # fmt: skip
LAST = (
    "Abel", "Brandt", "Castro", "Dahl", "Endo", "Ferro", "Gruber", "Hale", "Ito",
    "Jensen", "Kimani", "Lund",
)  # fmt: skip
GOODS = {
    "desk": (
        ("Oak", 320.0),
        ("Birch", 260.0),
        ("Corner", 410.0),
        ("Folding", 149.0),
        ("Standing", 549.0),
    ),
    "chair": (
        ("Task", 129.0),
        ("Mesh", 189.0),
        ("Stool", 59.0),
        ("Lounge", 349.0),
        ("Kneeling", 99.0),
    ),
    "lamp": (
        ("Arc", 89.5),
        ("Clamp", 34.9),
        ("Reading", 49.0),
        ("Pendant", 119.0),
        ("Strip", 24.5),
    ),
    "shelf": (("Wall", 45.0), ("Cube", 75.0), ("Ladder", 110.0), ("Corner", 64.0), ("Book", 139.0)),
}
FINISHES = (("White", 1.0), ("Black", 1.0), ("Natural", 1.1))
WEIGHTS = {"desk": 28.0, "chair": 11.0, "lamp": 2.2, "shelf": 9.5}
STATUSES = ("paid", "paid", "paid", "paid", "shipped", "shipped", "refunded", "cancelled")
MODELS = (("swift-1", 0.15, 0.6), ("sage-2", 3.0, 15.0), ("sage-2-mini", 0.4, 1.6))
FEATURES = ("search", "support", "descriptions")
START, DAYS = date(2025, 1, 1), 690  # up to 2026-11-21


def main(file: Path) -> None:
    file.unlink(missing_ok=True)
    chance = random.Random(SEED)  # noqa: S311
    with sqlite3.connect(file) as db:
        db.executescript((HERE / "schema.sql").read_text(encoding="utf-8"))
        _customers(db, chance)
        prices = _products(db, chance)
        _orders(db, chance, prices)
        _model_calls(db, chance)
    db.execute("VACUUM")
    db.close()


def _customers(db: sqlite3.Connection, chance: random.Random) -> None:
    names = [f"{first} {last}" for first in FIRST for last in LAST]
    chance.shuffle(names)
    for number, name in enumerate(names, 1):
        country = chance.choices(list(PLACES), weights=(9, 6, 3, 4, 3, 4, 2, 2))[0]
        row = (
            number,
            name,
            name.lower().replace(" ", ".") + "@example.com",
            country,
            chance.choice(PLACES[country]),
            chance.choices(SEGMENTS, weights=(6, 3, 1))[0],
            _day(chance),
        )
        db.execute("INSERT INTO customers VALUES (?, ?, ?, ?, ?, ?, ?)", row)


def _products(db: sqlite3.Connection, chance: random.Random) -> dict[int, float]:
    prices: dict[int, float] = {}
    for category, kinds in GOODS.items():
        for kind, price in kinds:
            for finish, factor in FINISHES:
                number = len(prices) + 1
                prices[number] = round(price * factor, 2)
                name = f"{kind} {category} {finish.lower()}"
                sku = f"{category[:2].upper()}-{1000 + number * 7}"
                weight = round(WEIGHTS[category] * chance.uniform(0.7, 1.3), 1)
                row = (number, sku, name, category, prices[number], weight, chance.randint(0, 180))
                db.execute("INSERT INTO products VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    return prices


def _orders(db: sqlite3.Connection, chance: random.Random, prices: dict[int, float]) -> None:
    for number in range(1, 901):
        items = [
            (number, product, chance.choice((1, 1, 1, 2, 2, 3, 4, 6)), prices[product])
            for product in chance.sample(sorted(prices), chance.choice((1, 1, 2, 3)))
        ]
        total = round(sum(quantity * price for _, _, quantity, price in items), 2)
        customer = min(240, int(chance.expovariate(1 / 70)) + 1)
        row = (number, customer, _day(chance), chance.choice(STATUSES), total)
        db.execute("INSERT INTO orders VALUES (?, ?, ?, ?, ?)", row)
        db.executemany("INSERT INTO order_items VALUES (?, ?, ?, ?)", items)


def _model_calls(db: sqlite3.Connection, chance: random.Random) -> None:
    db.executemany("INSERT INTO model_prices VALUES (?, ?, ?)", MODELS)
    for number in range(1, 1201):
        row = (
            number,
            _day(chance),
            chance.choices([name for name, *_ in MODELS], weights=(6, 1, 3))[0],
            chance.choice(FEATURES),
            chance.randint(200, 9_000),
            chance.randint(20, 1_200),
            int(chance.random() < 0.04),
        )
        db.execute("INSERT INTO model_calls VALUES (?, ?, ?, ?, ?, ?, ?)", row)


def _day(chance: random.Random) -> str:
    return (START + timedelta(days=chance.randrange(DAYS))).isoformat()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "shop.db")
