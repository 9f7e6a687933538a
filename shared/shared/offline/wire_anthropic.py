"""Anthropic Messages: a finished turn as reply, events and errors.

Every event has its name on an `event:` line as well, since the official SDK skips those without.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from shared.offline.fields import Rejected
from shared.offline.wire import Bill, CutCall, Frame, Json, Parsed, Turn, named_frame

NAME = "anthropic"
REQUEST_ID = "request-id"
TOO_LONG: str | None = None
STOP = {
    "end": "end_turn",
    "length": "max_tokens",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool_use",
    "refusal": "refusal",
    "context_full": "model_context_window_exceeded",
}
ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def usage(bill: Bill) -> Json:
    written = bill.write_5m + bill.write_1h
    return {
        "input_tokens": bill.total - bill.read - written,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": bill.read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": bill.write_5m,
            "ephemeral_1h_input_tokens": bill.write_1h,
        },
        "output_tokens": bill.output,
        "service_tier": "standard",
    }


def reply(turn: Turn, parsed: Parsed) -> Json:
    content: list[Json] = [{"type": "text", "text": turn.text}] if turn.pieces else []
    content += [_tool_block(cut) | {"input": _object(cut)} for cut in turn.calls]
    return _message_object(turn) | {"content": content} | _ending(turn) | {"usage": turn.usage}


def frames(turn: Turn, parsed: Parsed) -> Iterator[Frame]:
    first = turn.usage and turn.usage | {"output_tokens": 1}
    yield named_frame(
        {"type": "message_start", "message": _message_object(turn) | {"usage": first}}
    )
    index = 0
    if turn.pieces:
        deltas = ({"type": "text_delta", "text": piece} for piece in turn.pieces)
        yield from _block(0, {"type": "text", "text": ""}, deltas)
        index = 1
    for i, cut in enumerate(turn.calls, start=index):
        pieces = ({"type": "input_json_delta", "partial_json": piece} for piece in cut.pieces)
        yield from _block(i, _tool_block(cut), pieces)
    delta = {"type": "message_delta", "delta": _ending(turn), "usage": turn.usage}
    yield named_frame(delta, final=True)
    yield named_frame({"type": "message_stop"}, final=True)


def _block(index: int, start: Json, deltas: Iterator[Json]) -> Iterator[Frame]:
    yield named_frame({"type": "content_block_start", "index": index, "content_block": start})
    if index == 0:
        yield named_frame({"type": "ping"})
    for delta in deltas:
        value = {"type": "content_block_delta", "index": index, "delta": delta}
        yield named_frame(value, tokens=1)
    yield named_frame({"type": "content_block_stop", "index": index})


def _message_object(turn: Turn) -> Json:
    return {
        "id": f"msg_{turn.id}",
        "type": "message",
        "role": "assistant",
        "model": turn.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _ending(turn: Turn) -> Json:
    ending: Json = {"stop_reason": STOP[turn.stop], "stop_sequence": turn.stop_sequence}
    if turn.stop == "refusal":
        explanation = "".join(turn.refusal)
        ending["stop_details"] = {"type": "refusal", "category": None, "explanation": explanation}
    return ending


def _tool_block(cut: CutCall) -> Json:
    return {"type": "tool_use", "id": cut.call.id, "name": cut.call.name, "input": {}}


def _object(cut: CutCall) -> Any:
    """A reply that is not streamed has no room for broken JSON: it becomes an empty object."""
    try:
        value = json.loads(cut.json)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def error(problem: Rejected, request_id: str) -> Json:
    default = ERROR_TYPES.get(problem.status, "api_error" if problem.status >= 500 else "")
    inner: Json = {
        "type": problem.type or default or "invalid_request_error",
        "message": problem.message,
    }
    if problem.code:
        inner["details"] = {"error_code": problem.code}
    return {"type": "error", "error": inner, "request_id": request_id}


def error_frames(type: str, message: str, turn: Turn, shape: str) -> Iterator[Frame]:
    yield named_frame({"type": "error", "error": {"type": type, "message": message}})
