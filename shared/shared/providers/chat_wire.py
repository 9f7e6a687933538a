"""OpenAI Chat Completions, the format that every compatible server speaks.

Leaves out audio, images, log-probabilities and more than one choice. `provider` decides the name of
the token limit: OpenAI renamed it, older compatible servers know only the first name.
"""

from __future__ import annotations

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

STOPS: dict[str, StopReason] = {
    "stop": "end",
    "length": "length",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}
LIMITS = {name: f"x-ratelimit-{{}}-{name}" for name in ("requests", "tokens")}
OLD_LIMIT_NAME = ("ollama", "compatible")


class ChatWire:
    name = "chat"
    path = "/chat/completions"
    request_id_header = "x-request-id"

    def headers(self, key: str) -> dict[str, str]:
        return {"authorization": f"Bearer {key}"}

    def body(self, request: Request, model: Model, *, stream: bool) -> Json:
        refuse_unsupported(request, model)
        limit = "max_tokens" if model.provider in OLD_LIMIT_NAME else "max_completion_tokens"
        body: Json = {"model": model.id, "messages": _messages(request), limit: request.max_tokens}
        for name in ("temperature", "top_p", "top_k"):
            if getattr(request, name) is not None:
                body[name] = getattr(request, name)
        if request.tools:
            body["tools"] = [
                _tool(t.name, t.description, dict(t.parameters)) for t in request.tools
            ]
            body["tool_choice"] = _tool_choice(request.tool_choice)
        if request.output:
            schema = {
                "name": request.output.name,
                "strict": True,
                "schema": dict(request.output.schema),
            }
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        if request.stop:
            body["stop"] = list(request.stop)
        if stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        return body

    def reply(self, payload: Json) -> Reply:
        choice = (payload.get("choices") or [{}])[0]
        message = choice.get("message") or {}
        refusal = message.get("refusal") or ""
        filtered = choice.get("finish_reason") == "content_filter"
        calls = tuple(_call(i, call) for i, call in enumerate(message.get("tool_calls") or []))
        stop = STOPS.get(choice.get("finish_reason") or "")
        if calls and stop == "end":  # what a call of a tool chosen by name ends with
            stop = "tool_use"
        return Reply(
            text=message.get("content") or "",
            tool_calls=calls,
            stop="refusal" if refusal else stop,
            refusal=refusal or ("content filter" if filtered else ""),
            usage=_usage(payload["usage"]) if payload.get("usage") else None,
            model=payload.get("model") or "",
        )

    def ended(self, payload: Json) -> bool:
        choices = payload.get("choices") or [{}]
        return bool(choices[0].get("finish_reason"))

    def reader(self) -> StreamReader:
        return ChatReader()

    def rate_limits(self, headers: Headers) -> tuple[RateLimit, ...]:
        return read_limits(headers, LIMITS)


class ChatReader:
    """Builds the JSON completion that a blocking call returns, so that both are read one way."""

    def __init__(self) -> None:
        self.complete = False
        self.started = False
        self._message: Json = {}
        self._calls: list[Json] = []
        self._at: dict[int, Json] = {}
        self._rest: Json = {}
        self._finish: str | None = None

    def feed(self, event: Json) -> str:
        if event.get("error"):
            raise from_error_event(event["error"])
        self._rest |= {k: event[k] for k in ("model", "usage") if event.get(k)}
        if not event.get("choices"):  # the usage chunk has none
            return ""
        choice = event["choices"][0]
        delta = choice.get("delta") or {}
        if choice.get("finish_reason"):
            self._finish = choice["finish_reason"]
            self.complete = True
        for call in delta.get("tool_calls") or []:
            self._add_call(call)
        for name in ("content", "refusal"):
            if delta.get(name):
                self.started = True
                self._message[name] = self._message.get(name, "") + delta[name]
        return str(delta.get("content") or "")

    def reply(self) -> Reply:
        message = self._message | {"tool_calls": self._calls}
        choice = {"finish_reason": self._finish, "message": message}
        return ChatWire().reply(self._rest | {"choices": [choice]})

    def _add_call(self, piece: Json) -> None:
        """A new id is a new call: some servers give every call of a turn the index 0."""
        self.started = True
        index, id = piece.get("index") or 0, piece.get("id")
        call = self._at.get(index)
        if call is None or (id and call["id"] and id != call["id"]):
            call = {"id": "", "function": {"name": "", "arguments": ""}}
            self._at[index] = call
            self._calls.append(call)
        call["id"] = id or call["id"]
        function = piece.get("function") or {}
        call["function"]["name"] += function.get("name") or ""
        call["function"]["arguments"] += function.get("arguments") or ""


def _messages(request: Request) -> list[Json]:
    head: list[Json] = [{"role": "system", "content": request.system}] if request.system else []
    return head + [line for message in request.messages for line in _turn(message)]


def _turn(message: Message) -> list[Json]:
    """One turn; tool results are messages of their own on this wire and come first."""
    results: list[Json] = [
        {"role": "tool", "tool_call_id": part.call_id, "content": _result(part)}
        for part in message.parts
        if isinstance(part, ToolResult)
    ]
    calls = [
        {"id": p.id, "type": "function", "function": {"name": p.name, "arguments": p.json or "{}"}}
        for p in message.parts
        if isinstance(p, ToolCall)
    ]
    has_text = any(isinstance(part, Text) for part in message.parts)
    if not (calls or has_text):
        return results
    line: Json = {"role": message.role, "content": message.text if has_text else None}
    return [*results, line | ({"tool_calls": calls} if calls else {})]


def _call(place: int, call: Json) -> ToolCall:
    """Some servers give no id; results need one to be told apart."""
    function = call["function"]
    id = call.get("id") or f"call_{place}"
    return ToolCall(id, function["name"], function.get("arguments") or "")


def _result(part: ToolResult) -> str:
    """This wire has no error flag for a tool result, so the text says it."""
    return f"ERROR: {part.content}" if part.is_error else part.content


def _tool(name: str, description: str, parameters: Json) -> Json:
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


def _tool_choice(choice: str) -> str | Json:
    if choice in ("auto", "none", "required"):
        return choice
    return {"type": "function", "function": {"name": choice}}


def _usage(usage: Json) -> Usage:
    """Cached tokens are inside `prompt_tokens` on this wire, as in ours."""
    given = usage.get("prompt_tokens_details") or {}
    made = usage.get("completion_tokens_details") or {}
    return Usage(
        input_tokens=usage.get("prompt_tokens") or 0,
        output_tokens=usage.get("completion_tokens") or 0,
        cache_read_tokens=given.get("cached_tokens") or 0,
        cache_write_tokens=given.get("cache_write_tokens") or 0,
        reasoning_tokens=made.get("reasoning_tokens") or 0,
    )
