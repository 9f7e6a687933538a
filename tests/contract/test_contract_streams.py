"""Streams that break or say an error in the middle: what is kept, what is tried again."""

import asyncio
import contextlib
from typing import Any

import pytest

from shared.errors import (
    CallError,
    Overloaded,
    ProtocolError,
    RateLimited,
    ServerFault,
    StreamBroken,
)
from shared.messages import Finished, Request, Retrying, StreamEvent, WireEvent, user

ASK = Request(messages=(user("What is RRF?"),))
FOUR = {"kind": "reply", "text": "one two three four"}
OK = {"kind": "reply", "text": "ok"}
HOW = pytest.mark.parametrize("how", ["reset", "clean"])


@HOW
async def test_a_cut_is_an_error_that_carries_text_and_usage(bench: Any, how: str) -> None:
    bench.script([FOUR, {"kind": "cut", "after_tokens": 2, "how": how}], OK)
    events: list[StreamEvent] = []
    async with bench.provider() as provider:
        with pytest.raises(StreamBroken) as caught:
            await bench.stream(provider, ASK, into=events)
    assert bench.said(events) == "one two"
    assert not any(isinstance(event, Finished | Retrying) for event in events)
    partial = caught.value.partial
    assert partial.text == "one two"
    assert partial.stop is None
    log = (await bench.finished())[0]  # exactly one request: text that was shown is not repeated
    assert partial.request_id == caught.value.request_id == log.request_id
    if bench.wire == "anthropic":  # this wire tells the input in its first event
        assert partial.usage.input_tokens == log.billed["total"]
    else:  # and this one tells nothing before the end
        assert partial.usage is None
    assert [record.error for record in bench.records] == [caught.value]
    assert bench.records[0].usage == partial.usage


@HOW
async def test_a_cut_before_any_text_is_tried_again_unseen(bench: Any, how: str) -> None:
    bench.script([FOUR, {"kind": "cut", "after_tokens": 0, "how": how}], FOUR)
    events: list[StreamEvent] = []
    async with bench.provider() as provider:
        await bench.stream(provider, ASK, into=events)
    assert bench.said(events) == "one two three four"
    assert sum(isinstance(event, Retrying) for event in events) == 1
    assert events[-1].reply.attempts == 2
    assert len(bench.records) == 1


@HOW
async def test_a_cut_in_a_tool_call_is_tried_again(bench: Any, how: str) -> None:
    """Nothing of a call was given out yet, so that the second try repeats nothing."""
    call = {"id": "c", "name": "look_up", "arguments": {"query": "a long enough text here"}}
    script = {"kind": "reply", "tool_calls": [call]}
    bench.script([script, {"kind": "cut", "after_tokens": 3, "how": how}], script)
    events: list[StreamEvent] = []
    async with bench.provider() as provider:
        await bench.stream(provider, ASK, into=events)
    assert [c.arguments() for c in events[-1].reply.tool_calls] == [call["arguments"]]
    assert events[-1].reply.attempts == 2


@HOW
async def test_a_cut_after_the_last_word_is_still_no_success(bench: Any, how: str) -> None:
    bench.script([FOUR, {"kind": "cut", "after_tokens": 4, "how": how}])
    events: list[StreamEvent] = []
    async with bench.provider() as provider:
        with pytest.raises(StreamBroken) as caught:
            await bench.stream(provider, ASK, into=events)
    assert bench.said(events) == caught.value.partial.text == "one two three four"


@pytest.mark.parametrize("after", range(5))
async def test_words_are_never_said_twice(bench: Any, after: int) -> None:
    """Whatever breaks, what was given out is a beginning of the answer, said once."""
    broken = [
        [FOUR, {"kind": "cut", "after_tokens": after, "how": "reset"}],
        [FOUR, {"kind": "error_event", "after_tokens": after}],
        FOUR,
    ]
    bench.script(*broken)
    events: list[StreamEvent] = []
    async with bench.provider() as provider:
        with contextlib.suppress(CallError):
            await bench.stream(provider, ASK, into=events)
    assert "one two three four".startswith(bench.said(events))
    assert (bench.said(events) == "one two three four") >= isinstance(events[-1], Finished)


