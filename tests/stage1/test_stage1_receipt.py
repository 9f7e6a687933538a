"""The receipt of a call that ended well, broke off or was cut short, against sums done by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from shared.calls import CallRecord
from shared.errors import RateLimited, StreamBroken
from shared.messages import Reply, Request, Timing, ToolCall, Usage, user
from shared.prices import PriceList, Rate
from shared.tokens import count_tokens
from stage1_cost_cli.estimate import input_tokens
from stage1_cost_cli.receipt import Receipt, line, receipt, table_text

D = Decimal
RATE = Rate(input=D(2), output=D(10), cache_read=D("0.2"), cache_write=D("2.5"))
PRICES = PriceList({"gpt-4o": RATE})
REQUEST = Request(messages=(user("Say the first eight numbers."),))
WORDS = "one two three four five six seven eight"


def record(reply: Reply | None, **more: Any) -> CallRecord:
    values: dict[str, Any] = {
        "started_at": datetime(2026, 11, 21, 12, tzinfo=UTC),
        "total_s": 2.5,
        "provider": "openai",
        "model": "gpt-4o",
        "feature": "ask",
        "streamed": True,
        "request": REQUEST,
        "reply": reply,
    }
    return CallRecord(**(values | more))


def answered(usage: Usage | None = None, **more: Any) -> Reply:
    values: dict[str, Any] = {
        "text": WORDS,
        "stop": "end",
        "usage": usage,
        "model": "gpt-4o-2024-11-20",
        "request_id": "req_1",
        "timing": Timing(0.5, 2.5),
    }
    return Reply(**(values | more))


def made(of: CallRecord) -> Receipt:
    found = receipt(of, PRICES)
    assert found is not None
    return found


def test_a_worked_example() -> None:
    """600 plain at $2, 400 cached at $0.20, 50 out at $10 a million; 50 tokens in two seconds."""
    one = made(record(answered(Usage(1000, 50, cache_read_tokens=400))))
    assert one.cost is not None
    assert one.cost.total_usd == D("0.00178")
    assert one.cost.saved_usd == D("0.00072")
    assert one.saved_share == D("0.00072") / D("0.0025")
    assert one.tokens_per_s == 25
    assert not one.estimated
    assert line(one) == (
        "gpt-4o-2024-11-20 · 1000 in (400 cached) · 50 out · first token 500 ms · total 2500 ms"
        " · 25 tok/s · $0.001780, cache saved 29% (your price file) · req_1"
    )


def test_a_cache_that_was_only_written_has_cost_more() -> None:
    one = made(record(answered(Usage(1000, 0, cache_write_tokens=1000))))
    assert one.cost is not None
    assert one.cost.saved_usd == D("-0.0005")
    assert one.saved_share == D("-0.25")
    assert "cache saved -25%" in line(one)


def test_nothing_stated_is_counted_and_marked() -> None:
    one = made(record(answered(None)))
    assert one.estimated
    assert one.usage == Usage(input_tokens(REQUEST), count_tokens(WORDS))
    assert f"~{count_tokens(WORDS)} out" in line(one)
    assert "~$" in line(one)


def test_tool_calls_that_nobody_counted_are_counted() -> None:
    call = ToolCall("1", "find_products", '{"query": "a warm jacket"}')
    one = made(record(answered(None, text="", tool_calls=(call,))))
    assert one.usage.output_tokens == count_tokens(call.name + call.json) > 5


def test_a_broken_call_keeps_the_stated_input_and_counts_the_text() -> None:
    """The Anthropic wire states the input at the start, and one output token."""
    partial = answered(Usage(900, 1, cache_read_tokens=300), stop=None)
    one = made(record(None, error=StreamBroken("cut", partial=partial)))
    assert one.outcome == "broken off"
    assert one.usage == Usage(900, count_tokens(WORDS), cache_read_tokens=300)
    assert one.estimated


def test_a_cancelled_call_is_an_estimate_even_when_usage_was_stated() -> None:
    one = made(record(answered(Usage(900, 5), stop=None), cancelled=True))
    assert one.outcome == "stopped early"
    assert one.estimated
    assert one.usage.output_tokens == count_tokens(WORDS)


@pytest.mark.parametrize(
    "of",
    [
        record(None, error=RateLimited("429")),
        record(None, cancelled=True),
    ],
)
def test_a_call_that_brought_nothing_has_no_receipt(of: CallRecord) -> None:
    assert receipt(of, PRICES) is None


@pytest.mark.parametrize(
    ("stop", "outcome"),
    [
        ("end", "ok"),
        ("tool_use", "ok"),
        ("stop_sequence", "ok"),
        ("length", "cut at max tokens"),
        ("context_full", "cut, the window is full"),
        ("refusal", "refused"),
        (None, "ok"),
    ],
)
def test_how_a_call_ended_is_said(stop: Any, outcome: str) -> None:
    one = made(record(answered(Usage(1, 1), stop=stop)))
    assert one.outcome == outcome
    assert (f"({outcome})" in line(one)) == (outcome != "ok")


def test_no_first_token_is_no_rate() -> None:
    one = made(record(answered(Usage(10, 10), timing=Timing(None, 2.5)), streamed=False))
    assert one.first_token_s is None
    assert one.tokens_per_s is None
    assert "first token - " in line(one)
    assert "- tok/s" in line(one)
    assert one.to_json()["first_token_s"] is None


def test_an_answer_within_one_clock_tick_has_no_rate() -> None:
    one = made(record(answered(Usage(10, 10), timing=Timing(2.5, 2.5))))
    assert one.tokens_per_s is None


def test_the_price_is_that_of_the_model_that_answered_before_that_of_the_asked() -> None:
    prices = PriceList({"gpt-4o": RATE, "gpt-4o-2024-11-20": Rate(D(1), D(1), D(1), D(1))})
    one = receipt(record(answered(Usage(1000, 0))), prices)
    assert one is not None
    assert one.cost is not None
    assert one.cost.total_usd == D("0.001")


def test_a_price_of_ones_own_for_the_asked_model_wins_over_a_list() -> None:
    """The list knows the dated id that answers; the file says what its owner has agreed on."""
    one = made(record(answered(Usage(1000, 0), model="gpt-4o-2024-11-20")))
    assert one.cost is not None
    assert one.cost.total_usd == D("0.002")
    listed = receipt(record(answered(Usage(1000, 0))), PriceList())
    assert listed is not None
    assert listed.cost is not None
    assert listed.cost.total_usd != D("0.002")


def test_no_price_is_said_and_no_zero() -> None:
    one = receipt(
        record(answered(Usage(10, 10), model="x"), model="x", provider="compatible"), PRICES
    )
    assert one is not None
    assert one.cost is None
    assert one.saved_share == 0
    assert "no price known" in line(one)
    assert "$" not in line(one)
    assert one.to_json()["cost_usd"] is None
    assert "?" in table_text([one, one])


def test_a_model_on_this_machine_costs_nothing_and_says_why() -> None:
    here = record(answered(Usage(10, 10), model="x"), model="x", provider="ollama")
    one = receipt(here, PRICES)
    assert one is not None
    assert "$0.00 (runs on this machine)" in line(one)


def test_the_table_and_what_is_said_under_it() -> None:
    one = made(record(answered(Usage(1000, 50, cache_read_tokens=400), attempts=3)))
    two = made(record(answered(None, model="claude-sonnet-5-5-20261021"), cancelled=True))
    text = table_text([one, two])
    head, first, second, blank, *endings = text.splitlines()
    assert " ".join(head.split()) == "model in cached out first total tok/s cost saved"
    row = "1000 400 50 500 ms 2500 ms 25 $0.001780 29%"
    assert " ".join(first.split()[1:]) == row
    assert second.split()[0] == "claude-sonnet-5-5-20261021"
    assert blank == ""
    assert endings == [
        "gpt-4o-2024-11-20: ok · your price file · 3 tries · req_1",
        "claude-sonnet-5-5-20261021: stopped early · your price file · req_1",
    ]


def test_the_json_of_a_receipt() -> None:
    said = made(record(answered(Usage(1000, 50, cache_read_tokens=400)))).to_json()
    assert said == {
        "asked": "gpt-4o",
        "model": "gpt-4o-2024-11-20",
        "provider": "openai",
        "outcome": "ok",
        "input_tokens": 1000,
        "output_tokens": 50,
        "cache_read_tokens": 400,
        "cache_write_tokens": 0,
        "reasoning_tokens": 0,
        "cached_tokens": 400,
        "estimated": False,
        "first_token_s": 0.5,
        "total_s": 2.5,
        "tokens_per_s": 25.0,
        "cost_usd": 0.00178,
        "saved_by_cache_usd": 0.00072,
        "price_source": "your price file",
        "request_id": "req_1",
        "attempts": 1,
    }
