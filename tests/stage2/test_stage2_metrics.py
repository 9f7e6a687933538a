"""Metrics against worked examples: every number below was counted by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from stage2_extractor.confusion import Confusion, kappa, macro_f1
from stage2_extractor.metrics import (
    FIELDS,
    Tally,
    by_field,
    compare,
    flips,
    judge,
    same,
    total,
)
from stage2_extractor.metrics import macro_f1 as macro_of_fields
from stage2_extractor.records import Invoice

TEXT = """Lindner GmbH
Invoice INV-7 of 3 September 2026
Paper A4     10   4.00   40.00
Toner         1  60.00   60.00
Net 100.00  VAT 19.00  Total EUR 119.00"""
ROWS = [
    {"description": "Paper A4", "quantity": 10, "unit_price": 4, "amount": 40},
    {"description": "Toner", "quantity": 1, "unit_price": 60, "amount": 60},
]
RIGHT = {
    "document_type": "invoice",
    "invoice_number": "INV-7",
    "invoice_date": "2026-09-03",
    "seller_name": "Lindner GmbH",
    "currency": "EUR",
    "subtotal": "100",
    "tax": "19",
    "total": "119",
    "lines": ROWS,
}


def invoice(**changes: Any) -> Invoice:
    empty = dict.fromkeys(FIELDS) | {"lines": []}
    return Invoice.model_validate(empty | RIGHT | changes)


def test_a_tally_against_the_definitions() -> None:
    tally = Tally(tp=6, fp=2, fn=4)
    assert tally.precision == 0.75
    assert tally.recall == 0.6
    assert tally.f1 == pytest.approx(2 * 0.75 * 0.6 / (0.75 + 0.6))


def test_nothing_to_count_is_not_zero() -> None:
    assert Tally().precision is None
    assert Tally().f1 is None
    assert Tally(fn=1).precision is None
    assert Tally(fn=1).f1 == 0
    assert macro_of_fields([Tally(), Tally(tp=1), Tally(fn=1)]) == 0.5
    assert macro_of_fields([Tally()]) is None


@pytest.mark.parametrize(
    ("right", "given", "tally"),
    [
        (None, None, Tally()),
        (None, "x", Tally(fp=1)),
        ("x", None, Tally(fn=1)),
        ("x", "x", Tally(tp=1)),
        ("x", "y", Tally(fp=1, fn=1)),
    ],
)
def test_the_four_cases_of_a_field(right: Any, given: Any, tally: Tally) -> None:
    assert compare(right, given) == tally


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (Decimal("12.50"), Decimal("12.5"), True),
        (Decimal("12.50"), Decimal("12.51"), False),
        (Decimal("-5"), Decimal("5"), False),
        ("INV-2026/07", "inv 2026 07", True),
        ("CHE-114.208.773 MWST", "CHE114208773MWST", True),
        ("Café Müller", "CAFE MULLER", True),
        ("Lindner GmbH", "Lindner", False),
        ("INV-7", "INV-70", False),
        ("-", "/", False),
    ],
)
def test_what_is_forgiven_and_what_is_not(one: Any, other: Any, equal: bool) -> None:
    assert same(one, other) is equal


def test_the_right_answer_is_flawless() -> None:
    found = judge(invoice(), invoice(), TEXT)
    assert found.exact
    assert found.overall == Tally(tp=8)
    assert found.rows == Tally(tp=2)
    assert total(found.cells.values()) == Tally(tp=8)
    assert (found.claims, found.unsupported) == (9, 0)  # 7 without the type, and 2 rows
    assert (found.absent, found.false_where_absent) == (5, 0)
    assert found.share_right == 1


def test_wrong_missing_and_false_values_are_told_apart() -> None:
    given = invoice(total="100", currency=None, purchase_order="INV-7")
    found = judge(invoice(), given, TEXT)
    assert found.fields["total"] == Tally(fp=1, fn=1)
    assert found.fields["currency"] == Tally(fn=1)
    assert found.fields["purchase_order"] == Tally(fp=1)
    assert found.overall == Tally(tp=6, fp=2, fn=2)
    assert found.false_where_absent == 1
    assert found.unsupported == 0  # false, but each stands in the text
    assert not found.exact
    assert found.share_right == pytest.approx(10 / 13)


def test_a_value_without_a_span_is_a_hallucination_also_when_it_was_thrown_out() -> None:
    kept = judge(invoice(), invoice(discount="7.77"), TEXT)
    assert (kept.claims, kept.unsupported) == (10, 1)
    thrown = judge(invoice(), invoice(), TEXT, flagged=["discount", "lines.2"])
    assert (thrown.claims, thrown.unsupported) == (11, 2)


def test_a_row_too_much_a_row_missing_and_a_cell_wrong() -> None:
    extra = {"description": "Net", "quantity": None, "unit_price": None, "amount": 100}
    found = judge(invoice(), invoice(lines=[*ROWS, extra]), TEXT)
    assert found.rows == Tally(tp=2, fp=1)
    assert found.cells["amount"] == Tally(tp=2, fp=1)
    assert found.cells["quantity"] == Tally(tp=2)
    missing = judge(invoice(), invoice(lines=ROWS[:1]), TEXT)
    assert missing.rows == Tally(tp=1, fn=1)
    misread = judge(invoice(), invoice(lines=[ROWS[0] | {"quantity": 4}, ROWS[1]]), TEXT)
    assert misread.rows == Tally(tp=2)
    assert misread.cells["quantity"] == Tally(tp=1, fp=1, fn=1)
    assert not any(one.exact for one in (found, missing, misread))


def test_a_failed_record_misses_everything_and_claims_nothing() -> None:
    found = judge(invoice(), None, TEXT, flagged=["total"])
    assert found.overall == Tally(fn=8)
    assert found.rows == Tally(fn=2)
    assert (found.claims, found.unsupported, found.false_where_absent) == (0, 0, 0)
    assert found.share_right == 0
    empty = Invoice.model_validate(dict.fromkeys(FIELDS) | {"lines": []})
    assert not judge(empty, None, "").exact
    assert judge(empty, empty, "").exact


def test_fields_are_added_up_over_documents() -> None:
    one, other = judge(invoice(), invoice(), TEXT), judge(invoice(), invoice(tax="1"), TEXT)
    added = by_field([one, other])
    assert added["tax"] == Tally(tp=1, fp=1, fn=1)
    assert added["lines.amount"] == Tally(tp=4)
    assert added["due_date"] == Tally()


def test_flips_count_fields_and_not_records() -> None:
    stable, changed = [invoice(), invoice(currency="eur")], [invoice(), invoice(total="1")]
    names = (*FIELDS, "lines")
    assert flips([stable], names) == 0  # "EUR" and "eur" are the same
    assert flips([stable, changed], names) == pytest.approx(1 / 28)
    assert flips([[invoice(), None]], names) == pytest.approx(9 / 14)
    assert flips([], names) is None


# 3 of a, 2 of b, 1 of c; one a taken for b, the c without an answer.
PAIRS = [("a", "a"), ("a", "a"), ("a", "b"), ("b", "b"), ("b", "b"), ("c", None)]


def test_a_confusion_matrix_counted_by_hand() -> None:
    found = Confusion.of(PAIRS)
    assert found.accuracy == pytest.approx(4 / 6)
    assert found.tally("a") == Tally(tp=2, fn=1)
    assert found.tally("b") == Tally(tp=2, fp=1)
    assert found.tally("c") == Tally(fn=1)
    assert found.macro_f1 == pytest.approx((0.8 + 0.8 + 0) / 3)
    assert macro_f1(PAIRS) == found.macro_f1
    assert found.rows() == [
        ["right \\ given", "a", "b", "c", "no answer"],
        ["a", "2", "1", "0", "0"],
        ["b", "0", "2", "0", "0"],
        ["c", "0", "0", "0", "1"],
    ]


def test_a_label_that_is_only_given_counts_in_the_macro_mean() -> None:
    assert macro_f1([("a", "a"), ("a", "b")]) == pytest.approx((2 / 3 + 0) / 2)


def test_kappa_against_published_examples() -> None:
    """Two raters, 50 grants: 20 both yes, 5 and 10 split, 15 both no; kappa is 0.4."""
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    assert kappa(pairs) == pytest.approx(0.4)
    assert kappa([("a", "a"), ("b", "b")]) == 1
    assert kappa([("a", "b"), ("b", "a")]) == -1
    assert kappa([("a", "a")]) is None
    assert kappa([]) is None
