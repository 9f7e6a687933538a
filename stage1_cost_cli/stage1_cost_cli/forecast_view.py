"""How a forecast looks: the models side by side, then what moves the bill of each."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from stage1_cost_cli.forecast import Forecast, Workload
from stage1_cost_cli.ledger import Averages
from stage1_cost_cli.money import bill, money
from stage1_cost_cli.terminal import to_text

if TYPE_CHECKING:
    from rich.table import Table


def render_forecast(
    workload: Workload,
    forecasts: Sequence[Forecast],
    averages: Averages | None = None,
    *,
    width: int | None = None,
    color: bool | None = None,
) -> str:
    """`averages`: what the tokens were measured on, when they were."""
    from rich.text import Text

    parts: list[Table | Text] = [Text(_basis(workload, averages)), _models(forecasts)]
    for one in forecasts:
        parts += [Text(f"\nWhat moves the month of {one.model}"), _effects(one)]
    if any(effect.limited for one in forecasts for effect in one.effects):
        parts.append(Text("* doubled only as far as makes sense"))
    return to_text(*parts, width=width, color=color)


def forecast_json(
    workload: Workload, forecasts: Sequence[Forecast], averages: Averages | None = None
) -> dict[str, Any]:
    return {
        "workload": {
            "users_per_day": float(workload.users_per_day),
            "requests_per_user": float(workload.requests_per_user),
            "days_per_month": float(workload.days_per_month),
            "requests_per_month": float(workload.requests_per_month),
            "input_tokens": float(workload.input_tokens),
            "output_tokens": float(workload.output_tokens),
            "cached_share": float(workload.cached_share),
            "cache_write_share": float(workload.cache_write_share),
            "retry_rate": float(workload.retry_rate),
        },
        "measured_calls": averages.calls if averages else None,
        "models": [_model_json(one) for one in forecasts],
    }


def _model_json(one: Forecast) -> dict[str, Any]:
    return {
        "asked": one.asked,
        "model": one.model,
        "provider": one.provider,
        "request_usd": float(one.request_usd),
        "month_usd": float(one.month_usd),
        "saved_usd": float(one.saved_usd),
        "price_source": one.price_source,
        "effects": [
            {
                "input": effect.name,
                "value": float(effect.value),
                "change_at_10_percent": float(effect.change_at_10_percent),
                "halved_usd": float(effect.halved_usd),
                "doubled_usd": float(effect.doubled_usd),
                "limited": effect.limited,
            }
            for effect in one.effects
        ],
    }


def _basis(workload: Workload, averages: Averages | None) -> str:
    text = (
        f"{_number(workload.requests_per_month)} requests a month of "
        f"{_number(workload.input_tokens)} tokens in ({workload.cached_share:.0%} cached) and "
        f"{_number(workload.output_tokens)} out"
    )
    if workload.retry_rate:
        text += f", {workload.retry_rate:.1%} paid repeats"
    if averages:
        text += (
            f"\nTokens measured on {averages.calls:,} call{'s' * (averages.calls != 1)}, "
            f"{averages.first_at:%Y-%m-%d} to {averages.last_at:%Y-%m-%d}"
        )
    return text + "\n"


def _models(forecasts: Sequence[Forecast]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    table.add_column("model", overflow="fold")
    for head in ("a request", "a month", "cache saves"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("price from")
    for one in forecasts:
        amounts = (money(one.request_usd), bill(one.month_usd), bill(one.saved_usd))
        table.add_row(Text(one.model), *amounts, Text(one.price_source))
    return table


def _effects(one: Forecast) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("input")
    for head in ("value", "+10%", "halved", "doubled"):
        table.add_column(head, justify="right", no_wrap=True)
    for effect in one.effects:
        table.add_row(
            effect.name.replace("_", " "),
            _number(effect.value),
            f"{effect.change_at_10_percent:+.1%}",
            bill(effect.halved_usd),
            bill(effect.doubled_usd) + "*" * effect.limited,
        )
    return table


def _number(value: Decimal) -> str:
    """Whole numbers whole; below one, three digits that count; else one after the point."""
    if value == value.to_integral_value():
        return f"{value:,.0f}"
    return f"{float(value):.3g}" if value < 1 else f"{value:,.1f}"
