"""What a healthy answer must give on both wires, both engines, blocking and streaming.

The truth is the script that the server was given, or the server's own log.
"""

import json
from typing import Any

import pytest

from shared.errors import InvalidOutput
from shared.messages import Message, Request, ToolCall, ToolResult, ToolSpec, user

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
