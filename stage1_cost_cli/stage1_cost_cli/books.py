"""After a call: its receipt, its row in the ledger, its trace. Before it: the budget.

All of it happens when the answer is already on the screen, since prices and tracing take longer to
import than an answer takes to begin. A ledger or a trace that cannot be written is a warning: the
answer was paid for and is not taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from shared.calls import CallRecord
from shared.errors import LedgerUnavailable
from shared.messages import Request
from shared.models import Model
from shared.prices import Cost, open_prices
from shared.settings import Settings
from stage1_cost_cli.estimate import worst_case
from stage1_cost_cli.receipt import Receipt, receipt

PATIENCE_S = 2.0  # for other writers of the ledger; a write takes a millisecond


def check_budget(calls: Sequence[tuple[Model, Request]], settings: Settings) -> None:
    """`BudgetExceeded` when today's spending and the worst case of `calls` pass the limit.

    Without a limit only a price file is read: a typing error in it is told before money is spent.
    """
    prices = open_prices(settings.prices_file)
    if settings.budget_usd is None:
        return
    from shared.budget import Budget

    budget = Budget(Decimal(str(settings.budget_usd)), spent_usd=_spent_today(settings))
    for model, request in calls:
        usage = worst_case(request, model)
        budget.hold(prices.cost(usage, model.id, model.provider).total_usd)


def close_books(
    records: Sequence[CallRecord], settings: Settings, warn: Callable[[str], None]
) -> list[Receipt | None]:
    """A receipt for each of `records`, which also go to the ledger and the trace store.

    None where the call ended before anything was counted.
    """
    if not records:
        return []
    prices = open_prices(settings.prices_file)
    receipts = [receipt(record, prices) for record in records]
    _write_ledger(records, receipts, settings, warn)
    _write_traces(records, receipts, settings)
    return receipts


def _spent_today(settings: Settings) -> Decimal:
    from stage1_cost_cli.ledger import Ledger

    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with Ledger(settings.home / "ledger.db") as ledger:
        return sum((row.cost_usd for row in ledger.totals("day", since=midnight)), Decimal(0))


def _write_ledger(
    records: Sequence[CallRecord],
    receipts: Sequence[Receipt | None],
    settings: Settings,
    warn: Callable[[str], None],
) -> None:
    from stage1_cost_cli.ledger import Ledger

    try:
        with Ledger(settings.home / "ledger.db", wait_s=PATIENCE_S) as ledger:
            for record, one in zip(records, receipts, strict=True):
                ledger.append(record, _booked(one))
                if record.partial and record.partial.rate_limits:
                    ledger.remember_limits(
                        record.provider, record.model, record.partial.rate_limits, datetime.now(UTC)
                    )
    except LedgerUnavailable as error:
        warn(f"this call is not in the ledger: {error}")


def _booked(one: Receipt | None) -> Cost | None:
    """The cost as the ledger keeps it: an estimate is money too, and says that it is one."""
    if one is None or one.cost is None or not one.estimated:
        return one.cost if one else None
    return replace(one.cost, source=f"estimated, {one.cost.source}")


def _write_traces(
    records: Sequence[CallRecord], receipts: Sequence[Receipt | None], settings: Settings
) -> None:
    from shared.tracing import open_tracing

    with open_tracing(
        settings.home / "traces.db",
        settings.otlp_endpoint or None,
        "stage1",
        secrets=settings.secrets(),
        capture_content=settings.capture_content,
    ) as tracing:
        for record, one in zip(records, receipts, strict=True):
            tracing.record(record, one.cost.total_usd if one and one.cost else None)
