"""The estimate before a call: worked examples, and bounds that hold for any request."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.messages import (
    Message,
    OutputSchema,
    Request,
    Text,
    ToolCall,
    ToolResult,
    ToolSpec,
    Usage,
    user,
)
from shared.models import KNOWN
from shared.offline.server import LocalServer
from shared.providers.opening import open_provider
from shared.settings import Settings
from shared.tokens import count_tokens
from stage1_cost_cli.estimate import (
    NO_HISTORY,
    estimate,
    input_bytes,
    input_tokens,
    worst_case,
)

SMALL = KNOWN["offline-small"]


def request(text: str = "hello", **more: Any) -> Request:
    return Request(messages=(user(text),), **more)


# --- worked examples -----------------------------------------------------------------------------
def test_the_tokens_of_a_greeting() -> None:
    """`hello` is one token; three frame a message and three the request."""
    assert input_tokens(request()) == 1 + 3 + 3
    assert input_tokens(request(system="hello")) == 1 + 3 + 1 + 3 + 3


def test_without_any_call_before_it_is_a_guess() -> None:
    found = estimate(request())
    assert found.usage == Usage(7, NO_HISTORY)
    assert found.basis == "no earlier call: a guess"


def test_the_median_of_earlier_calls_is_expected() -> None:
    past = [Usage(100, 10), Usage(100, 30, 50), Usage(100, 2000, 100)]
    found = estimate(request("hello " * 100), past)
    tokens = input_tokens(request("hello " * 100))
    assert found.usage == Usage(tokens, 30, cache_read_tokens=round(tokens / 2))
    assert found.basis == "median of 3 earlier calls"


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("Answer in 30 words.", 40),
        ("Explain it in about 2 sentences", 53),
        ("Say it in at most 1 sentence.", 27),
        ("Tell me about 5 wordy people", NO_HISTORY),
        ("There are 300 words in this text", NO_HISTORY),
        ("no more than 9999 words", 500),  # never above max_tokens
    ],
)
def test_the_length_that_the_prompt_asks_for(prompt: str, expected: int) -> None:
    assert estimate(request(prompt, max_tokens=500)).usage.output_tokens == expected


def test_the_input_is_counted_over_everything_that_is_sent() -> None:
    tool = ToolSpec("find", "Finds a product.", {"type": "object", "properties": {}})
    turns = (
        user("find a jacket"),
        Message("assistant", (ToolCall("1", "find", '{"q": "jacket"}'),)),
        Message("user", (ToolResult("1", "a very long list of jackets " * 20),)),
    )
    bare = input_tokens(Request(messages=turns[:1]))
    assert input_tokens(Request(messages=turns[:1], tools=(tool,))) > bare + 10
    assert input_tokens(Request(messages=turns)) > bare + 100
    schema = OutputSchema("record", {"type": "object", "properties": {"name": {"type": "string"}}})
    assert input_tokens(Request(messages=turns[:1], output=schema)) > bare + 10


# --- bounds --------------------------------------------------------------------------------------
texts = st.text(max_size=200).filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text))
usages = st.builds(
    Usage,
    input_tokens=st.integers(0, 10**6),
    output_tokens=st.integers(0, 10**6),
    cache_read_tokens=st.just(0),
    cache_write_tokens=st.just(0),
) | st.integers(1, 10**6).flatmap(
    lambda n: st.builds(
        Usage, st.just(n), st.integers(0, 10**6), st.integers(0, n), st.just(0), st.just(0)
    )
)
requests = st.builds(
    lambda texts, system, most: Request(
        messages=tuple(user(text) for text in texts), system=system, max_tokens=most
    ),
    st.lists(texts, min_size=1, max_size=4),
    texts,
    st.integers(1, 100_000),
)


@settings(max_examples=100, deadline=None)
@given(requests, st.lists(usages, max_size=5))
def test_an_estimate_is_never_below_zero_nor_above_what_is_allowed(
    asked: Request, past: list[Usage]
) -> None:
    usage = estimate(asked, past).usage
    assert usage.input_tokens == input_tokens(asked) > 0
    assert 0 <= usage.output_tokens <= asked.max_tokens
    assert usage.cache_read_tokens >= 0
    assert usage.cache_write_tokens >= 0
    assert usage.cache_read_tokens + usage.cache_write_tokens <= usage.input_tokens


@settings(max_examples=100, deadline=None)
@given(requests)
def test_bytes_are_never_fewer_than_tokens(asked: Request) -> None:
    assert input_tokens(asked) <= input_bytes(asked)


@settings(max_examples=50, deadline=None)
@given(requests)
def test_the_worst_case_is_at_least_the_estimate(asked: Request) -> None:
    worst, expected = worst_case(asked, SMALL), estimate(asked).usage
    assert worst.input_tokens >= expected.input_tokens
    assert worst.output_tokens == asked.max_tokens >= expected.output_tokens
    theirs = worst_case(asked, KNOWN["claude-haiku-5-5"])
    assert theirs.input_tokens >= 2 * count_tokens(asked.messages[0].text)


async def test_the_worst_case_is_at_least_what_a_server_bills() -> None:
    tool = ToolSpec("find", "Finds a product.", {"type": "object", "properties": {}})
    schema = OutputSchema(
        "record",
        {
            "type": "object",
            "properties": {"name": {"type": "string"}},
            "required": ["name"],
            "additionalProperties": False,
        },
    )
    many = tuple(Message("user", (Text(str(i)), Text("!"))) for i in range(20))
    asked = [
        request("hi", max_tokens=50),
        request("hi", system="Be brief.", max_tokens=50),
        request("hi", tools=(tool,), max_tokens=50),
        request("name: Ada", output=schema, max_tokens=50),
        Request(messages=many, max_tokens=50),
        request("hi", system="A rule. " * 900, cache_system=True, max_tokens=50),
    ]
    with LocalServer() as server:
        where = Settings(OFFLINE_BASE_URL=server.base_url)
        async with open_provider(SMALL, where) as provider:
            for one in asked:
                await provider.complete(one)
        bills = [entry.billed for entry in server.log()]
    for one, bill in zip(asked, bills, strict=True):
        worst = worst_case(one, SMALL)
        parts = sum(len(message.parts) for message in one.messages)
        assert bill["total"] <= worst.input_tokens <= bill["total"] + 50 + 20 * parts
        assert bill["write_5m"] <= worst.cache_write_tokens
        assert bill["output"] <= worst.output_tokens
