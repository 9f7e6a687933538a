"""How a fault changes a healthy answer; the faults themselves are described in `faults`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from shared.messages import Request, ToolCall
from shared.offline.answer import Answer
from shared.offline.faults import Faults
from shared.offline.fields import Fields

Change = Callable[[Answer, Request, Mapping[str, Any]], Answer]


def scripted(faults: Faults) -> Answer | None:
    """The answer that a `reply` dictates, if there is one."""
    if "reply" not in faults:
        return None
    fields = Fields(faults["reply"], "reply")
    calls = []
    for i, call in enumerate(fields.children("tool_calls")):
        arguments = call.value.get("arguments", {})
        written = arguments if isinstance(arguments, str) else _json(arguments)
        calls.append(ToolCall(call.text("id", f"call_{i}"), call.text("name"), written))
    refusal = fields.text("text", "") if fields.value.get("stop") == "refusal" else ""
    return Answer("" if refusal else fields.text("text", ""), tuple(calls), refusal)


def spoil(answer: Answer, request: Request, faults: Faults) -> Answer:
    for kind, fields in faults.items():
        if kind in CHANGES:
            answer = CHANGES[kind](answer, request, fields)
    return answer


def change_usage(usage: dict[str, Any], faults: Faults) -> dict[str, Any] | None:
    """`usage` with the overrides of a `usage` or `reply` fault, in the words of the wire."""
    for kind, name in (("usage", "overrides"), ("reply", "usage")):
        if name in faults.get(kind, {}):
            overrides = faults[kind][name]
            if overrides is None:
                return None
            usage = _merge(usage, overrides)
    return usage


def _merge(old: dict[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(old)
    for name, value in new.items():
        before = out.get(name)
        both = isinstance(value, Mapping) and isinstance(before, dict)
        out[name] = _merge(before, value) if both and isinstance(before, dict) else value
    return out


def _refuse(answer: Answer, request: Request, fields: Mapping[str, Any]) -> Answer:
    return Answer(refusal=fields.get("message", "I can't help with that."))


def _break_json(answer: Answer, request: Request, fields: Mapping[str, Any]) -> Answer:
    """Stops in the middle; an answer of one word becomes an object that never closes."""
    if answer.tool_calls:
        first, *rest = answer.tool_calls
        broken = replace(first, json=_half(first.json))
        return replace(answer, tool_calls=(broken, *rest))
    return replace(answer, text=_half(answer.text))


def _half(text: str) -> str:
    half = text[: len(text) // 2].rstrip("}] ")
    return half if half.startswith(("{", "[")) else '{"broken": "' + half


def _drift(answer: Answer, request: Request, fields: Mapping[str, Any]) -> Answer:
    return replace(answer, text=_json(_drifted(_object(answer.text))))


def _drifted(value: dict[str, Any]) -> dict[str, Any]:
    """The first key gets another name, every other value another type."""
    first, *rest = value or {"value": None}
    return {f"{first}_v2": value.get(first)} | {name: _other_type(value[name]) for name in rest}


def _other_type(value: Any) -> Any:
    return [value] if isinstance(value, str | None) else str(value)


def _wrong_tool(answer: Answer, request: Request, fields: Mapping[str, Any]) -> Answer:
    first, *rest = answer.tool_calls or (_any_call(request),)
    wrong = replace(first, name=fields.get("name", f"{first.name}_v2"))
    return Answer(answer.text, (wrong, *rest))


def _wrong_arguments(answer: Answer, request: Request, fields: Mapping[str, Any]) -> Answer:
    first, *rest = answer.tool_calls or (_any_call(request),)
    wrong = fields.get("arguments") or _drifted(_object(first.json))
    return Answer(answer.text, (replace(first, json=_json(wrong)), *rest))


def _any_call(request: Request) -> ToolCall:
    name = request.tools[0].name if request.tools else "lookup"
    return ToolCall("call_wrong", name, "{}")


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = {"text": text}
    return value if isinstance(value, dict) else {"value": value}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


CHANGES: dict[str, Change] = {
    "refusal": _refuse,
    "invalid_json": _break_json,
    "schema_drift": _drift,
    "wrong_tool": _wrong_tool,
    "wrong_arguments": _wrong_arguments,
}
