"""Writes `shop.sql`, the mock shop's data: `python make_shop.py > shop.sql`.

Products are written by hand here; stock and orders are drawn with a fixed seed, so the file comes
out the same each time. Names of people are invented.
"""

import random
import sys
from collections.abc import Iterator
from datetime import date, timedelta

TODAY = date(2026, 11, 21)

SCHEMA = """\
CREATE TABLE products (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    category TEXT NOT NULL,
    description TEXT NOT NULL,
    price_cents INTEGER NOT NULL
);
CREATE TABLE stock (
    product_id INTEGER PRIMARY KEY REFERENCES products (id),
    units INTEGER NOT NULL,
    restocked_on TEXT
);
CREATE TABLE customers (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    city TEXT NOT NULL
);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customers (id),
    placed_on TEXT NOT NULL,
    status TEXT NOT NULL,
    expected_on TEXT
);
CREATE TABLE order_lines (
    order_id INTEGER NOT NULL REFERENCES orders (id),
    product_id INTEGER NOT NULL REFERENCES products (id),
    quantity INTEGER NOT NULL,
    price_cents INTEGER NOT NULL
);
CREATE VIRTUAL TABLE product_words USING fts5 (
    name, category, description, content='products', content_rowid='id', tokenize='porter unicode61'
);
"""

PRODUCTS = """\
rain jackets | Harbour rain jacket | 89.00 | Waterproof jacket with taped seams and a hood
rain jackets | Squall cycling jacket | 119.00 | Waterproof and reflective, cut long at the back
rain jackets | Drizzle poncho | 24.50 | Light waterproof poncho that folds into its own pocket
rain jackets | Pine children's raincoat | 39.00 | Waterproof lined coat, for ages four to ten
warm clothing | Fell down jacket | 179.00 | Down jacket for dry cold, packs to the size of a loaf
warm clothing | Moor fleece | 59.00 | Midweight fleece made from recycled bottles
warm clothing | Merino base layer | 64.00 | Long-sleeved merino shirt, does not itch
warm clothing | Wool hat | 22.00 | Ribbed hat of undyed wool
warm clothing | Touch-screen gloves | 27.00 | Thin knitted gloves that work on a phone
boots and shoes | Granite hiking boots | 149.00 | Leather boots with a stiff sole for rough paths
boots and shoes | Path walking shoes | 99.00 | Light shoes for dry trails and towns
boots and shoes | Marsh rubber boots | 45.00 | Natural rubber, lined with neoprene
boots and shoes | Hut slippers | 29.00 | Felt slippers with a rubber sole
boots and shoes | Boot wax | 8.50 | Beeswax for leather boots, 80 g
backpacks | Ridge backpack 45 l | 139.00 | Framed pack for several days, with a rain cover
backpacks | Day backpack 20 l | 69.00 | Light pack with two bottle pockets
backpacks | City laptop backpack | 84.00 | Padded sleeve for a 15 inch laptop, waterproof zip
backpacks | Roll-top bicycle bag | 74.00 | Waterproof bag that clips to a rack
backpacks | Dry bag 10 l | 16.00 | Waterproof bag for phone, papers and clothes
tents | Lark tent for one | 219.00 | 1.2 kg, stands on one pole
tents | Heron tent for two | 289.00 | 1.9 kg, two doors, room for packs
tents | Barn tent for six | 449.00 | Tall family tent with two bedrooms
tents | Tent peg set | 14.00 | Twelve aluminium pegs and a bag
sleeping | Summer sleeping bag | 79.00 | Comfortable down to 12 degrees
sleeping | Winter sleeping bag | 199.00 | Down filled, comfortable to minus 8 degrees
sleeping | Air mattress | 94.00 | Insulated mattress, 450 g, with a pump bag
sleeping | Foam mat | 19.00 | Closed-cell foam that folds flat
cooking | Gas stove | 49.00 | Folding stove for screw-on cartridges
cooking | Gas cartridge 230 g | 6.90 | Butane and propane mix
cooking | Titanium pot 900 ml | 54.00 | Pot with folding handles and a lid
cooking | Steel bottle 1 l | 28.00 | Keeps tea hot for twelve hours
cooking | Water filter | 44.00 | Squeeze filter for streams and lakes
cooking | Enamel mug | 11.00 | White mug with a blue rim
lights and navigation | Head torch | 39.00 | 400 lumens, charged by USB-C
lights and navigation | Camp lantern | 34.00 | Warm light with a hook, runs for 60 hours
lights and navigation | Compass | 32.00 | Baseplate compass with a mirror
lights and navigation | GPS watch | 249.00 | Maps, heart rate and a battery for ten days
lights and navigation | Power bank 20 Ah | 46.00 | Charges a phone four times, USB-C
first aid | First-aid kit | 26.00 | Plasters, bandages and a rescue blanket
first aid | Insect repellent | 9.50 | Works for eight hours against mosquitoes and ticks
"""

CUSTOMERS = """\
Ada Brandt | Hamburg
Luis Ferreira | Porto
Mei Tanaka | Sapporo
Sara O'Neill | Galway
Ivan Petrov | Varna
Noor Haddad | Amman
Eva Lind | Malmo
Kofi Boateng | Accra
"""


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")] for line in text.splitlines()]


def insert(table: str, *values: object) -> str:
    return f"INSERT INTO {table} VALUES ({', '.join(map(literal, values))});"  # noqa: S608


def literal(value: object) -> str:
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


def products() -> Iterator[tuple[int, str, str, str, int]]:
    for id, (category, name, price, description) in enumerate(rows(PRODUCTS), start=1):
        yield id, name, category, description, round(float(price) * 100)


def stock(rng: random.Random) -> Iterator[str]:
    for id, *_ in products():
        units = max(0, int(rng.random() * 40) - 6)  # some are sold out
        back = None if units else TODAY + timedelta(days=3 + int(rng.random() * 20))
        yield insert("stock", id, units, back)


def orders(rng: random.Random) -> Iterator[str]:
    catalogue = list(products())
    for id in range(1001, 1025):
        placed = TODAY - timedelta(days=int(rng.random() * 30))
        age = (TODAY - placed).days
        status = "delivered" if age > 7 else "shipped" if age > 2 else "being packed"
        if rng.random() < 0.1:
            status = "cancelled"
        expected = placed + timedelta(days=6) if status in ("shipped", "being packed") else None
        customer = 1 + int(rng.random() * len(rows(CUSTOMERS)))
        yield insert("orders", id, customer, placed, status, expected)
        for _ in range(1 + int(rng.random() * 3)):
            product, *_, cents = catalogue[int(rng.random() * len(catalogue))]
            yield insert("order_lines", id, product, 1 + int(rng.random() * 2), cents)


def lines() -> Iterator[str]:
    rng = random.Random(11)  # noqa: S311
    yield "-- Made by make_shop.py; change that and not this. Invented data, Apache-2.0.\n" + SCHEMA
    yield from (insert("products", *product) for product in products())
    yield from stock(rng)
    yield from (insert("customers", id, *row) for id, row in enumerate(rows(CUSTOMERS), start=1))
    yield from orders(rng)
    yield "INSERT INTO product_words (product_words) VALUES ('rebuild');"


if __name__ == "__main__":
    sys.stdout.write("\n".join(lines()) + "\n")
