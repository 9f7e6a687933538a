"""The forecast against sums done by hand and against what a ledger really held."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from shared.calls import CallRecord
from shared.errors import UserError
from shared.messages import Reply, Request, Usage, user
from shared.prices import PriceList, Rate
from shared.settings import Settings
from stage1_cost_cli.forecast import (
    Effect,
    Forecast,
    Workload,
    check,
    forecast,
    measured,
    with_measured,
)
from stage1_cost_cli.forecast_view import forecast_json, render_forecast
from stage1_cost_cli.ledger import Ledger

D = Decimal
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

# 1,000 users x 5 requests x 30 days = 150,000 requests a month.
WORKLOAD = Workload(
    users_per_day=D(1000),
    requests_per_user=D(5),
    input_tokens=D(2000),
    output_tokens=D(300),
    cached_share=D("0.5"),
    days_per_month=D(30),
)
# Dollars a million tokens: input 2, output 10, cached input 0.20, written to the cache 2.50.
PRICES = PriceList({"gpt-4o": Rate(D(2), D(10), D("0.2"), D("2.5"))})


def one(workload: Workload, model: str = "gpt-4o", prices: PriceList = PRICES) -> Forecast:
    return forecast(workload, [model], Settings(), prices)[0]


def effect(result: Forecast, name: str) -> Effect:
    return next(effect for effect in result.effects if effect.name == name)


def test_the_worked_example() -> None:
    result = one(WORKLOAD)
    # 1,000 plain tokens x $2/M + 1,000 cached x $0.20/M = $0.0022; 300 out x $10/M = $0.0030
    assert result.request_usd == D("0.0052")
    # 150,000 x $0.0052
    assert result.month_usd == D("780")
    # 150,000 x 1,000 cached tokens x ($2 - $0.20)/M
    assert result.saved_usd == D("270")
    assert (result.model, result.provider) == ("gpt-4o", "openai")


def test_paid_repeats_and_cache_writes_are_paid() -> None:
    # 780 x 1.1
    assert one(replace(WORKLOAD, retry_rate=D("0.1"))).month_usd == D("858")
    # half of the input written at $2.50/M instead of plain at $2/M: 1,000 x $0.5/M dearer
    written = one(replace(WORKLOAD, cache_write_share=D("0.5")))
    assert written.request_usd == D("0.0057")
    # saved: 1,000 x $1.8/M by reading less 1,000 x $0.5/M for writing = $0.0013 a request
    assert written.saved_usd == D("195")


def test_what_each_input_does() -> None:
    result = one(WORKLOAD)
    users = effect(result, "users_per_day")
    assert (users.halved_usd, users.doubled_usd) == (D(390), D(1560))
    assert users.change_at_10_percent == D("0.1")
    # 330 tokens out cost $0.0033, so a request $0.0055: 0.0003 / 0.0052 more
    assert float(effect(result, "output_tokens").change_at_10_percent) == pytest.approx(3 / 52)
    # 2,200 in, half cached: $0.00242, so a request $0.00542
    assert float(effect(result, "input_tokens").change_at_10_percent) == pytest.approx(2.2 / 52)
    cached = effect(result, "cached_share")
    # all cached: 2,000 x $0.20/M + $0.003 = $0.0034; a quarter: 1,500 x $2/M + 500 x $0.2/M
    assert (cached.doubled_usd, cached.halved_usd) == (D(510), D(915))
    assert not cached.limited
    # 60 days are no month: 31 / 30 x 780
    days = effect(result, "days_per_month")
    assert (days.doubled_usd, days.limited) == (D(806), True)
    assert days.change_at_10_percent == D("0.1")


def test_the_input_that_moves_the_bill_most_comes_first_and_an_unused_one_not_at_all() -> None:
    names = [effect.name for effect in one(WORKLOAD).effects]
    assert names[:3] == ["users_per_day", "requests_per_user", "output_tokens"]
    assert "retry_rate" not in names


def test_a_long_request_is_priced_in_its_tier() -> None:
    # claude-haiku-5-5: $0.10 in and $0.50 out a million tokens, five times that above 100,000
    long = replace(WORKLOAD, input_tokens=D(100_000), output_tokens=D(1000), cached_share=D(0))
    below, above = (
        one(replace(long, input_tokens=D(n)), "claude-haiku-5-5", PriceList())
        for n in (100_000, 100_001)
    )
    assert below.request_usd == D("0.0105")  # 100,000 x $0.10/M + 1,000 x $0.50/M
    assert above.request_usd == D("0.0525005")  # 100,001 x $0.50/M + 1,000 x $2.50/M
    # the tenth more of input crosses the step: 110,000 x $0.50/M + $0.0025 = $0.0575
    change = effect(below, "input_tokens").change_at_10_percent
    assert float(change) == pytest.approx(0.0575 / 0.0105 - 1)


def test_models_stand_side_by_side_and_an_alias_is_resolved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "STAGES_SMALL"):
        monkeypatch.delenv(name, raising=False)
    results = forecast(WORKLOAD, ["small", "offline-large"], Settings(), PriceList())
    assert [result.model for result in results] == ["offline-small", "offline-large"]
    assert results[0].asked == "small"
    # the notional large model costs twenty times the small one in every part
    assert results[1].month_usd == 20 * results[0].month_usd


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"users_per_day": D(-1)}, "users per day is -1: give more than 0"),
        ({"users_per_day": D(0)}, "users per day is 0: give more than 0"),
        ({"users_per_day": D(10**11)}, "users per day is 100000000000: give at most 10,000"),
        ({"cached_share": D("1.2")}, "cached share is 1.2: give at most 1"),
        ({"cached_share": D("0.6"), "cache_write_share": D("0.6")}, "add up to 1"),
        ({"days_per_month": D(32)}, "days per month is 32: give at most 31"),
        ({"retry_rate": D("-0.1")}, "retry rate is -0.1: give 0 or more"),
        ({"output_tokens": D("NaN")}, "output tokens is NaN: give a number"),
        ({"output_tokens": D("Infinity")}, "output tokens is Infinity: give a number"),
    ],
)
def test_impossible_inputs_are_refused_in_a_sentence(
    change: dict[str, Decimal], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        check(replace(WORKLOAD, **change))


def test_a_request_that_does_not_fit_the_model_is_refused() -> None:
    with pytest.raises(UserError, match=r"200,300 tokens does not fit gpt-4o, which takes 128,000"):
        one(replace(WORKLOAD, input_tokens=D(200_000)))


def test_measured_tokens_give_back_what_the_ledger_cost(tmp_path: Path) -> None:
    usages = [Usage(1000, 50, 200, 100), Usage(1500, 77, 0, 0), Usage(301, 3, 300, 0)]
    costs = [PRICES.cost(usage, "gpt-4o", "openai") for usage in usages]
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        for usage, cost in zip(usages, costs, strict=True):
            ledger.append(_record(usage), cost)
        averages = measured(ledger, model="gpt-4o", feature="ask", days=7, now=NOW)
    workload = with_measured(WORKLOAD, averages)
    spent = sum((cost.total_usd for cost in costs), D(0))
    assert averages.calls == 3
    assert float(one(workload).request_usd) == pytest.approx(float(spent / 3), rel=1e-12)
    assert "measured on 3 calls" in render_forecast(workload, [one(workload)], averages)


def test_nothing_measured_is_said_and_not_guessed(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    with pytest.raises(UserError, match="no finished call of model 'gpt-4o' and feature 'chat'"):
        measured(ledger, model="gpt-4o", feature="chat")
    ledger.append(_record(Usage(10, 10)), None)
    with pytest.raises(UserError, match="in the last 3 days: make some with `stage1 ask`"):
        measured(ledger, days=3, now=NOW + timedelta(days=30))
    with pytest.raises(UserError, match="the last 0 days cannot be measured"):
        measured(ledger, days=0)


def test_text_and_json_say_the_same(tmp_path: Path) -> None:
    results = [one(WORKLOAD)]
    text = render_forecast(WORKLOAD, results, width=80, color=False)
    data = forecast_json(WORKLOAD, results)
    assert "150,000 requests a month" in text
    assert "$780.00" in text
    assert data["models"][0]["month_usd"] == 780
    assert data["workload"]["requests_per_month"] == 150_000
    assert max(map(len, text.splitlines())) <= 80


def _record(usage: Usage) -> CallRecord:
    return CallRecord(
        started_at=NOW - timedelta(days=1),
        total_s=1.0,
        provider="openai",
        model="gpt-4o",
        feature="ask",
        streamed=True,
        request=Request(messages=(user("hello"),)),
        reply=Reply(text="hi", stop="end", usage=usage, model="gpt-4o-2024-11-20"),
    )
