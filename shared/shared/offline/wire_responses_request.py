"""An OpenAI Responses request read into the provider-neutral words.

Input as a string or as items, `instructions`, functions, `text.format`, `previous_response_id`.
Built-in tools, images and background work are refused with a sentence; reasoning items of the
history are skipped.
"""

from __future__ import annotations

from collections.abc import Mapping

from shared.messages import (
    Message,
    OutputSchema,
    Request,
    Text,
    ToolCall,
    ToolResult,
    ToolSpec,
    user,
)
from shared.offline.fields import Fields, Rejected
from shared.offline.wire import Parsed, merged, stray_result, unanswered_call
from shared.offline.wire_chat_request import (
    DEFAULT_MAX_TOKENS,
    SYSTEM_ROLES,
    content,
    function_spec,
    named_choice,
    plain_choice,
)

ECHOED = (
    "instructions",
    "metadata",
    "temperature",
    "top_p",
    "max_output_tokens",
    "text",
    "parallel_tool_calls",
)


def parse(body: Fields, headers: Mapping[str, str]) -> Parsed:
    model = body.text("model")
    if body.value.get("background"):
        body.fail("background", "the offline models answer in the foreground only")
    tools = tuple(_tool(tool) for tool in body.children("tools"))
    system, messages = _input(body)
    previous = body.text("previous_response_id", "")
    if not previous:
        check_calls(messages)
    request = Request(
        messages=messages,
        system="\n\n".join(system),
        tools=tools,
        tool_choice=_tool_choice(body, tools),
        output=_output(body),
        max_tokens=body.integer("max_output_tokens", DEFAULT_MAX_TOKENS),
        temperature=body.number("temperature", 0, 2),
        top_p=body.number("top_p", 0, 1),
    )
    echo = {name: body.value[name] for name in ECHOED if name in body.value}
    return Parsed(
        model=model,
        request=request,
        stream=body.flag("stream"),
        system_blocks=system,
        parallel=body.value.get("parallel_tool_calls") is not False,
        previous=previous,
        stored=body.value.get("store") is not False,
        echo=echo | {"tools": [tool.value for tool in body.children("tools")]},
    )


def check_calls(messages: tuple[Message, ...]) -> None:
    if call := unanswered_call(messages):
        raise Rejected(400, f"No tool output found for function call {call}.", param="input")
    if result := stray_result(messages):
        problem = f"No tool call found for function call output with call_id {result}."
        raise Rejected(400, problem, param="input")


def _tool(tool: Fields) -> ToolSpec:
    if tool.text("type") != "function":
        tool.fail("type", "the offline models have function tools only")
    return function_spec(tool)


def _tool_choice(body: Fields, tools: tuple[ToolSpec, ...]) -> str:
    value = body.value.get("tool_choice", "auto")
    if value is None or isinstance(value, str):
        return plain_choice(body, value or "auto")
    return named_choice(body.child("tool_choice"), tools)


def _output(body: Fields) -> OutputSchema | None:
    text = body.optional("text")
    shape = text.optional("format") if text else None
    kind = shape.text("type") if shape else "text"
    if shape is None or kind == "text":
        return None
    if kind == "json_object":
        return OutputSchema("object", {"type": "object"})
    if kind != "json_schema":
        shape.fail("type", "must be text, json_object or json_schema")
    return OutputSchema(shape.text("name"), shape.child("schema").value)


def _input(body: Fields) -> tuple[tuple[str, ...], tuple[Message, ...]]:
    system = [body.text("instructions")] if body.has("instructions") else []
    if isinstance(body.value.get("input"), str):
        return tuple(system), (user(body.value["input"]),)
    turns: list[Message] = []
    for item in body.children("input"):
        kind = item.text("type", "message")
        if kind == "message" and item.text("role") in SYSTEM_ROLES:
            system.append(content(item))
        elif kind != "reasoning":
            turns.append(_turn(item, kind))
    if not system and not turns:
        body.fail("input", "at least one item is required")
    return tuple(system), merged(turns)


def _turn(item: Fields, kind: str) -> Message:
    if kind == "function_call":
        call = ToolCall(item.text("call_id"), item.text("name"), item.text("arguments"))
        return Message("assistant", (call,))
    if kind == "function_call_output":
        output = item.value.get("output")
        text = output if isinstance(output, str) else content(_as_content(item))
        return Message("user", (ToolResult(item.text("call_id"), text),))
    if kind != "message":
        item.fail("type", f"{kind!r} is not an item the offline models know")
    if item.text("role") == "assistant":
        return Message("assistant", (Text(content(item)),))
    if item.text("role") == "user":
        return Message("user", (Text(content(item)),))
    return item.fail("role", "must be system, developer, user or assistant")


def _as_content(item: Fields) -> Fields:
    return Fields({"content": item.value.get("output")}, item.path)
