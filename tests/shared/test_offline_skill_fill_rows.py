"""Rows of papers from other countries: heads that nobody names, measures, currencies."""

from __future__ import annotations

import json
from typing import Any

from shared.messages import OutputSchema, Request, user
from shared.offline.brain import think

CELLS = {
    "description": ("string", 'what was sold, under "description", "Bezeichnung"'),
    "quantity": ("number", 'how many, under "qty", "Menge"'),
    "unit_price": ("number", 'the price of one, under "rate", "unit price"'),
    "amount": ("number", 'the sum of the row, under "amount", "Betrag"'),
}
SCHEMA = {
    "type": "object",
    "properties": {
        "lines": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    name: {"type": [kind, "null"], "description": said}
                    for name, (kind, said) in CELLS.items()
                },
                "required": list(CELLS),
            },
        }
    },
    "required": ["lines"],
}


def rows(text: str) -> list[tuple[Any, ...]]:
    request = Request(messages=(user(text),), output=OutputSchema("it", SCHEMA))
    found = json.loads(think(request, "small", None).text)["lines"]
    return [tuple(row[name] for name in CELLS) for row in found]


def test_words_under_a_head_that_nobody_names_are_the_description() -> None:
    paper = """\
DECCAN TOOLS
Sl  Particulars           HSN    Qty   Rate        Amount
1   Bench vice 100 mm     8205   12    1,150.00    13,800.00
2   Copper wire 90 m      8544   4     2,475.00     9,900.00
                          Total                    23,700.00
"""
    assert rows(paper) == [
        ("Bench vice 100 mm", 12, 1150, 13800),
        ("Copper wire 90 m", 4, 2475, 9900),
    ]


def test_a_measure_is_not_how_many_at_which_price() -> None:
    paper = """\
Framing workshop
4 walnut frames 40 x 60                         740.00
Window mounts 2 x 95.00                         190.00
Easel 120 x 80                                  310.00
"""
    assert [(row[1], row[2], row[3]) for row in rows(paper)] == [
        (4, None, 740),
        (2, 95, 190),
        (None, None, 310),
    ]


def test_of_two_products_the_one_that_gives_the_amount_counts() -> None:
    paper = "Shop\nPlanks 2 x 4, 10 @ 3.50     35.00\nNails, 3 @ 2.10     6.30\nTotal     41.30\n"
    assert [row[1:] for row in rows(paper)] == [(10, 3.5, 35), (3, 2.1, 6.3)]


def test_a_currency_behind_the_amount_does_not_end_a_row() -> None:
    paper = "Nástroje\nKladivo      350,00 Kč\nPilník      120,00 Kč\nCelkem      470,00 Kč\n"
    assert [(row[0], row[3]) for row in rows(paper)] == [("Kladivo", 350), ("Pilník", 120)]


def test_a_comma_before_the_numbers_is_no_part_of_the_description() -> None:
    paper = "Print shop\nSticker sheets, 500 @ $0.84    $420.00\nPosters, 20 @ $3.00    $60.00\n"
    assert [row[0] for row in rows(paper)] == ["Sticker sheets", "Posters"]
