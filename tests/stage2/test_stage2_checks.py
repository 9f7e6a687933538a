"""Sums that were worked out here must hold, and sums that were broken here must be told of."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from stage2_extractor.checks import complaints
from stage2_extractor.records import Invoice

CENT = Decimal("0.01")
AMOUNTS = st.decimals(Decimal("0.01"), Decimal("99999"), places=2)
ROWS = st.lists(AMOUNTS, min_size=1, max_size=12)
RATES = st.sampled_from([Decimal(rate) / 100 for rate in (0, 5, 7, 19, 20, 25)])
OFF = st.decimals(Decimal("0.75"), Decimal("9999"), places=2)


def invoice(rows: list[Decimal], **values: Any) -> Invoice:
    lines = [
        {"description": "x", "quantity": None, "unit_price": None, "amount": amount}
        for amount in rows
    ]
    return Invoice.model_validate(dict.fromkeys(Invoice.model_fields) | {"lines": lines} | values)


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def paper(rows: list[Decimal], rate: Decimal, off: Decimal) -> dict[str, Decimal]:
    """The sums of a paper, as an accountant makes them."""
    discount = cents(sum(rows, Decimal(0)) * off)
    subtotal = sum(rows, Decimal(0)) - discount
    tax = cents(subtotal * rate)
    return {"discount": discount, "subtotal": subtotal, "tax": tax, "total": subtotal + tax}


@given(ROWS, RATES, RATES)
def test_right_sums_hold(rows: list[Decimal], rate: Decimal, off: Decimal) -> None:
    sums = paper(rows, rate, off)
    assert complaints(invoice(rows, **sums)) == []
    assert complaints(invoice(rows, **sums | {"discount": -sums["discount"]})) == []


@given(ROWS, RATES)
def test_tax_may_be_included(rows: list[Decimal], rate: Decimal) -> None:
    """A receipt: the rows make the total, in which the tax is."""
    total = sum(rows, Decimal(0))
    tax = cents(total - total / (1 + rate))
    assert complaints(invoice(rows, subtotal=total - tax, tax=tax, total=total)) == []
    assert complaints(invoice(rows, subtotal=total, tax=tax, total=total)) == []


@given(ROWS, RATES, OFF, st.sampled_from([1, -1]))
def test_a_total_that_is_off_is_told(
    rows: list[Decimal], rate: Decimal, off: Decimal, sign: int
) -> None:
    sums = paper(rows, rate, Decimal(0))
    wrong = sums["total"] + sign * off
    assume(abs(wrong - sums["subtotal"]) > Decimal("0.6"))
    (told,) = complaints(invoice(rows, **sums | {"total": wrong}))
    assert f"make {sums['subtotal'] + sums['tax']}, but total is {wrong}" in told


@given(st.lists(AMOUNTS, min_size=2, max_size=12), OFF)
def test_a_missing_row_is_told(rows: list[Decimal], off: Decimal) -> None:
    total = sum(rows, Decimal(0)) + off
    (told,) = complaints(invoice(rows, subtotal=total))
    assert f"the {len(rows)} amounts in lines add up to {total - off}" in told
    assert f"subtotal is {total}" in told


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"total": 5},
        {"subtotal": 3, "total": 5},
        {"tax": 3, "total": 5},
        {"subtotal": Decimal("23.80"), "tax": Decimal("4.52"), "total": Decimal("28")},  # rounded
        {"subtotal": Decimal("10.01"), "tax": Decimal("1.90"), "total": Decimal("11.92")},
        {"subtotal": 0, "tax": 0, "total": 0},
    ],
)
def test_what_cannot_be_checked_or_was_rounded_is_no_complaint(values: dict[str, Any]) -> None:
    assert complaints(invoice([], **values)) == []


def test_rows_without_an_amount_are_not_added_up() -> None:
    one = invoice([Decimal(3)], total=5)
    unknown = one.lines[0].model_copy(update={"amount": None})
    assert complaints(one) != []
    assert complaints(one.model_copy(update={"lines": [*one.lines, unknown]})) == []


def test_a_credit_note_adds_up_below_zero() -> None:
    rows = [Decimal("-62.00"), Decimal("-189.00"), Decimal("56.10")]
    sums = {"subtotal": Decimal("-194.90"), "tax": Decimal("-44.83"), "total": Decimal("-239.73")}
    assert complaints(invoice(rows, **sums)) == []


def test_two_broken_sums_are_two_sentences() -> None:
    told = complaints(invoice([Decimal(7)], subtotal=3, tax=1, total=9))
    assert len(told) == 2
    assert all(": " in one for one in told)
