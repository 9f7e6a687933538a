"""What a finished call says in a trace, in the words of the OpenTelemetry GenAI conventions.

No SDK here: a `CallRecord` goes in, a plain mapping comes out. The conventions are still marked
"in development", so the names are written out below and not taken from the constants package:
it lags behind (`gen_ai.usage.cache_write.input_tokens` is the name since the rename of mid-2026,
the package still has `cache_creation`). Cost follows the open proposal: amount, currency, source.
What the conventions have no word for is under `app.`. A provider's request id is not the id of its
response, so it is `app.request_id`. Finish reasons are the conventions' own five words.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from shared.calls import CallRecord
from shared.messages import Message, Part, Reply, Request, Text, ToolCall, Usage

_FINISH = {
    "end": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "context_full": "length",
    "tool_use": "tool_call",
    "refusal": "content_filter",
}

Attributes = dict[str, Any]


def call_attributes(
    call: CallRecord, cost_usd: Decimal | None, capture_content: bool
) -> Attributes:
    """Everything known about the call; what nobody said is left out, since unknown is not zero."""
    reply = call.partial
    found = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": call.provider,
        "app.feature": call.feature,
        "app.cancelled": call.cancelled,
        **_request(call.request, call.model, call.streamed),
        **(_reply(reply) if reply else {}),
        **(_usage(call.usage) if call.usage else {}),
        **_cost(cost_usd),
        **plain(_error(call)),
        **(_content(call.request, reply) if capture_content else {}),
    }
    return plain(found)


def plain(values: Mapping[str, Any]) -> Attributes:
    """As a span may hold them: text, numbers, truth, lists of text; the rest as JSON or text."""
    return {key: _plain(value) for key, value in values.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return hex(value)  # more than the protocol's integers hold
    if isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return list(value)
    if isinstance(value, list | tuple | Mapping):
        return _json(value)
    return str(value)


def _json(value: Any) -> str:
    try:
        return json.dumps(value, default=str, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:  # a circle, a key that is no text
        return f"not shown: {error}"


def _request(request: Request, model: str, streamed: bool) -> Attributes:
    return {
        "gen_ai.request.model": model,
        "gen_ai.request.stream": streamed,
        "gen_ai.request.max_tokens": request.max_tokens,
        "gen_ai.request.temperature": request.temperature,
        "gen_ai.request.top_p": request.top_p,
        "gen_ai.request.top_k": request.top_k,
        "gen_ai.request.stop_sequences": request.stop or None,
        "gen_ai.output.type": "json" if request.output else "text",
    }


def _reply(reply: Reply) -> Attributes:
    return {
        "gen_ai.response.model": reply.model or None,
        "gen_ai.response.finish_reasons": (_FINISH[reply.stop],) if reply.stop else None,
        "gen_ai.response.time_to_first_chunk": reply.timing.first_token_s,
        "app.request_id": reply.request_id or None,
        "app.attempts": reply.attempts,
    }


def _usage(usage: Usage) -> Attributes:
    """Input counts the cached tokens too, as the conventions ask and as `Usage` has it."""
    return {
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cache_read_tokens,
        "gen_ai.usage.cache_write.input_tokens": usage.cache_write_tokens,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens,
    }


def _cost(cost_usd: Decimal | None) -> Attributes:
    if cost_usd is None:
        return {}
    return {
        "gen_ai.usage.cost.amount": cost_usd,
        "gen_ai.usage.cost.currency": "USD",
        "gen_ai.usage.cost.source": "local",  # reckoned here from a price list, not by the provider
    }


def _error(call: CallRecord) -> Attributes:
    error = call.error
    if error is None:
        return {}
    return {
        "error.type": type(error).__name__,
        "http.response.status_code": error.status,
        "app.error.code": error.code or None,
        "app.request_id": error.request_id or None,
        "app.attempts": error.attempts,
    }


def _content(request: Request, reply: Reply | None) -> Attributes:
    """Messages in the conventions' own JSON shape."""
    return {
        "gen_ai.system_instructions": [{"type": "text", "content": request.system}]
        if request.system
        else None,
        "gen_ai.input.messages": [_message(message) for message in request.messages],
        "gen_ai.output.messages": [_answer(reply)] if reply else None,
        "gen_ai.tool.definitions": [
            {"type": "function", "name": t.name, "description": t.description}
            | {"parameters": dict(t.parameters)}
            for t in request.tools
        ]
        or None,
    }


def _message(message: Message) -> Attributes:
    return {"role": message.role, "parts": [_part(part) for part in message.parts]}


def _answer(reply: Reply) -> Attributes:
    refusal = [{"type": "text", "content": reply.refusal}] if reply.refusal else []
    message = _message(reply.as_message())
    finish = _FINISH[reply.stop] if reply.stop else "error"
    return {**message, "parts": message["parts"] + refusal, "finish_reason": finish}


def _part(part: Part) -> Attributes:
    if isinstance(part, Text):
        return {"type": "text", "content": part.text}
    if isinstance(part, ToolCall):
        return {"type": "tool_call", "id": part.id, "name": part.name, "arguments": part.json}
    return {"type": "tool_call_response", "id": part.call_id, "response": part.content}
