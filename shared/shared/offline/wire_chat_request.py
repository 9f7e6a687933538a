"""An OpenAI Chat Completions request read into the provider-neutral words.

Text, functions and structured output. Images and audio, several choices and log probabilities are
refused with a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from shared.messages import (
    Message,
    OutputSchema,
    Part,
    Request,
    Text,
    ToolCall,
    ToolResult,
    ToolSpec,
)
from shared.offline.fields import Fields, Rejected
from shared.offline.wire import Parsed, merged, stray_result, unanswered_call

DEFAULT_MAX_TOKENS = 16_384
SYSTEM_ROLES = ("system", "developer")


def parse(body: Fields, headers: Mapping[str, str]) -> Parsed:
    model = body.text("model")
    if body.integer("n", 1) != 1 or body.value.get("logprobs"):
        raise Rejected(400, "The offline models give one choice without logprobs", param="n")
    tools = tuple(_tool(tool) for tool in body.children("tools"))
    system, messages = _messages(body)
    request = Request(
        messages=messages,
        system="\n\n".join(system),
        tools=tools,
        tool_choice=_tool_choice(body, tools),
        output=_output(body),
        max_tokens=_max_tokens(body),
        temperature=body.number("temperature", 0, 2),
        top_p=body.number("top_p", 0, 1),
        stop=_stop(body),
    )
    options = body.optional("stream_options")
    return Parsed(
        model=model,
        request=request,
        stream=body.flag("stream"),
        include_usage=bool(options and options.flag("include_usage")),
        system_blocks=system,
        parallel=body.value.get("parallel_tool_calls") is not False,
    )


def _max_tokens(body: Fields) -> int:
    old_name = body.integer("max_tokens", DEFAULT_MAX_TOKENS)
    return body.integer("max_completion_tokens", old_name)


def _stop(body: Fields) -> tuple[str, ...]:
    value = body.value.get("stop")
    return (value,) if isinstance(value, str) else body.texts("stop")


def _tool(tool: Fields) -> ToolSpec:
    if tool.text("type") != "function":
        tool.fail("type", "the offline models have function tools only")
    return function_spec(tool.child("function"))


def function_spec(function: Fields) -> ToolSpec:
    parameters = function.optional("parameters")
    schema = parameters.value if parameters else {"type": "object", "properties": {}}
    return ToolSpec(function.text("name"), function.text("description", ""), schema)


def _tool_choice(body: Fields, tools: tuple[ToolSpec, ...]) -> str:
    value = body.value.get("tool_choice", "auto")
    if value is None or isinstance(value, str):
        return plain_choice(body, value or "auto")
    return named_choice(body.child("tool_choice").child("function"), tools)


def plain_choice(body: Fields, choice: str) -> str:
    if choice in ("auto", "none", "required"):
        return choice
    return body.fail("tool_choice", "must be auto, none, required or one function")


def named_choice(function: Fields, tools: tuple[ToolSpec, ...]) -> str:
    name = function.text("name")
    return name if name in {tool.name for tool in tools} else function.fail("name", "no such tool")


def _output(body: Fields) -> OutputSchema | None:
    shape = body.optional("response_format")
    kind = shape.text("type") if shape else "text"
    if shape is None or kind == "text":
        return None
    if kind == "json_object":
        return OutputSchema("object", {"type": "object"})
    if kind != "json_schema":
        shape.fail("type", "must be text, json_object or json_schema")
    inner = shape.child("json_schema")
    return OutputSchema(inner.text("name"), inner.child("schema").value)


def _messages(body: Fields) -> tuple[tuple[str, ...], tuple[Message, ...]]:
    """The system texts, and the turns with neighbours of one role merged."""
    system: list[str] = []
    turns: list[Message] = []
    for message in body.children("messages"):
        if message.text("role") in SYSTEM_ROLES:
            system.append(content(message))
        else:
            turns.append(_message(message))
    if not system and not turns:
        body.fail("messages", "at least one message is required")
    messages = merged(turns)
    if call := unanswered_call(messages):
        problem = "An assistant message with 'tool_calls' must be followed by tool messages"
        raise Rejected(400, f"{problem} responding to each 'tool_call_id': {call}")
    if result := stray_result(messages):
        problem = "messages with role 'tool' must be a response to a preceding message"
        raise Rejected(400, f"{problem} with 'tool_calls': {result}", param="messages")
    return tuple(system), messages


def _message(message: Fields) -> Message:
    role = message.text("role")
    if role == "user":
        return Message("user", (Text(content(message)),))
    if role == "tool":
        return Message("user", (ToolResult(message.text("tool_call_id"), content(message)),))
    if role == "assistant":
        text = content(message) if message.has("content") else ""
        parts: list[Part] = [Text(text)] if text else []
        return Message("assistant", (*parts, *map(_call, message.children("tool_calls"))))
    return message.fail("role", "must be system, developer, user, assistant or tool")


def _call(call: Fields) -> ToolCall:
    function = call.child("function")
    return ToolCall(call.text("id"), function.text("name"), function.text("arguments"))


def content(message: Fields) -> str:
    value = message.value.get("content")
    if isinstance(value, str):
        return value
    if not message.has("content"):
        message.fail("content", "Field required")
    return "".join(_part(part) for part in message.children("content"))


def _part(part: Fields) -> str:
    kind = part.text("type")
    if kind in ("text", "input_text", "output_text"):
        return part.text("text")
    if kind == "refusal":
        return part.text("refusal")
    return cast(str, part.fail("type", f"{kind!r}: the offline models read text only"))
