"""What a healthy answer must give on both wires, both engines, blocking and streaming.

The truth is the script that the server was given, or the server's own log.
"""

import json
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from shared.errors import InvalidOutput, Refused, Truncated
from shared.messages import Message, Request, Text, ToolCall, ToolResult, ToolSpec, Usage, user
from shared.schemas import output_schema, validated

ASK = Request(messages=(user("What is RRF?"),))
WEATHER = ToolSpec(
    "get_weather",
    "Weather of a city.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
TIME = ToolSpec(
    "get_time",
    "Time of a city.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
ODD = 'naïve café 🦜 "quoted" \\ back\u2028slash\nnew line \t tab {brace} 日本語'


class Invoice(BaseModel):
    """A bill."""

    number: str = Field(description="The invoice number")
    total: float = Field(ge=0)
    currency: Literal["EUR", "USD"]
    note: str | None


async def test_text_arrives_unchanged(bench: Any, mode: str) -> None:
    bench.script({"kind": "reply", "text": ODD})
    async with bench.provider() as provider:
        reply = await bench.ask(provider, ASK, mode)
    assert reply.text == ODD
    assert reply.stop == "end"
    assert reply.model == "offline-small"
    assert reply.attempts == 1
    assert (reply.timing.first_token_s is None) == (mode == "blocking")
    assert reply.timing.total_s >= (reply.timing.first_token_s or 0)


async def test_a_long_text_arrives_whole(bench: Any, mode: str) -> None:
    text = " ".join(f"word{n}" for n in range(800))
    bench.script({"kind": "reply", "text": text})
    async with bench.provider() as provider:
        reply = await bench.ask(provider, Request(messages=ASK.messages, max_tokens=9000), mode)
    assert reply.text == text


async def test_several_tools_in_one_turn_and_their_results(bench: Any, mode: str) -> None:
    """Arguments come back exactly, and the server accepts our results (it checks the pairing)."""
    arguments = [{"city": "Zürich", "deep": {"list": [1, 2.5, None, True]}}, {"city": 'a"b\\c'}]
    calls = [
        {"id": "call_a", "name": "get_weather", "arguments": arguments[0]},
        {"id": "call_b", "name": "get_time", "arguments": arguments[1]},
    ]
    bench.script({"kind": "reply", "text": "Looking.", "tool_calls": calls}, None)
    request = Request(messages=ASK.messages, tools=(WEATHER, TIME))
    async with bench.provider() as provider:
        reply = await bench.ask(provider, request, mode)
        assert reply.stop == "tool_use"
        assert reply.text == "Looking."
        assert [(c.id, c.name) for c in reply.tool_calls] == [
            ("call_a", "get_weather"),
            ("call_b", "get_time"),
        ]
        assert [call.arguments() for call in reply.tool_calls] == arguments
        results = Message(
            "user",
            (ToolResult("call_a", "12 °C"), ToolResult("call_b", "no such city", is_error=True)),
        )
        history = (*ASK.messages, reply.as_message(), results)
        after = await bench.ask(provider, Request(messages=history, tools=request.tools), mode)
    assert after.stop in ("end", "tool_use")
    sent = json.loads((await bench.finished(2))[1].raw)["messages"]
    assert "12 °C" in json.dumps(sent, ensure_ascii=False)
    assert sent[-1]["role"] == ("user" if bench.wire == "anthropic" else "tool")


async def test_a_tool_without_arguments(bench: Any, mode: str) -> None:
    bench.script({"kind": "reply", "tool_calls": [{"id": "c", "name": "get_time"}]})
    async with bench.provider() as provider:
        reply = await bench.ask(provider, Request(messages=ASK.messages, tools=(TIME,)), mode)
    assert reply.text == ""
    assert reply.tool_calls[0].arguments() == {}


@pytest.mark.parametrize(
    ("choice", "anthropic", "chat"),
    [
        ("auto", {"type": "auto"}, "auto"),
        ("none", {"type": "none"}, "none"),
        ("required", {"type": "any"}, "required"),
        (
            "get_time",
            {"type": "tool", "name": "get_time"},
            {"type": "function", "function": {"name": "get_time"}},
        ),
    ],
)
async def test_tool_choice_in_the_words_of_the_wire(
    bench: Any, choice: str, anthropic: Any, chat: Any
) -> None:
    bench.script({"kind": "reply", "text": "ok"})
    async with bench.provider() as provider:
        request = Request(messages=ASK.messages, tools=(WEATHER, TIME), tool_choice=choice)
        await provider.complete(request)
    sent = json.loads((await bench.finished())[0].raw)
    assert sent["tool_choice"] == (anthropic if bench.wire == "anthropic" else chat)


@pytest.mark.parametrize("wire", ["chat"])
async def test_a_forced_tool_call_stops_for_its_tool(bench: Any, mode: str) -> None:
    """OpenAI ends a call of a tool chosen by name with "stop"."""
    call = {"id": "c", "name": "get_time", "arguments": {"city": "Bern"}}
    bench.script({"kind": "reply", "tool_calls": [call], "stop": "end"})
    async with bench.provider() as provider:
        reply = await bench.ask(provider, Request(messages=ASK.messages, tools=(TIME,)), mode)
    assert reply.stop == "tool_use"


async def test_arguments_that_are_no_json_are_kept_as_written(bench: Any) -> None:
    """Only a stream and the chat wire can carry them; what was written must not be repaired."""
    broken = '{"city": "Bern'
    call = {"id": "c", "name": "get_time", "arguments": broken}
    bench.script({"kind": "reply", "tool_calls": [call]})
    async with bench.provider() as provider:
        reply = await bench.ask(
            provider, Request(messages=ASK.messages, tools=(TIME,)), "streaming"
        )
    assert reply.tool_calls == (ToolCall("c", "get_time", broken),)
    with pytest.raises(InvalidOutput):
        reply.tool_calls[0].arguments()


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


@pytest.mark.parametrize(
    ("fault", "stop"),
    [
        ({"kind": "reply", "text": "four words of text", "stop": "length"}, "length"),
        ({"kind": "truncated", "tokens": 2}, "length"),
        ({"kind": "refusal", "message": "I won't."}, "refusal"),
        ({"kind": "reply", "text": "x", "stop": "context_full"}, "context_full"),
    ],
)
async def test_stop_reasons(bench: Any, mode: str, fault: dict[str, Any], stop: str) -> None:
    bench.script(fault)
    async with bench.provider() as provider:
        reply = await bench.ask(provider, ASK, mode)
    if bench.wire == "chat" and stop == "context_full":
        stop = "length"  # this wire has no word for it
    assert reply.stop == stop
    assert reply.refusal == ("I won't." if stop == "refusal" else "")


async def test_a_stop_sequence_ends_the_text(bench: Any, mode: str) -> None:
    bench.script({"kind": "reply", "text": "one two STOP three"})
    async with bench.provider() as provider:
        request = Request(messages=ASK.messages, stop=("STOP",))
        reply = await bench.ask(provider, request, mode)
    assert reply.text == "one two "
    # The chat wire says "stop" for both, so that there it cannot be told from an end.
    assert reply.stop == ("stop_sequence" if bench.wire == "anthropic" else "end")


async def test_max_tokens_cuts_and_says_so(bench: Any, mode: str) -> None:
    bench.script({"kind": "reply", "text": "one two three four five six seven"})
    async with bench.provider() as provider:
        reply = await bench.ask(provider, Request(messages=ASK.messages, max_tokens=3), mode)
    assert reply.stop == "length"
    assert reply.usage.output_tokens == 3


async def test_more_max_tokens_than_an_sdk_likes_without_a_stream(bench: Any) -> None:
    bench.script({"kind": "reply", "text": "ok"})
    async with bench.provider() as provider:
        reply = await provider.complete(Request(messages=ASK.messages, max_tokens=60_000))
    assert reply.text == "ok"


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


async def test_request_id_and_rate_limits_come_from_the_headers(bench: Any, mode: str) -> None:
    async with bench.provider() as provider:
        first = await bench.ask(provider, ASK, mode)
        second = await bench.ask(provider, ASK, mode)
    ids = [entry.request_id for entry in await bench.finished(2)]
    assert [first.request_id, second.request_id] == ids
    limits = [{limit.name: limit for limit in reply.rate_limits} for reply in (first, second)]
    assert limits[0].keys() == {"requests", "tokens"}
    assert limits[0]["requests"].limit == limits[1]["requests"].limit
    assert limits[0]["requests"].remaining - limits[1]["requests"].remaining == 1
    spent = limits[0]["tokens"].remaining - limits[1]["tokens"].remaining
    assert spent == second.usage.input_tokens + second.usage.output_tokens
    assert all(limit.reset for limit in limits[0].values())
