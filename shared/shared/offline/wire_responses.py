"""OpenAI Responses: a finished turn as response object, events and errors.

Items are finished one after the other: the message first, then each function call.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from shared.messages import Request
from shared.offline import wire_chat
from shared.offline.wire import Bill, CutCall, Frame, Json, Parsed, Turn, named_frame

NAME = "responses"
REQUEST_ID = "x-request-id"
TOO_LONG: str | None = "context_length_exceeded"
error = wire_chat.error  # OpenAI has one shape of error


def usage(bill: Bill) -> Json:
    return {
        "input_tokens": bill.total,
        "input_tokens_details": {"cached_tokens": bill.read, "cache_write_tokens": 0},
        "output_tokens": bill.output,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": bill.total + bill.output,
    }


def reply(turn: Turn, parsed: Parsed) -> Json:
    items = [_message(turn, [_content(turn)])] if _speaks(turn) else []
    items += [_call(turn, i, cut, cut.json) for i, cut in enumerate(turn.calls)]
    return _response(turn, parsed, _status(turn), items)


def frames(turn: Turn, parsed: Parsed) -> Iterator[Frame]:
    numbers = count()
    for event, tokens in _events(turn, parsed):
        event["sequence_number"] = next(numbers)
        ended = str(event["type"]) in ("response.completed", "response.incomplete")
        yield named_frame(event, tokens, final=ended)


Numbered = tuple[Json, int]


def _events(turn: Turn, parsed: Parsed) -> Iterator[Numbered]:
    opening = _response(turn, parsed, "in_progress", [])
    yield {"type": "response.created", "response": opening}, 0
    yield {"type": "response.in_progress", "response": opening}, 0
    if _speaks(turn):
        yield from _message_events(turn)
    for i, cut in enumerate(turn.calls):
        yield from _call_events(turn, i, cut)
    status = _status(turn)
    yield {"type": f"response.{status}", "response": reply(turn, parsed)}, 0


def _message_events(turn: Turn) -> Iterator[Numbered]:
    part = _content(turn)
    refused = part["type"] == "refusal"
    name, kind = ("refusal", "refusal") if refused else ("text", "output_text")
    pieces = turn.refusal if refused else turn.pieces
    item = {"output_index": 0, "item_id": f"msg_{turn.id}"}
    place = item | {"content_index": 0}
    added = _message(turn, []) | {"status": "in_progress"}
    yield {"type": "response.output_item.added", "output_index": 0, "item": added}, 0
    empty = part | {name: ""}
    yield {"type": "response.content_part.added", "part": empty} | place, 0
    extra: Json = {} if refused else {"logprobs": []}
    for piece in pieces:
        yield {"type": f"response.{kind}.delta", "delta": piece} | place | extra, 1
    yield {"type": f"response.{kind}.done", name: part[name]} | place | extra, 0
    yield {"type": "response.content_part.done", "part": part} | place, 0
    done = _message(turn, [part])
    yield {"type": "response.output_item.done", "output_index": 0, "item": done}, 0


def _call_events(turn: Turn, i: int, cut: CutCall) -> Iterator[Numbered]:
    index = i + _speaks(turn)
    place = {"output_index": index, "item_id": f"fc_{turn.id}_{i}"}
    added = _call(turn, i, cut, "") | {"status": "in_progress"}
    yield {"type": "response.output_item.added", "output_index": index, "item": added}, 0
    name = "response.function_call_arguments"
    for piece in cut.pieces:
        yield {"type": f"{name}.delta", "delta": piece} | place, 1
    yield {"type": f"{name}.done", "name": cut.call.name, "arguments": cut.json} | place, 0
    done = _call(turn, i, cut, cut.json)
    yield {"type": "response.output_item.done", "output_index": index, "item": done}, 0


def _speaks(turn: Turn) -> bool:
    return bool(turn.pieces or turn.refusal or not turn.calls)


def _status(turn: Turn) -> str:
    return "incomplete" if turn.stop in ("length", "context_full") else "completed"


def _content(turn: Turn) -> Json:
    if turn.refusal:
        return {"type": "refusal", "refusal": "".join(turn.refusal)}
    return {"type": "output_text", "text": turn.text, "annotations": [], "logprobs": []}


def _message(turn: Turn, content: list[Json]) -> Json:
    return {
        "id": f"msg_{turn.id}",
        "type": "message",
        "role": "assistant",
        "status": _status(turn),
        "content": content,
    }


def _call(turn: Turn, i: int, cut: CutCall, arguments: str) -> Json:
    return {
        "id": f"fc_{turn.id}_{i}",
        "type": "function_call",
        "call_id": cut.call.id,
        "name": cut.call.name,
        "arguments": arguments,
        "status": _status(turn),
    }


def _response(turn: Turn, parsed: Parsed, status: str, items: list[Json]) -> Json:
    over = status != "in_progress"
    cut = status == "incomplete"
    return {
        "id": f"resp_{turn.id}",
        "object": "response",
        "created_at": turn.created,
        "status": status,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "instructions": None,
        "metadata": {},
        "model": turn.model,
        "output": items,
        "parallel_tool_calls": True,
        "previous_response_id": parsed.previous or None,
        "temperature": 1.0,
        "tool_choice": _choice(parsed.request.tool_choice),
        "tools": [],
        "top_p": 1.0,
        "usage": turn.usage if over else None,
    } | dict(parsed.echo)


def _choice(choice: str) -> str | Json:
    known = choice in ("auto", "none", "required")
    return choice if known else {"type": "function", "name": choice}


def error_frames(type: str, message: str, turn: Turn, shape: str) -> Iterator[Frame]:
    """The three ways in which a Responses stream can say that it failed."""
    problem = {"code": type, "message": message}
    if shape == "nested":
        event: Json = {"type": "error", "error": problem | {"type": type, "param": None}}
    elif shape == "failed":
        blank = Parsed(model=turn.model, request=Request(messages=()))
        failed = _response(turn, blank, "failed", []) | {"usage": None}
        event = {"type": "response.failed", "response": failed | {"error": problem}}
    else:
        event = {"type": "error", "param": None} | problem
    yield named_frame(event | {"sequence_number": turn.tokens + 99})
