"""Structured output from a Pydantic model, and usage against what the server itself has billed."""

import json
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from shared.errors import InvalidOutput, Refused, Truncated
from shared.messages import Message, Request, Text, Usage, user
from shared.schemas import output_schema, validated

ASK = Request(messages=(user("What is RRF?"),))


class Invoice(BaseModel):
    """A bill."""

    number: str = Field(description="The invoice number")
    total: float = Field(ge=0)
    currency: Literal["EUR", "USD"]
    note: str | None


async def test_structured_output(bench: Any, mode: str) -> None:
    answer = {"number": "R-7", "total": 12.5, "currency": "EUR", "note": None}
    bench.script({"kind": "reply", "text": json.dumps(answer)})
    request = Request(messages=(user("Read it."),), output=output_schema(Invoice))
    async with bench.provider() as provider:
        reply = await bench.ask(provider, request, mode)
    assert validated(reply, Invoice) == Invoice(**answer)
    sent = json.loads((await bench.finished())[0].raw)
    if bench.wire == "anthropic":
        schema = sent["output_config"]["format"]["schema"]
        assert "minimum" not in schema["properties"]["total"]
        assert "minimum: 0" in schema["properties"]["total"]["description"]
    else:
        asked = sent["response_format"]["json_schema"]
        assert (asked["strict"], asked["name"]) == (True, "Invoice")
        schema = asked["schema"]
        assert schema["properties"]["total"]["minimum"] == 0
    assert schema["required"] == ["number", "total", "currency", "note"]
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "refusal", "message": "No."}, Refused),
        ({"kind": "truncated", "tokens": 3}, Truncated),
        ({"kind": "invalid_json"}, InvalidOutput),
        ({"kind": "schema_drift"}, InvalidOutput),
    ],
)
async def test_structured_output_that_went_wrong_keeps_usage_and_id(
    bench: Any, mode: str, fault: dict[str, Any], error: type[Exception]
) -> None:
    answer = {"number": "R-7", "total": 12.5, "currency": "EUR", "note": None}
    bench.script([{"kind": "reply", "text": json.dumps(answer)}, fault])
    request = Request(messages=(user("Read it."),), output=output_schema(Invoice))
    async with bench.provider() as provider:
        reply = await bench.ask(provider, request, mode)
    with pytest.raises(error) as caught:
        validated(reply, Invoice)
    assert caught.value.reply is reply
    log = (await bench.finished())[0]
    assert reply.request_id == log.request_id
    assert reply.usage is not None
    assert reply.usage.output_tokens == log.billed["output"] > 0


async def test_usage_is_what_the_server_billed(bench: Any, mode: str) -> None:
    """A long prompt twice: the second call reads the cache, by mark or by itself."""
    system = "Rule: answer in one sentence. " * 300
    request = Request(
        messages=(user("What is BM25?"),), system=system, cache_system=bench.wire == "anthropic"
    )
    async with bench.provider() as provider:
        replies = [await bench.ask(provider, request, mode) for _ in range(2)]
    for reply, entry in zip(replies, await bench.finished(2), strict=True):
        billed = entry.billed
        assert reply.usage == Usage(
            input_tokens=billed["total"],
            output_tokens=billed["output"],
            cache_read_tokens=billed["read"],
            cache_write_tokens=billed["write_5m"] + billed["write_1h"],
        )
    first, second = (reply.usage for reply in replies)
    assert first.cache_read_tokens == 0
    assert second.cache_read_tokens > 1024
    assert (first.cache_write_tokens > 1024) == (bench.wire == "anthropic")
    assert second.cache_write_tokens == 0


@pytest.mark.parametrize("wire", ["anthropic"])
async def test_a_mark_in_a_message_is_a_cached_prefix(bench: Any, mode: str) -> None:
    long = "The harbour was closed on Monday. " * 250
    request = Request(messages=(Message("user", (Text(long, cache=True), Text("Why?"))),))
    async with bench.provider() as provider:
        await bench.ask(provider, request, mode)
        reply = await bench.ask(provider, request, mode)
    assert reply.usage.cache_read_tokens > 1024


async def test_tokens_that_think_and_caches_that_are_written_are_counted(
    bench: Any, mode: str
) -> None:
    reported = {
        "anthropic": {
            "input_tokens": 10,
            "cache_creation_input_tokens": 20,
            "cache_read_input_tokens": 30,
            "output_tokens": 40,
            "output_tokens_details": {"thinking_tokens": 15},
        },
        "chat": {
            "prompt_tokens": 60,
            "completion_tokens": 40,
            "prompt_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 20},
            "completion_tokens_details": {"reasoning_tokens": 15},
        },
    }[bench.wire]
    bench.script([{"kind": "reply", "text": "ok"}, {"kind": "usage", "overrides": reported}])
    async with bench.provider() as provider:
        reply = await bench.ask(provider, ASK, mode)
    assert reply.usage == Usage(60, 40, 30, 20, 15)


async def test_usage_that_was_not_told_is_unknown_not_zero(bench: Any, mode: str) -> None:
    bench.script([{"kind": "reply", "text": "ok"}, {"kind": "usage", "overrides": None}])
    async with bench.provider() as provider:
        reply = await bench.ask(provider, ASK, mode)
    assert reply.text == "ok"
    assert reply.usage is None
