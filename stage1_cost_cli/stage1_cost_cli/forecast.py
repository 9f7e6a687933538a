"""What a feature will cost a month, for several models, and which input moves the bill most.

A request is priced in the tier of its own length, as providers bill long context. Every request is
taken to be the mean one: where lengths straddle a tier, the true bill is higher. Batch discounts
and traffic that grows are left out. How it looks is decided in `forecast_view`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from shared.errors import UserError
from shared.messages import Usage
from shared.models import Model, resolve
from shared.prices import PriceList
from stage1_cost_cli.ledger import Averages, Ledger

if TYPE_CHECKING:
    from shared.settings import Settings

HALF, TENTH_MORE, DOUBLE = Decimal("0.5"), Decimal("1.1"), Decimal(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What a feature asks of a model. Tokens are those of one mean request.

    The shares are of its input, 0 to 1. `retry_rate` is paid repeats a request: answers that were
    thrown away and asked for again. A 429 is not one of them, it costs nothing.
    """

    users_per_day: Decimal
    requests_per_user: Decimal
    input_tokens: Decimal
    output_tokens: Decimal
    cached_share: Decimal = Decimal(0)
    cache_write_share: Decimal = Decimal(0)
    retry_rate: Decimal = Decimal(0)
    days_per_month: Decimal = Decimal(30)

    @property
    def requests_per_month(self) -> Decimal:
        return self.users_per_day * self.requests_per_user * self.days_per_month


# The largest value that makes sense. People on Earth; one request a second all day; the largest
# context window times ten; shares; ten tries for one answer; the longest month.
MOST = {
    "users_per_day": Decimal(10**10),
    "requests_per_user": Decimal(86_400),
    "input_tokens": Decimal(10**7),
    "output_tokens": Decimal(10**7),
    "cached_share": Decimal(1),
    "cache_write_share": Decimal(1),
    "retry_rate": Decimal(10),
    "days_per_month": Decimal(31),
}
ABOVE_ZERO = ("users_per_day", "requests_per_user", "input_tokens", "days_per_month")


@dataclass(frozen=True, slots=True)
class Effect:
    """What one input does to the month, the others left as they are.

    `change_at_10_percent`: relative change of the cost when the input grows by a tenth.
    `limited`: the doubled value was cut to the largest one that makes sense.
    """

    name: str
    value: Decimal
    change_at_10_percent: Decimal
    halved_usd: Decimal
    doubled_usd: Decimal
    limited: bool

    @property
    def swing_usd(self) -> Decimal:
        return abs(self.doubled_usd - self.halved_usd)


@dataclass(frozen=True, slots=True)
class Forecast:
    """`effects` has the input that moves the bill most first. `saved_usd`: a month, by caching."""

    asked: str
    model: str
    provider: str
    request_usd: Decimal
    month_usd: Decimal
    saved_usd: Decimal
    price_source: str
    effects: tuple[Effect, ...]


def forecast(
    workload: Workload, models: Sequence[str], settings: Settings, prices: PriceList
) -> list[Forecast]:
    """One forecast a model, in the order asked; `UserError` for an input that cannot be."""
    check(workload)
    return [_forecast(workload, name, resolve(name, settings), prices) for name in models]


def measured(
    ledger: Ledger,
    *,
    model: str | None = None,
    feature: str | None = None,
    days: int | None = None,
    now: datetime | None = None,
) -> Averages:
    """Mean tokens from the ledger; `UserError` when it holds no call that was asked about."""
    if days is not None and not 0 < days <= 36_500:
        raise UserError(f"the last {days} days cannot be measured: give 1 to 36,500")
    averages = ledger.averages(model, feature, days=days, now=now)
    if averages:
        return averages
    asked = [f"model {model!r}"] * (model is not None) + [f"feature {feature!r}"] * (
        feature is not None
    )
    raise UserError(
        f"the ledger {ledger.path} has no finished call"
        + (f" of {' and '.join(asked)}" if asked else "")
        + (f" in the last {days} days" if days else "")
        + ": make some with `stage1 ask`, or give the tokens of a request yourself"
    )


