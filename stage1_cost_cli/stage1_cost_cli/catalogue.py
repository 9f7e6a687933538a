"""The models that can be named, with window and price; and a text priced at each of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from shared.messages import Usage
from shared.models import KNOWN, Model, resolve
from shared.prices import PRICE_LIST_DATE, PriceList, open_prices
from shared.settings import Settings
from shared.tokens import count_tokens
from stage1_cost_cli.money import money


@dataclass(frozen=True, slots=True)
class Row:
    """Prices are US dollars per million tokens of a short prompt."""

    id: str
    alias: str
    provider: str
    window: int
    input_usd: Decimal
    output_usd: Decimal
    ready: bool

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {
            "input_usd": float(self.input_usd),
            "output_usd": float(self.output_usd),
        }


@dataclass(frozen=True, slots=True)
class TokenCosts:
    """`tokens` counts the o200k vocabulary: exact for OpenAI and offline models only."""

    tokens: int
    characters: int
    words: int
    costs: tuple[tuple[str, str, Decimal], ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "tokens": self.tokens,
            "characters": self.characters,
            "words": self.words,
            "cost_usd": {model: float(cost) for model, _, cost in self.costs},
        }


def catalogue(settings: Settings) -> list[Row]:
    """Every model known by name; `ready` says whether its key is set or none is needed."""
    prices = open_prices(settings.prices_file)
    aliases = {resolve(name, settings).id: name for name in ("small", "big")}
    return [_row(model, aliases.get(model.id, ""), prices, settings) for model in KNOWN.values()]


def token_costs(text: str, settings: Settings) -> TokenCosts:
    """What it costs to send `text` once to each known model."""
    tokens = count_tokens(text)
    prices = open_prices(settings.prices_file)
    costs = tuple(
        (model.id, _about(model), prices.cost(Usage(tokens), model.id, model.provider).total_usd)
        for model in KNOWN.values()
    )
    return TokenCosts(tokens, len(text), len(text.split()), costs)


def render_catalogue(rows: list[Row]) -> str:
    from rich.table import Table

    from stage1_cost_cli.terminal import to_text

    view = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("model", "alias", "provider", "window", "$/M in", "$/M out", "key"):
        view.add_column(title, justify="right" if "$" in title or title == "window" else "left")
    for row in rows:
        ready = "not needed" if row.provider == "offline" else "set" if row.ready else "not set"
        prices = (f"{row.input_usd:.2f}", f"{row.output_usd:.2f}")
        view.add_row(row.id, row.alias, row.provider, f"{row.window:,}", *prices, ready)
    return to_text(view) + (
        f"\nPrices: genai-prices of {PRICE_LIST_DATE}; those of the offline models are notional. "
        "Any other id of that list works too, and ollama/NAME, compatible/NAME.\n"
    )


def render_token_costs(counted: TokenCosts) -> str:
    from rich.table import Table

    from stage1_cost_cli.terminal import to_text

    view = Table(box=None, pad_edge=False, header_style="bold")
    view.add_column("model")
    view.add_column("tokens", justify="right")
    view.add_column("to send once", justify="right")
    for model, about, cost in counted.costs:
        view.add_row(model, f"{about}{counted.tokens}", money(cost))
    head = f"{counted.tokens} tokens · {counted.characters} characters · {counted.words} words\n"
    return (
        head + to_text(view) + "\n~ counted with OpenAI's vocabulary; its owner counts otherwise\n"
    )


def _row(model: Model, alias: str, prices: PriceList, settings: Settings) -> Row:
    million = prices.cost(Usage(1000, 1000), model.id, model.provider)
    return Row(
        id=model.id,
        alias=alias,
        provider=model.provider,
        window=model.window,
        input_usd=million.input_usd * 1000,
        output_usd=million.output_usd * 1000,
        ready=_ready(model, settings),
    )


def _ready(model: Model, settings: Settings) -> bool:
    keys = {
        "anthropic": settings.anthropic_api_key,
        "openai": settings.openai_api_key,
        "gemini": settings.gemini_api_key,
    }
    key = keys.get(model.provider)
    return model.provider == "offline" or bool(key and key.get_secret_value())


def _about(model: Model) -> str:
    return "" if model.provider in ("openai", "offline") else "~"
