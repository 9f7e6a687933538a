"""An Anthropic Messages request, API version 2026-10-21, read into the provider-neutral words.

Text, tools, structured output and cache marks. Images, PDFs and server tools are refused with a
sentence; thinking blocks in the history are skipped, since the offline models do not think aloud.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from shared.messages import (
    Message,
    OutputSchema,
    Part,
    Request,
    Role,
    Text,
    ToolCall,
    ToolResult,
    ToolSpec,
)
from shared.offline.fields import Fields, Rejected
from shared.offline.wire import Parsed, Place, stray_result, unanswered_call

VERSION = "2026-10-21"
TTL_S = {"5m": 300, "1h": 3600}
MAX_MARKS = 4


def parse(body: Fields, headers: Mapping[str, str]) -> Parsed:
    new = headers.get("anthropic-version") == VERSION
    return _parse(body, new=new, max_tokens=body.integer("max_tokens", low=0))


def parse_count(body: Fields, headers: Mapping[str, str]) -> Parsed:
    """A call to count_tokens: the same request without `max_tokens`."""
    return _parse(body, new=headers.get("anthropic-version") == VERSION, max_tokens=1)


def _parse(body: Fields, *, new: bool, max_tokens: int) -> Parsed:
    marks: dict[Place, int] = {}
    model = body.text("model")
    tools = tuple(_tool(tool, i, marks) for i, tool in enumerate(body.children("tools")))
    system = _system(body, marks)
    messages = tuple(
        _message(m, i, marks, new=new) for i, m in enumerate(body.children("messages"))
    )
    _check_order(messages)
    _mark_last(body, messages, marks)
    if len(marks) > MAX_MARKS:
        raise Rejected(400, f"A maximum of {MAX_MARKS} blocks with cache_control may be provided.")
    request = Request(
        messages=messages,
        system="\n\n".join(system),
        cache_system=any(place[0] == "system" for place in marks),
        tools=tools,
        tool_choice=_tool_choice(body, tools),
        output=_output(body),
        max_tokens=max_tokens,
        temperature=_sampling(body, "temperature", 1, new=new),
        top_p=_sampling(body, "top_p", 1, new=new),
        top_k=_top_k(body, new=new),
        stop=body.texts("stop_sequences"),
    )
    choice = body.optional("tool_choice")
    return Parsed(
        model=model,
        parallel=not (choice and choice.flag("disable_parallel_tool_use")),
        request=request,
        stream=body.flag("stream"),
        system_blocks=system,
        marks=marks,
    )


def _sampling(body: Fields, name: str, high: float, *, new: bool) -> float | None:
    if new and name in body.value:
        body.fail(name, f"Extra inputs are not permitted (API version {VERSION})")
    return body.number(name, 0, high)


def _top_k(body: Fields, *, new: bool) -> int | None:
    top_k = _sampling(body, "top_k", 1e9, new=new)
    return None if top_k is None else int(top_k)


def _tool(tool: Fields, i: int, marks: dict[Place, int]) -> ToolSpec:
    if tool.text("type", "custom") != "custom":
        tool.fail("type", "the offline models have no server tools; define a custom tool")
    _mark(tool, ("tool", i, 0), marks)
    schema = tool.child("input_schema").value
    return ToolSpec(tool.text("name"), tool.text("description", ""), schema)


def _tool_choice(body: Fields, tools: tuple[ToolSpec, ...]) -> str:
    choice = body.optional("tool_choice")
    if choice is None:
        return "auto"
    kind = choice.text("type")
    if kind == "tool":
        name = choice.text("name")
        return (
            name if name in {tool.name for tool in tools} else choice.fail("name", "no such tool")
        )
    known = {"auto": "auto", "none": "none", "any": "required"}
    return known[kind] if kind in known else choice.fail("type", "must be auto, any, tool or none")


def _output(body: Fields) -> OutputSchema | None:
    config = body.optional("output_config")
    shape = config.optional("format") if config else None
    if shape is None:
        return None
    if shape.text("type") != "json_schema":
        shape.fail("type", "must be json_schema")
    return OutputSchema("output", shape.child("schema").value)


def _system(body: Fields, marks: dict[Place, int]) -> tuple[str, ...]:
    if isinstance(body.value.get("system"), str):
        return (body.value["system"],)
    blocks = body.children("system")
    for i, block in enumerate(blocks):
        _mark(block, ("system", i, 0), marks)
    return tuple(block.text("text") for block in blocks)


def _message(message: Fields, i: int, marks: dict[Place, int], *, new: bool) -> Message:
    role = message.text("role")
    if role not in ("user", "assistant"):
        message.fail("role", "must be user or assistant")
    checked: Role = "user" if role == "user" else "assistant"
    if isinstance(message.value.get("content"), str):
        return Message(checked, (Text(_not_blank(message, "content")),))
    if not message.value.get("content"):
        message.fail("content", "Field required, with at least one block")
    parts: list[Part] = []
    for block in message.children("content"):
        parts += _parts(block, role, new=new)
        _mark(block, ("part", i, len(parts) - 1), marks)
    return Message(checked, tuple(parts))


def _not_blank(block: Fields, name: str) -> str:
    text = block.text(name)
    return text if text else block.fail(name, "text content blocks must be non-empty")


def _parts(block: Fields, role: str, *, new: bool) -> list[Part]:
    kind = block.text("type")
    if kind == "text":
        if new and role == "user" and block.value.get("citations"):
            block.fail("citations", "not permitted on user text blocks")
        return [Text(_not_blank(block, "text"), block.has("cache_control"))]
    if kind == "tool_use" and role == "assistant":
        written = json.dumps(block.child("input").value, ensure_ascii=False)
        return [ToolCall(block.text("id"), block.text("name"), written)]
    if kind == "tool_result" and role == "user":
        return [ToolResult(block.text("tool_use_id"), _content(block), block.flag("is_error"))]
    if kind == "document" and (role == "user" or not new):
        return [Text(_document(block), block.has("cache_control"))]
    if kind in ("thinking", "redacted_thinking") and role == "assistant":
        return []
    return block.fail("type", f"{kind!r} is not accepted here; the offline models read text only")


def _content(block: Fields) -> str:
    value = block.value.get("content", "")
    if isinstance(value, str):
        return value
    return "\n".join(part.text("text") for part in block.children("content"))


def _document(block: Fields) -> str:
    source = block.child("source")
    if source.text("type") != "text":
        source.fail("type", "the offline models read plain-text documents only")
    return f'<document title="{block.text("title", "")}">\n{source.text("data")}\n</document>'


def _mark(block: Fields, place: Place, marks: dict[Place, int]) -> None:
    control = block.optional("cache_control")
    if control is None:
        return
    if control.text("type") != "ephemeral":
        control.fail("type", "must be ephemeral")
    ttl = control.text("ttl", "5m")
    marks[place] = TTL_S[ttl] if ttl in TTL_S else control.fail("ttl", "must be 5m or 1h")


def _mark_last(body: Fields, messages: tuple[Message, ...], marks: dict[Place, int]) -> None:
    """A mark on the request itself counts for its last block."""
    last = len(messages) - 1
    _mark(body, ("part", last, len(messages[last].parts) - 1), marks)


def _check_order(messages: tuple[Message, ...]) -> None:
    if not messages:
        raise Rejected(400, "messages: at least one message is required")
    if messages[0].role != "user":
        raise Rejected(400, "messages: first message must use the user role")
    if call := unanswered_call(messages):
        found = "`tool_use` ids were found without `tool_result` blocks immediately after"
        raise Rejected(400, f"messages: {found}: {call}")
    if result := stray_result(messages):
        raise Rejected(400, f"messages: unexpected `tool_use_id` in `tool_result` block: {result}")
