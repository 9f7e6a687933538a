"""Rows against rows: the assignment against SciPy's, the rule against cases made by hand."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from stage2_extractor.matching import MOST_ROWS, assign, likeness, pair_rows, same_row
from stage2_extractor.records import LineItem

WEIGHTS = st.integers(0, 9).flatmap(
    lambda columns: st.lists(
        st.lists(st.integers(0, 20).map(float), min_size=columns, max_size=columns), max_size=9
    )
)


def line(description: str, amount: str | None = None, quantity: str | None = None) -> LineItem:
    return LineItem(
        description=description,
        quantity=None if quantity is None else Decimal(quantity),
        unit_price=None,
        amount=None if amount is None else Decimal(amount),
    )


@given(WEIGHTS)
@settings(max_examples=300, deadline=None)
def test_the_assignment_is_worth_as_much_as_scipys(weights: list[list[float]]) -> None:
    pairs = assign(weights)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    ours = sum(weights[row][column] for row, column in pairs)
    if not weights or not weights[0]:
        assert pairs == []
        return
    rows, columns = linear_sum_assignment(weights, maximize=True)
    assert len(pairs) == len(rows)
    assert ours == sum(weights[row][column] for row, column in zip(rows, columns, strict=True))


def test_order_plays_no_part() -> None:
    right = [line("Envelopes", "4.00"), line("Paper A4", "12.50"), line("Toner", "80")]
    assert pair_rows(right, right[::-1]) == [(one, one) for one in right]


def test_each_given_row_serves_one_right_row() -> None:
    twice = [line("Coffee", "2.50"), line("Coffee", "2.50")]
    assert len(pair_rows(twice, [line("Coffee", "2.50")])) == 1
    assert len(pair_rows([line("Coffee", "2.50")], twice)) == 1


def test_the_best_of_all_rows_together_beats_the_best_of_the_first() -> None:
    """Greedy would give the first right row its double and leave the second one with nothing."""
    right = [line("Consulting May", "900"), line("Consulting", "900")]
    given_rows = [line("Consulting", "900"), line("Consulting Mai", "900")]
    pairs = pair_rows(right, given_rows)
    assert pairs == [(right[0], given_rows[1]), (right[1], given_rows[0])]
    assert all(same_row(*pair) for pair in pairs)


def test_found_rows_outweigh_likeness() -> None:
    """Exactly alike with another amount is less than 0.9 alike with the right one."""
    right = [line("Paper A4 80 g", "10")]
    given_rows = [line("Paper A4 80 g", "99"), line("Paper A4 80g box", "10")]
    assert pair_rows(right, given_rows) == [(right[0], given_rows[1])]


def test_the_same_row_needs_words_and_amount() -> None:
    right = line("Montage vor Ort", "118.00")
    assert same_row(right, line("MONTAGE  VOR ORT", "118"))
    assert not same_row(right, line("Montage vor Ort", "181.00"))
    assert not same_row(right, line("Fahrtkosten", "118.00"))
    assert same_row(line("Postage"), line("postage"))
    assert not same_row(line("Postage", "3"), line("Postage"))


def test_a_row_with_another_amount_is_compared_but_not_found() -> None:
    pairs = pair_rows([line("Postage", "3")], [line("Postage", "4")])
    assert len(pairs) == 1
    assert not same_row(*pairs[0])
    assert pair_rows([line("Postage", "3")], [line("Sushi", "4")]) == []


def test_likeness_goes_from_nothing_to_one() -> None:
    assert likeness(line("Éclair"), line("eclair")) == 1
    assert likeness(line("abc"), line("xyz")) == 0
    assert likeness(line(""), line("")) == 1


def test_a_flood_of_rows_ends() -> None:
    flood = [line(f"row {n}", str(n)) for n in range(20 * MOST_ROWS)]
    assert len(pair_rows([line("row 3", "3")], flood)) == 1
