"""What a call cost, in US dollars, from its `Usage`.

Prices come from the `genai-prices` package (bundled, no network), a user's own price file, or, for
the offline models, from the notional table below. A model without a price is an error, never zero.
Discounts for batch or priority processing are left out: no stage uses them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from shared.errors import BadSettings, UnpricedModel
from shared.messages import Usage

# The package states no date for its bundle: this is the day its locked version was published.
# tests/repo checks both against the lock file.
PRICE_LIST_VERSION = "0.2.3"
PRICE_LIST_DATE = date(2026, 11, 10)


@dataclass(frozen=True, slots=True)
class Rate:
    """US dollars per million tokens."""

    input: Decimal
    output: Decimal
    cache_read: Decimal
    cache_write: Decimal


# Notional: the offline models run on this machine and cost nothing. These prices exist so that the
# arithmetic of cost, cache and budget is exercised, and stand in the ratio of a real small and big.
NOTIONAL = {
    "offline-small": Rate(Decimal("0.10"), Decimal("0.50"), Decimal("0.01"), Decimal("0.125")),
    "offline-large": Rate(Decimal("2"), Decimal("10"), Decimal("0.20"), Decimal("2.50")),
}
FREE = Rate(Decimal(0), Decimal(0), Decimal(0), Decimal(0))
GENAI_PROVIDER = {"anthropic": "anthropic", "openai": "openai", "gemini": "google"}
MADE_BY = {"gemini": ("gemini", "gemma")}  # Google also resells Claude, at another address


@dataclass(frozen=True, slots=True)
class Cost:
    """`saved_usd`: what the same call without any cached token would have cost more.

    Negative when a cache was written and not yet read. `source` says whose price it is.
    """

    input_usd: Decimal
    output_usd: Decimal
    saved_usd: Decimal
    source: str

    @property
    def total_usd(self) -> Decimal:
        return self.input_usd + self.output_usd

    def __add__(self, other: Cost) -> Cost:
        source = self.source if self.source == other.source else "several price lists"
        return Cost(
            self.input_usd + other.input_usd,
            self.output_usd + other.output_usd,
            self.saved_usd + other.saved_usd,
            source,
        )


class PriceList:
    """The prices in force: a user's file over the notional table over `genai-prices`."""

    def __init__(self, own: dict[str, Rate] | None = None) -> None:
        self._own = own or {}

    def cost(self, usage: Usage, model: str, provider: str, at: datetime | None = None) -> Cost:
        """Cost of `usage` at `model`; `UnpricedModel` when no list has that model.

        `at` chooses among dated prices; the default is now.
        """
        if usage.cache_read_tokens + usage.cache_write_tokens > usage.input_tokens:
            raise UnpricedModel(f"{model} reported more cached tokens than input tokens: {usage}")
        if rate := self._own.get(model):
            return _at_rate(usage, rate, "your price file")
        if rate := NOTIONAL.get(model):
            return _at_rate(usage, rate, "notional, not money")
        if provider == "ollama":
            return _at_rate(usage, FREE, "runs on this machine")
        return _listed(usage, model, GENAI_PROVIDER.get(provider), at)


def open_prices(file: Path | None) -> PriceList:
    """The price list, with `file` over it: `{"model": {"input": 1, "output": 4}}`, USD per million.

    `cache_read` and `cache_write` may be added and default to the input price.
    """
    if file is None:
        return PriceList()
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
        return PriceList({model: _rate(entry) for model, entry in entries.items()})
    except OSError as error:
        raise BadSettings(f"STAGES_PRICES={file} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise BadSettings(
            f'STAGES_PRICES={file} must look like {{"model": {{"input": 1.0, "output": 4.0}}}} '
            f"in USD per million tokens ({error!r})"
        ) from None


def listed_models() -> dict[str, tuple[str, int | None]]:
    """Every id `genai-prices` knows for the providers we speak to: provider, context window."""
    from genai_prices.data import providers

    by_id = {provider.id: provider.models for provider in providers}
    found: dict[str, tuple[str, int | None]] = {}
    for name, genai in GENAI_PROVIDER.items():
        for model in by_id[genai]:
            if model.id.startswith(MADE_BY.get(name, "")):
                found.setdefault(model.id, (name, model.context_window))
    return found


def _rate(entry: dict[str, Any]) -> Rate:
    base = Decimal(str(entry["input"]))
    rate = Rate(
        base,
        Decimal(str(entry["output"])),
        Decimal(str(entry.get("cache_read", base))),
        Decimal(str(entry.get("cache_write", base))),
    )
    if min(rate.input, rate.output, rate.cache_read, rate.cache_write) < 0:
        raise ValueError("a price below zero")
    return rate


def _at_rate(usage: Usage, rate: Rate, source: str) -> Cost:
    read, written = usage.cache_read_tokens, usage.cache_write_tokens
    plain = usage.input_tokens - read - written
    million = Decimal(1_000_000)
    paid = (plain * rate.input + read * rate.cache_read + written * rate.cache_write) / million
    return Cost(
        input_usd=paid,
        output_usd=usage.output_tokens * rate.output / million,
        saved_usd=usage.input_tokens * rate.input / million - paid,
        source=source,
    )


def _listed(usage: Usage, model: str, provider: str | None, at: datetime | None) -> Cost:
    from genai_prices import Usage as ListUsage
    from genai_prices import calc_price

    def price(read: int, written: int) -> tuple[Decimal, Decimal]:
        counted = ListUsage(
            input_tokens=usage.input_tokens,  # inclusive of cached tokens, as ours is
            output_tokens=usage.output_tokens,
            cache_read_tokens=read or None,
            cache_write_tokens=written or None,
        )
        found = calc_price(counted, model, provider_id=provider, genai_request_timestamp=at)
        return found.input_price, found.output_price

    try:
        paid, output = price(usage.cache_read_tokens, usage.cache_write_tokens)
        without_cache, _ = price(0, 0)
    except LookupError:
        raise UnpricedModel(
            f"no price for {model!r} in genai-prices {PRICE_LIST_VERSION}: "
            "put it into a price file and name that in STAGES_PRICES"
        ) from None
    source = f"genai-prices {PRICE_LIST_VERSION} of {PRICE_LIST_DATE.isoformat()}"
    return Cost(paid, output, without_cache - paid, source)
