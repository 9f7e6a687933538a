"""What a tool result holds: data, records, texts, however a program wrapped them."""

from __future__ import annotations

import json
import re
from typing import Any

from shared.messages import ToolCall, ToolResult
from shared.offline.skills import documents
from shared.offline.skills.documents import Document

Outcome = tuple[ToolCall, ToolResult]
_PROSE = ("text", "content", "body", "snippet", "description", "summary", "passage", "excerpt")
_NAMES = ("url", "id", "source", "title", "name")
_FENCE = re.compile(r"^\s*<(\w+)[^>\n]*>\n(?P<inside>.*?)\n?</\1>\s*", re.S)
_AGAIN = re.compile(r"^[^\n{\[<]{1,120}:\n(?=[{\[<])")


def unfenced(content: str) -> str:
    """A result without the tags or the remark that a program put around it."""
    content = _AGAIN.sub("", content)
    match = _FENCE.match(content)
    return match["inside"] if match else content


def texts(outcome: Outcome) -> list[Document]:
    """The texts that a result holds: documents, prose, or JSON with prose in it."""
    call, result = outcome
    data = parsed(result.content)
    if isinstance(data, str):
        inside = unfenced(result.content)
        given, _ = documents.split(inside)
        return given or ([Document(call.name, inside)] if len(inside.split()) > 3 else [])
    return list(_documents(data))


def _documents(data: Any) -> list[Document]:
    if isinstance(data, list):
        return [document for one in data for document in _documents(one)]
    if not isinstance(data, dict):
        return []
    text = next((data[k] for k in _PROSE if isinstance(data.get(k), str)), "")
    name = next((str(data[k]) for k in _NAMES if isinstance(data.get(k), str | int)), "")
    if len(text.split()) > 8 and name:
        return [Document(name, text, str(data.get("title", "")))]
    return [document for one in data.values() for document in _documents(one)]


def flat_of(data: Any, before: str = "", *, lists: bool = False) -> dict[str, Any]:
    if not isinstance(data, dict):
        return {}
    found: dict[str, Any] = {}
    for name, value in data.items():
        if isinstance(value, dict):
            found |= flat_of(value, f"{before}{name}.", lists=lists)
        elif isinstance(value, list) and value and isinstance(value[0], dict) and not lists:
            found |= flat_of(value[0], f"{before}{name}.")
        elif not isinstance(value, list) or lists:
            found[f"{before}{name}"] = value
    return {name: value for name, value in found.items() if value is not None}


def parsed(content: str) -> Any:
    """JSON as data, a table of columns and rows as records; other text as it is."""
    text = unfenced(content).strip()
    try:
        data, end = json.JSONDecoder().raw_decode(text)
    except ValueError:
        return content
    if text[end:].strip() and not text[end:].lstrip().startswith("[cut"):
        return content
    if isinstance(data, dict) and isinstance(data.get("rows"), list):
        columns = data.get("columns")
        if isinstance(columns, list) and all(isinstance(row, list) for row in data["rows"]):
            return [dict(zip(map(str, columns), row, strict=False)) for row in data["rows"]]
    return data


def is_empty(data: Any) -> bool:
    if isinstance(data, str):
        return not data.strip()
    if isinstance(data, dict):
        return all(is_empty(v) for v in data.values() if not isinstance(v, bool))
    if isinstance(data, list):
        return all(map(is_empty, data))
    return data is None


def as_number(value: Any) -> str:
    if isinstance(value, bool):
        return ""
    text = str(value).replace(",", "").strip()
    return text if re.fullmatch(r"-?\d+(?:\.\d+)?", text) else ""
