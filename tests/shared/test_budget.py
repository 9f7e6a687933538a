"""A budget refuses before a call, and parallel calls cannot overdraw it together."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.budget import Budget
from shared.errors import BudgetExceeded


def test_without_a_limit_spending_is_added_up() -> None:
    budget = Budget()
    budget.hold(Decimal(1000))
    budget.settle(Decimal(1000), Decimal("0.25"))
    assert budget.spent_usd == Decimal("0.25")


def test_the_last_cent_can_be_spent_and_no_more() -> None:
    budget = Budget(Decimal("0.10"))
    budget.hold(Decimal("0.10"))
    budget.settle(Decimal("0.10"), Decimal("0.10"))
    with pytest.raises(BudgetExceeded) as caught:
        budget.hold(Decimal("0.0001"))
    for told in ("$0.0001", "$0.0000", "$0.10", "--max-tokens", "STAGES_BUDGET_USD"):
        assert told in str(caught.value)


def test_what_is_held_cannot_be_held_again() -> None:
    budget = Budget(Decimal(1))
    budget.hold(Decimal("0.6"))
    with pytest.raises(BudgetExceeded, match=r"\$0\.4000"):
        budget.hold(Decimal("0.6"))
    budget.settle(Decimal("0.6"), Decimal("0.1"))
    budget.hold(Decimal("0.6"))


def test_a_call_that_cost_more_than_thought_is_recorded_in_full() -> None:
    budget = Budget(Decimal(1))
    budget.hold(Decimal("0.5"))
    budget.settle(Decimal("0.5"), Decimal("1.5"))
    assert budget.spent_usd == Decimal("1.5")
    with pytest.raises(BudgetExceeded, match=r"\$0\.0000 of"):
        budget.hold(Decimal("0.01"))


CENTS = st.integers(0, 300).map(lambda n: Decimal(n) / 100)


@given(CENTS, st.lists(st.tuples(CENTS, st.integers(0, 100), st.booleans()), max_size=30))
def test_calls_that_keep_to_their_worst_case_never_break_the_limit(
    limit: Decimal, calls: list[tuple[Decimal, int, bool]]
) -> None:
    """Any interleaving: some calls are settled at once, others stay open until the end."""
    budget = Budget(limit)
    still_open = []
    for worst, percent, at_once in calls:
        try:
            budget.hold(worst)
        except BudgetExceeded:
            continue
        spent = worst * percent / 100
        if at_once:
            budget.settle(worst, spent)
        else:
            still_open.append((worst, spent))
        assert budget.spent_usd <= limit
    for worst, spent in still_open:
        budget.settle(worst, spent)
    assert budget.spent_usd <= limit