def with_measured(workload: Workload, averages: Averages) -> Workload:
    """`workload` with the tokens and cache shares that were measured."""
    tokens = averages.input_tokens
    return replace(
        workload,
        input_tokens=tokens,
        output_tokens=averages.output_tokens,
        cached_share=averages.cache_read_tokens / tokens if tokens else Decimal(0),
        cache_write_share=averages.cache_write_tokens / tokens if tokens else Decimal(0),
    )


def check(workload: Workload) -> None:
    for name, most in MOST.items():
        value, words = getattr(workload, name), name.replace("_", " ")
        if not value.is_finite():
            raise UserError(f"{words} is {value}: give a number")
        if value < 0 or (value == 0 and name in ABOVE_ZERO):
            least = "more than 0" if name in ABOVE_ZERO else "0 or more"
            raise UserError(f"{words} is {value}: give {least}")
        if value > most:
            raise UserError(f"{words} is {value}: give at most {most:,}")
    if workload.cached_share + workload.cache_write_share > 1:
        raise UserError(
            "cached share and cache write share are more than the whole input together: "
            "lower one, they may add up to 1"
        )


def _forecast(workload: Workload, asked: str, model: Model, prices: PriceList) -> Forecast:
    tokens = workload.input_tokens + workload.output_tokens
    if tokens > model.window:
        raise UserError(
            f"a request of {tokens:,.0f} tokens does not fit {model.id}, which takes "
            f"{model.window:,} in and out: shorten it or leave this model out"
        )
    request, saved, source = _request_cost(workload, model, prices)
    billed = workload.requests_per_month * (1 + workload.retry_rate)
    effects = [
        _effect(workload, field.name, model, prices)
        for field in fields(workload)
        if getattr(workload, field.name)
    ]
    return Forecast(
        asked=asked,
        model=model.id,
        provider=model.provider,
        request_usd=request,
        month_usd=request * billed,
        saved_usd=saved * billed,
        price_source=source,
        effects=tuple(sorted(effects, key=lambda effect: -effect.swing_usd)),
    )


def _month_cost(workload: Workload, model: Model, prices: PriceList) -> Decimal:
    request, _, _ = _request_cost(workload, model, prices)
    return request * workload.requests_per_month * (1 + workload.retry_rate)


def _request_cost(
    workload: Workload, model: Model, prices: PriceList
) -> tuple[Decimal, Decimal, str]:
    """Cost of the mean request, what the cache saved on it, and whose price it is.

    A mean has fractions of tokens and a bill has not, so the rates are taken from the price of a
    whole request of that length, in its tier, and applied to the fractions.
    """
    whole = math.ceil(workload.input_tokens)

    def price(read: int = 0, written: int = 0) -> tuple[Decimal, Decimal, str]:
        cost = prices.cost(Usage(whole, 1000, read, written), model.id, model.provider)
        return cost.input_usd / whole, cost.output_usd / 1000, cost.source

    plain_rate, output_rate, source = price()
    read, written = workload.cached_share, workload.cache_write_share
    rate = plain_rate * (1 - read - written)
    if read:
        rate += read * price(read=whole)[0]
    if written:
        rate += written * price(written=whole)[0]
    cost = rate * workload.input_tokens + output_rate * workload.output_tokens
    return cost, (plain_rate - rate) * workload.input_tokens, source


def _effect(workload: Workload, name: str, model: Model, prices: PriceList) -> Effect:
    value = getattr(workload, name)
    possible = _possible(workload, name, model)
    sensible = min(possible, MOST[name])

    def month(value: Decimal) -> Decimal:
        return _month_cost(replace(workload, **{name: value}), model, prices)

    now = month(value)
    more = month(min(value * TENTH_MORE, possible))  # 33 days: no month, but the right slope
    return Effect(
        name=name,
        value=value,
        change_at_10_percent=more / now - 1 if now else Decimal(0),
        halved_usd=month(value * HALF),
        doubled_usd=month(min(value * DOUBLE, sensible)),
        limited=value * DOUBLE > sensible,
    )


def _possible(workload: Workload, name: str, model: Model) -> Decimal:
    """The largest value of an input beside the others, as far as arithmetic goes."""
    limits = {
        "input_tokens": model.window - workload.output_tokens,
        "output_tokens": model.window - workload.input_tokens,
        "cached_share": 1 - workload.cache_write_share,
        "cache_write_share": 1 - workload.cached_share,
    }
    return limits.get(name, Decimal("Infinity"))