@pytest.mark.parametrize(
    ("type_", "kind"),
    [
        ("overloaded_error", Overloaded),
        ("rate_limit_error", RateLimited),
        ("api_error", ServerFault),
        ("server_error", ServerFault),
        ("something_new", ServerFault),
    ],
)
async def test_an_error_in_the_middle(bench: Any, type_: str, kind: type[CallError]) -> None:
    fault = {"kind": "error_event", "after_tokens": 2, "type": type_, "message": "Full."}
    bench.script([FOUR, fault], OK)
    events: list[StreamEvent] = []
    async with bench.provider() as provider:
        with pytest.raises(kind, match=r"Full\.") as caught:
            await bench.stream(provider, ASK, into=events)
    assert type(caught.value) is kind
    assert bench.said(events) == caught.value.partial.text == "one two"
    assert caught.value.request_id == (await bench.finished())[0].request_id


async def test_an_error_before_any_text_is_tried_again(bench: Any) -> None:
    bench.script([FOUR, {"kind": "error_event", "after_tokens": 0}], FOUR)
    async with bench.provider() as provider:
        reply = await bench.ask(provider, ASK, "streaming")
    assert reply.attempts == 2


async def test_a_slow_first_token_is_not_counted_as_one(bench: Any) -> None:
    """The opening events, also an empty block, come before the model has said anything."""
    bench.script([FOUR, {"kind": "slow_first_token", "seconds": 0.2}])
    async with bench.provider() as provider:
        reply = await bench.ask(provider, ASK, "streaming")
    assert reply.timing.first_token_s >= 0.2


async def test_the_first_token_is_that_of_the_try_that_was_shown(bench: Any) -> None:
    call = {"id": "c", "name": "look_up", "arguments": {"query": "a long enough text here"}}
    broken = [{"kind": "reply", "tool_calls": [call]}, {"kind": "cut", "after_tokens": 3}]
    bench.script(broken, [FOUR, {"kind": "slow_first_token", "seconds": 0.2}])
    async with bench.provider() as provider:
        reply = await bench.ask(provider, ASK, "streaming")
    assert reply.attempts == 2
    assert reply.timing.first_token_s >= 0.2


async def test_raw_events_are_those_of_the_wire(bench: Any) -> None:
    bench.script(FOUR)
    async with bench.provider() as provider, provider.stream(ASK, raw=True) as stream:
        events = [event async for event in stream]
    raw = [event.data for event in events if isinstance(event, WireEvent)]
    assert any('"three"' in data or '" three"' in data for data in raw)
    first = "message_start" if bench.wire == "anthropic" else "chat.completion.chunk"
    assert first in raw[0]


@pytest.mark.parametrize("calls", [8])
async def test_many_streams_at_once_do_not_mix(bench: Any, calls: int) -> None:
    texts = [f"answer number {n} and nothing else" for n in range(calls)]
    bench.script(*({"kind": "reply", "text": text} for text in texts))
    async with bench.provider() as provider:
        asked = [bench.ask(provider, ASK, "streaming") for _ in texts]
        replies = await asyncio.gather(*asked)
    assert sorted(reply.text for reply in replies) == sorted(texts)
    log = {e.request_id: e for e in await bench.finished(calls)}
    for reply in replies:
        assert reply.usage.output_tokens == log[reply.request_id].billed["output"]


async def test_an_answer_without_a_stream_is_no_stream(bench: Any) -> None:
    body = {"id": "x", "choices": [{"finish_reason": "stop", "message": {"content": "hi"}}]}
    bench.script({"kind": "status", "status": 200, "body": body})
    async with bench.provider() as provider:
        with pytest.raises(ProtocolError):
            await bench.stream(provider, ASK, into=[])
