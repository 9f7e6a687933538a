"""How sums and money look: bars in proportion, within the width, plain without a terminal."""

from __future__ import annotations

import json
from dataclasses import fields
from decimal import Decimal

import pytest

from stage1_cost_cli.ledger import Total
from stage1_cost_cli.ledger_view import render_totals, totals_json
from stage1_cost_cli.money import bill, money

D = Decimal
ROWS = [
    Total("2026-11-20", 3, 1, 0, 1, 1500, 300, 0, D("0.25"), D("0.05")),
    Total("2026-11-21", 1, 0, 0, 0, 500, 100, 0, D("1"), D("0")),
]


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_the_bars_are_in_proportion_and_stay_within_the_width(width: int) -> None:
    lines = render_totals(ROWS, "day", width=width, color=False).splitlines()
    quarter, whole = (line.count("-") - line.split()[0].count("-") for line in lines[1:3])
    assert max(map(len, lines)) <= width
    assert quarter == whole // 4 > 0


def test_a_very_narrow_terminal_gets_the_numbers_without_bars() -> None:
    lines = render_totals(ROWS, "day", width=30, color=False).splitlines()
    assert max(map(len, lines)) <= 30
    assert lines[1].split() == ["2026-11-20", "3", "$0.250000"]


def test_without_a_terminal_it_is_plain_ascii_and_says_what_the_sum_leaves_out() -> None:
    text = render_totals(ROWS, "day", width=100, color=False)
    assert text.isascii()
    assert "\x1b" not in text
    assert "$1.2500 for 4 calls; caching saved $0.050000; 1 failed; 1 of unknown cost" in text
    assert "\x1b[" in render_totals(ROWS, "day", width=100, color=True)
    assert render_totals([], "day") == "The ledger has no calls yet."


def test_a_row_of_nothing_but_unknown_costs_is_not_shown_as_free() -> None:
    rows = [Total("gpt-4o", 2, 2, 0, 2, 0, 0, 0, D(0), D(0))]
    assert render_totals(rows, "model", width=80, color=False).splitlines()[1].split()[-1] == "?"
    assert totals_json(rows, "model")["rows"][0]["cost_usd"] is None


def test_a_feature_that_looks_like_markup_is_shown_as_it_is() -> None:
    rows = [Total("[red]chat[/red]", 1, 0, 0, 0, 1, 1, 0, D(1), D(0))]
    assert "[red]chat[/red]" in render_totals(rows, "feature", width=100, color=True)


def test_json_has_the_same_numbers() -> None:
    data = json.loads(json.dumps(totals_json(ROWS, "day")))
    assert data["cost_usd"] == 1.25
    assert data["rows"][0]["day"] == "2026-11-20"
    assert {field.name for field in fields(Total)} - {"key"} <= set(data["rows"][0])


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        ("0", "$0.00"),
        ("0.001234", "$0.001234"),
        ("0.00000050", "$0.00000050"),
        ("-0.05", "-$0.050000"),
        ("1.23456", "$1.2346"),
        ("1234.5", "$1,234.50"),
    ],
)
def test_money(usd: str, text: str) -> None:
    assert money(D(usd)) == text


def test_an_unknown_cost_is_not_zero() -> None:
    assert money(None) == "?"
    assert bill(D("42.9")) == "$42.90"
