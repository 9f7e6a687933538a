"""Each engine is the other's oracle: the same script must give equal replies and equal errors."""

from dataclasses import replace
from typing import Any

import pytest

from shared.errors import CallError
from shared.messages import Reply, Request, Timing, ToolSpec, user

TOOL = ToolSpec("look_up", "Looks it up.", {"type": "object", "properties": {}})
ASK = Request(messages=(user("What is RRF?"),), tools=(TOOL,))
CALL = {"id": "c1", "name": "look_up", "arguments": {"a": [1, {"b": "ü"}]}}
SECOND = {"id": "c2", "name": "look_up", "arguments": {}}
ENGINES = ("http", "aiohttp", "sdk")
HEALTHY = {
    "answer": None,
    "text": {"kind": "reply", "text": "One. Two\u2028three 🦜"},
    "tools": {"kind": "reply", "text": "Wait.", "tool_calls": [CALL, SECOND]},
    "only_tools": {"kind": "reply", "tool_calls": [CALL]},
    "length": {"kind": "truncated", "tokens": 2},
    "refusal": {"kind": "refusal", "message": "No."},
    "wrong_tool": {"kind": "wrong_tool"},
    "usage": {"kind": "usage", "overrides": {"completion_tokens": 77, "output_tokens": 77}},
    "no_usage": {"kind": "usage", "overrides": None},
}
BROKEN = {
    "overloaded": {"kind": "status", "status": 529},
    "rate": {"kind": "status", "status": 429, "headers": {"retry-after": "3"}},
    "key": {"kind": "status", "status": 401},
    "code": {"kind": "status", "status": 400, "code": "context_length_exceeded"},
    "plain_text": {"kind": "status", "status": 500, "body": "upstream is gone"},
    "sentence": {"kind": "status", "status": 404, "body": {"error": "model 'x' not found"}},
    "list": {"kind": "status", "status": 400, "body": [{"error": {"message": "odd"}}]},
    "html": {"kind": "html"},
    "html_502": {"kind": "html", "status": 502},
    "redirect": {"kind": "status", "status": 307, "headers": {"location": "http://elsewhere/"}},
    "error": [
        {"kind": "reply", "text": "one two three four"},
        {"kind": "error_event", "after_tokens": 2, "type": "rate_limit_error", "message": "slow"},
    ],
    "cut": [
        {"kind": "reply", "text": "one two three four"},
        {"kind": "cut", "after_tokens": 2, "how": "clean"},
    ],
    "reset": [
        {"kind": "reply", "text": "one two three four"},
        {"kind": "cut", "after_tokens": 2, "how": "reset"},
    ],
}


def comparable(reply: Reply | None) -> Reply | None:
    """Without what must differ from call to call."""
    if reply is None:
        return None
    limits = tuple(replace(limit, reset="") for limit in reply.rate_limits)
    return replace(reply, request_id="", timing=Timing(None, 0.0), rate_limits=limits)


def comparable_error(error: CallError) -> dict[str, Any]:
    same = ("status", "code", "retry_after_s", "attempts")
    return {name: getattr(error, name) for name in same} | {
        "class": type(error),
        "has an id": bool(error.request_id),
        "partial": comparable(error.partial),
    }


async def outcome(bench: Any, mode: str, script: Any) -> Any:
    bench.script(script)
    async with bench.provider(tries=1) as provider:
        try:
            return comparable(await bench.ask(provider, ASK, mode))
        except CallError as error:
            return error


@pytest.mark.parametrize("script", HEALTHY.values(), ids=HEALTHY)
async def test_equal_replies(make_bench: Any, wire: str, mode: str, script: Any) -> None:
    http, aiohttp, sdk = [await outcome(make_bench(wire, e), mode, script) for e in ENGINES]
    assert isinstance(http, Reply)
    assert http == aiohttp == sdk


@pytest.mark.parametrize("script", BROKEN.values(), ids=BROKEN)
async def test_equal_errors(make_bench: Any, wire: str, mode: str, script: Any) -> None:
    http, aiohttp, sdk = [await outcome(make_bench(wire, e), mode, script) for e in ENGINES]
    assert isinstance(http, CallError)
    assert comparable_error(http) == comparable_error(aiohttp) == comparable_error(sdk)


@pytest.mark.parametrize("script", [HEALTHY["tools"], HEALTHY["text"]], ids=["tools", "text"])
async def test_blocking_and_streaming_give_the_same_reply(bench: Any, script: Any) -> None:
    bench.script(script, script)
    async with bench.provider() as provider:
        replies = [
            comparable(await bench.ask(provider, ASK, mode)) for mode in ("blocking", "streaming")
        ]
    blocking, streaming = (replace(reply, rate_limits=()) for reply in replies)
    assert blocking == streaming
