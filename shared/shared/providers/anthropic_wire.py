"""Anthropic Messages, API version 2026-10-21: our words to its JSON and back.

Leaves out extended thinking, citations, images and server-side tools.
"""

from __future__ import annotations

import json
from dataclasses import replace

from shared.errors import InvalidOutput
from shared.messages import (
    Message,
    RateLimit,
    Reply,
    Request,
    StopReason,
    Text,
    ToolCall,
    ToolResult,
    Usage,
)
from shared.models import Model
from shared.providers.failures import from_error_event
from shared.providers.wires import Headers, Json, StreamReader, read_limits, refuse_unsupported
from shared.schemas import without_constraints

API_VERSION = "2026-10-21"
CACHED = {"cache_control": {"type": "ephemeral"}}
STOPS: dict[str, StopReason] = {
    "end_turn": "end",
    "max_tokens": "length",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool_use",
    "refusal": "refusal",
    "model_context_window_exceeded": "context_full",
}
LIMITS = {
    name: f"anthropic-ratelimit-{name}-{{}}"
    for name in ("requests", "tokens", "input-tokens", "output-tokens")
}


class AnthropicWire:
    name = "anthropic"
    path = "/v1/messages"
    request_id_header = "request-id"

    def headers(self, key: str) -> dict[str, str]:
        return {"authorization": f"Bearer {key}", "anthropic-version": API_VERSION}

    def body(self, request: Request, model: Model, *, stream: bool) -> Json:
        refuse_unsupported(request, model)
        body: Json = {
            "model": model.id,
            "max_tokens": request.max_tokens,
            "messages": [_message(message) for message in request.messages],
        }
        if request.system:
            block: Json = {"type": "text", "text": request.system}
            body["system"] = [block | CACHED] if request.cache_system else request.system
        if request.tools:
            body["tools"] = [
                {"name": t.name, "description": t.description, "input_schema": dict(t.parameters)}
                for t in request.tools
            ]
            body["tool_choice"] = _tool_choice(request.tool_choice)
        if request.output:
            schema = without_constraints(request.output.schema)
            body["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
        if request.stop:
            body["stop_sequences"] = list(request.stop)
        if stream:
            body["stream"] = True
        return body

    def reply(self, payload: Json) -> Reply:
        blocks = payload.get("content") or []
        return Reply(
            text="".join(b.get("text", "") for b in blocks if b.get("type") == "text"),
            tool_calls=tuple(
                ToolCall(b["id"], b["name"], json.dumps(b.get("input") or {}, ensure_ascii=False))
                for b in blocks
                if b.get("type") == "tool_use"
            ),
            stop=STOPS.get(payload.get("stop_reason") or ""),
            refusal=_refusal(payload),
            usage=_usage(payload["usage"]) if payload.get("usage") else None,
            model=payload.get("model", ""),
        )

    def ended(self, payload: Json) -> bool:
        return bool(payload.get("stop_reason"))

    def reader(self) -> StreamReader:
        return AnthropicReader()

    def rate_limits(self, headers: Headers) -> tuple[RateLimit, ...]:
        return read_limits(headers, LIMITS)


class AnthropicReader:
    """Builds the same JSON message that a blocking call returns, so that both are read one way."""

    def __init__(self) -> None:
        self.complete = False
        self.started = False
        self._message: Json = {}
        self._blocks: dict[int, Json] = {}
        self._arguments: dict[int, str] = {}

    def feed(self, event: Json) -> str:
        match event.get("type"):
            case "error":
                raise from_error_event(event.get("error") or {})
            case "message_start":
                self._message = dict(event["message"])
            case "content_block_start":
                return self._open(event["index"], event["content_block"])
            case "content_block_delta":
                return self._delta(event["index"], event["delta"])
            case "message_delta":
                self._end(event)
            case "message_stop":
                self.complete = True
        return ""

    def reply(self) -> Reply:
        blocks = [block for _, block in sorted(self._blocks.items())]
        written = [
            self._arguments.get(index, "")
            for index, block in sorted(self._blocks.items())
            if block.get("type") == "tool_use"
        ]
        reply = AnthropicWire().reply(self._message | {"content": blocks})
        return _with_written_arguments(reply, written)

    def _open(self, index: int, block: Json) -> str:
        """An empty text block is sent ahead of the first token; a tool's name is a token."""
        text = str(block.get("text") or "")
        self.started = self.started or bool(text) or block.get("type") == "tool_use"
        self._blocks[index] = dict(block)
        return text

    def _delta(self, index: int, delta: Json) -> str:
        self.started = True
        block = self._blocks.setdefault(index, {"type": "text", "text": ""})
        if delta.get("type") == "text_delta":
            block["text"] = block.get("text", "") + delta["text"]
            return str(delta["text"])
        if delta.get("type") == "input_json_delta":
            self._arguments[index] = self._arguments.get(index, "") + delta["partial_json"]
        return ""

    def _end(self, event: Json) -> None:
        self._message |= {k: v for k, v in (event.get("delta") or {}).items() if v is not None}
        counted = {k: v for k, v in (event.get("usage") or {}).items() if v is not None}
        self._message["usage"] = (self._message.get("usage") or {}) | counted


def _with_written_arguments(reply: Reply, written: list[str]) -> Reply:
    """Arguments as the model wrote them: a stream can carry JSON that does not parse."""
    calls = tuple(
        replace(call, json=text) if text else call
        for call, text in zip(reply.tool_calls, written, strict=True)
    )
    return replace(reply, tool_calls=calls)


def _message(message: Message) -> Json:
    return {"role": message.role, "content": [_block(part) for part in message.parts]}


def _block(part: Text | ToolCall | ToolResult) -> Json:
    match part:
        case Text(text, cache):
            return {"type": "text", "text": text} | (CACHED if cache else {})
        case ToolCall(id, name):
            return {"type": "tool_use", "id": id, "name": name, "input": _input(part)}
        case ToolResult(call_id, content, is_error):
            block: Json = {"type": "tool_result", "tool_use_id": call_id, "content": content}
            return block | ({"is_error": True} if is_error else {})


def _input(call: ToolCall) -> Json:
    """This wire takes only an object back, so a call that was no JSON is shown as what it was."""
    try:
        return call.arguments()
    except InvalidOutput:
        return {"invalid_json": call.json}


def _tool_choice(choice: str) -> Json:
    known = {"auto": "auto", "none": "none", "required": "any"}
    return {"type": known[choice]} if choice in known else {"type": "tool", "name": choice}


def _refusal(payload: Json) -> str:
    if payload.get("stop_reason") != "refusal":
        return ""
    details = payload.get("stop_details") or {}
    return str(details.get("explanation") or details.get("category") or "refused")


def _usage(usage: Json) -> Usage:
    """Cached tokens come beside `input_tokens` on this wire; ours are inside."""
    read = usage.get("cache_read_input_tokens") or 0
    written = usage.get("cache_creation_input_tokens") or 0
    details = usage.get("output_tokens_details") or {}
    return Usage(
        input_tokens=(usage.get("input_tokens") or 0) + read + written,
        output_tokens=usage.get("output_tokens") or 0,
        cache_read_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=details.get("thinking_tokens") or 0,
    )
