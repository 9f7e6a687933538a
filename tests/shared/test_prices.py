"""Prices: examples worked by hand, and a second implementation over random usage."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import BadSettings, UnpricedModel
from shared.messages import Usage
from shared.models import KNOWN
from shared.prices import GENAI_PROVIDER, NOTIONAL, Cost, open_prices

PRICES = open_prices(None)
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def usd(text: str) -> Decimal:
    return Decimal(text)


# By hand, from the vendors' prices per million tokens. Usage: input, output, cache read, write.
WORKED = [
    # 600k x 2.50 + 400k x 1.25 = 1.50 + 0.50;  100k x 10;  uncached: 1M x 2.50
    ("gpt-4o", Usage(1_000_000, 100_000, 400_000), "2.00", "1.00", "0.50"),
    # 1k x 4 + 6k x 0.20 + 3k x 5 = 0.0040 + 0.0012 + 0.0150;  500 x 20;  uncached: 10k x 4
    ("claude-opus-5-5", Usage(10_000, 500, 6_000, 3_000), "0.0202", "0.01", "0.0198"),
    # a cache that is written and not yet read costs: 2k x 4 + 8k x 5 = 0.048 against 0.040
    ("claude-opus-5-5", Usage(10_000, 0, 0, 8_000), "0.048", "0", "-0.008"),
    # at the border of the tier all is at the base price: 272k x 0.10;  1k x 0.50
    ("gpt-6-luna", Usage(272_000, 1_000), "0.0272", "0.0005", "0"),
    # one token over it, all tokens are at the upper price: 272,001 x 0.20;  1k x 0.75
    ("gpt-6-luna", Usage(272_001, 1_000), "0.0544002", "0.00075", "0"),
    # cached tokens count towards the tier: 72k x 4 + 228k x 0.20;  uncached: 300k x 4
    ("gpt-6.1-sol", Usage(300_000, 0, 228_000), "0.3336", "0", "0.8664"),
    ("gpt-4o", Usage(), "0", "0", "0"),
    ("offline-small", Usage(10_000, 1_000, 8_000), "0.00028", "0.0005", "0.00072"),
    ("offline-large", Usage(10_000, 1_000, 0, 8_000), "0.024", "0.01", "-0.004"),
]


@pytest.mark.parametrize(("model", "usage", "paid", "output", "saved"), WORKED)
def test_worked_by_hand(model: str, usage: Usage, paid: str, output: str, saved: str) -> None:
    cost = PRICES.cost(usage, model, KNOWN[model].provider, NOW)
    assert (cost.input_usd, cost.output_usd, cost.saved_usd) == (usd(paid), usd(output), usd(saved))
    assert cost.total_usd == usd(paid) + usd(output)


def second_opinion(usage: Usage, model: str) -> tuple[Decimal, Decimal]:
    """The same from the raw numbers of the list, with arithmetic of our own."""
    from genai_prices.data import providers

    wanted = GENAI_PROVIDER[KNOWN[model].provider]
    provider = next(p for p in providers if p.id == wanted)
    prices = next(m for m in provider.models if m.id == model).prices
    if isinstance(prices, list):  # dated: the last one that has begun
        begun = [p for p in prices if not p.constraint or p.constraint.start_date <= NOW.date()]
        prices = begun[-1].prices

    def rate(name: str) -> Decimal:
        value = getattr(prices, name)
        if value is None:
            return rate("input_mtok")
        for tier in getattr(value, "tiers", []):
            if usage.input_tokens > tier.start:
                return Decimal(tier.price)
        return Decimal(getattr(value, "base", value))

    plain = usage.input_tokens - usage.cache_read_tokens - usage.cache_write_tokens
    paid = (
        plain * rate("input_mtok")
        + usage.cache_read_tokens * rate("cache_read_mtok")
        + usage.cache_write_tokens * rate("cache_write_mtok")
    )
    return paid / 1_000_000, usage.output_tokens * rate("output_mtok") / 1_000_000


LISTED = sorted(id for id, model in KNOWN.items() if model.provider in GENAI_PROVIDER)
COUNT = st.integers(0, 400_000)


@given(st.sampled_from(LISTED), COUNT, COUNT, COUNT, COUNT)
def test_a_second_implementation_agrees(
    model: str, plain: int, read: int, written: int, output: int
) -> None:
    usage = Usage(plain + read + written, output, read, written)
    cost = PRICES.cost(usage, model, KNOWN[model].provider, NOW)
    assert (cost.input_usd, cost.output_usd) == second_opinion(usage, model)
    without = PRICES.cost(Usage(usage.input_tokens, output), model, KNOWN[model].provider, NOW)
    assert cost.saved_usd == without.input_usd - cost.input_usd


def test_a_price_that_changes_goes_by_the_day_of_the_call() -> None:
    before = PRICES.cost(Usage(1_000_000), "gemini-4-argon", "gemini", NOW)
    after = PRICES.cost(
        Usage(1_000_000), "gemini-4-argon", "gemini", datetime(2026, 12, 2, tzinfo=UTC)
    )
    assert (before.total_usd, after.total_usd) == (usd("2"), usd("4"))


@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini", "compatible"])
def test_an_unknown_model_is_an_error_never_zero(provider: str) -> None:
    with pytest.raises(UnpricedModel, match=r"no-such-model.*STAGES_PRICES"):
        PRICES.cost(Usage(1000, 1000), "no-such-model", provider)


def test_what_runs_on_this_machine_is_free_and_says_so() -> None:
    cost = PRICES.cost(Usage(1000, 1000), "llama3.3", "ollama")
    assert cost.total_usd == 0
    assert cost.source == "runs on this machine"


def test_more_cached_than_sent_is_no_bill() -> None:
    for model in ("gpt-4o", "offline-small"):
        with pytest.raises(UnpricedModel, match="cached"):
            PRICES.cost(Usage(10, 1, 20), model, KNOWN[model].provider)


def test_the_source_says_whose_price_and_of_when() -> None:
    listed = PRICES.cost(Usage(1), "gpt-4o", "openai")
    assert "genai-prices" in listed.source
    assert "2026-" in listed.source
    assert "not money" in PRICES.cost(Usage(1), "offline-small", "offline").source


def test_costs_add_up() -> None:
    one = Cost(usd("1"), usd("2"), usd("0.5"), "a")
    assert one + one == Cost(usd("2"), usd("4"), usd("1.0"), "a")
    assert (one + Cost(usd("0"), usd("0"), usd("0"), "b")).source == "several price lists"


def prices_file(folder: Path, value: object) -> Path:
    file = folder / "prices.json"
    file.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return file


def test_a_file_of_ones_own_wins(tmp_path: Path) -> None:
    entries = {
        "my-model": {"input": 1, "output": 4},
        "gpt-4o": {"input": 0.1, "output": 0.2, "cache_read": 0.05, "cache_write": 0.3},
        "offline-small": {"input": 0, "output": 0},
    }
    prices = open_prices(prices_file(tmp_path, entries))
    mine = prices.cost(Usage(1_000_000, 500_000, 200_000), "my-model", "compatible")
    assert (mine.input_usd, mine.output_usd, mine.saved_usd) == (1, 2, 0)  # cached: no other price
    assert mine.source == "your price file"
    usage = Usage(1_000_000, 1_000_000, 400_000, 100_000)
    cost = prices.cost(usage, "gpt-4o", "openai")
    assert cost.input_usd == usd("0.05") + usd("0.02") + usd("0.03")
    assert prices.cost(Usage(9, 9), "offline-small", "offline").total_usd == 0
    assert prices.cost(Usage(1_000_000), "gpt-4.1", "openai").total_usd == 2  # not in the file


@pytest.mark.parametrize(
    "value",
    [
        "{",
        "[]",
        '"x"',
        {"m": 1},
        {"m": {"input": 1}},
        {"m": {"input": "cheap", "output": 1}},
        {"m": {"input": -1, "output": 1}},
        {"m": {"input": float("nan"), "output": 1}},
        {"m": {"input": None, "output": 1}},
        {"m": {"input": 1, "output": 1, "cache_read": -0.1}},
    ],
    ids=str,
)
def test_a_file_that_cannot_be_read_so_is_an_error(tmp_path: Path, value: object) -> None:
    with pytest.raises(BadSettings, match="STAGES_PRICES"):
        open_prices(prices_file(tmp_path, value))


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="cannot be read"):
        open_prices(tmp_path / "nothing.json")
    with pytest.raises(BadSettings, match="cannot be read"):
        open_prices(tmp_path)


def test_the_offline_models_have_the_prices_of_a_real_pair() -> None:
    assert NOTIONAL["offline-large"].input == 20 * NOTIONAL["offline-small"].input
    for rate in NOTIONAL.values():
        assert rate.cache_read < rate.input < rate.cache_write < rate.output
