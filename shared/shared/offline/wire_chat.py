"""OpenAI Chat Completions: a finished turn as reply, chunks and errors.

The usage chunk, with empty `choices`, is sent only when `stream_options` asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator

from shared.offline.fields import Rejected
from shared.offline.wire import Bill, CutCall, Frame, Json, Parsed, Turn, data_frame

NAME = "chat"
REQUEST_ID = "x-request-id"
TOO_LONG: str | None = "context_length_exceeded"
FINISH = {
    "end": "stop",
    "length": "length",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "refusal": "stop",
    "context_full": "length",
}
ERROR_TYPES = {
    403: ("permission_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    429: ("requests", "rate_limit_exceeded"),
    503: ("service_unavailable_error", None),
}


def usage(bill: Bill) -> Json:
    return {
        "prompt_tokens": bill.total,
        "completion_tokens": bill.output,
        "total_tokens": bill.total + bill.output,
        "prompt_tokens_details": {"cached_tokens": bill.read, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def reply(turn: Turn, parsed: Parsed) -> Json:
    message: Json = {
        "role": "assistant",
        "content": None if turn.refusal or (turn.calls and not turn.pieces) else turn.text,
        "refusal": "".join(turn.refusal) or None,
        "annotations": [],
    }
    if turn.calls:
        message["tool_calls"] = [_call(cut, cut.json) for cut in turn.calls]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": FINISH[turn.stop]}
    return _object(turn, "chat.completion") | {"choices": [choice], "usage": turn.usage}


def frames(turn: Turn, parsed: Parsed) -> Iterator[Frame]:
    asked = parsed.include_usage
    opening: Json = {"role": "assistant", "content": "", "refusal": None}
    if turn.calls and not turn.pieces:
        opening["content"] = None
    yield _chunk(turn, opening, asked)
    for piece in turn.pieces:
        yield _chunk(turn, {"content": piece}, asked, tokens=1)
    for piece in turn.refusal:
        yield _chunk(turn, {"refusal": piece}, asked, tokens=1)
    for i, cut in enumerate(turn.calls):
        yield _chunk(turn, {"tool_calls": [{"index": i} | _call(cut, "")]}, asked)
        for piece in cut.pieces:
            delta = {"index": i, "function": {"arguments": piece}}
            yield _chunk(turn, {"tool_calls": [delta]}, asked, tokens=1)
    yield _chunk(turn, {}, asked, finish=FINISH[turn.stop])
    if asked:
        closing: Json = {"choices": [], "usage": turn.usage}
        yield data_frame(_object(turn, "chat.completion.chunk") | closing, final=True)
    yield Frame(b"data: [DONE]\n\n", final=True)


def _chunk(
    turn: Turn, delta: Json, asked: bool, *, tokens: int = 0, finish: str | None = None
) -> Frame:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    chunk = _object(turn, "chat.completion.chunk") | {"choices": [choice]}
    if asked:
        chunk["usage"] = None
    return data_frame(chunk, tokens, final=finish is not None)


def _object(turn: Turn, kind: str) -> Json:
    return {
        "id": f"chatcmpl-{turn.id}",
        "object": kind,
        "created": turn.created,
        "model": turn.model,
        "service_tier": "default",
        "system_fingerprint": "fp_offline",
    }


def _call(cut: CutCall, arguments: str) -> Json:
    function = {"name": cut.call.name, "arguments": arguments}
    return {"id": cut.call.id, "type": "function", "function": function}


def error(problem: Rejected, request_id: str) -> Json:
    default = "server_error" if problem.status >= 500 else "invalid_request_error"
    type_, code = ERROR_TYPES.get(problem.status, (default, None))
    return {
        "error": {
            "message": problem.message,
            "type": problem.type or type_,
            "param": problem.param,
            "code": problem.code or code,
        }
    }


def error_frames(type: str, message: str, turn: Turn, shape: str) -> Iterator[Frame]:
    yield data_frame({"error": {"message": message, "type": type, "param": None, "code": type}})
