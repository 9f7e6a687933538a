"""Turns tool results into values for the next call, and into the final answer.

Left out: adding up, comparing or sorting results; it tells what came back, no more.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from shared.messages import Request, ToolCall, ToolResult
from shared.offline.skills import answer, documents, wishes
from shared.offline.skills.documents import Document
from shared.offline.skills.mind import Mind
from shared.offline.words import name_terms, sentences, terms

Outcome = tuple[ToolCall, ToolResult]
_MOST_ITEMS, _MOST_FIELDS = 5, 12


def values(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Scalars of good JSON results by name; `id` of a tool about orders is also `order_id`."""
    known: dict[str, Any] = {}
    for call, result in outcomes:
        data = None if result.is_error else _parsed(result.content)
        first = data[0] if isinstance(data, list) and data else data
        for name, value in _flat(first).items():
            known[name.rsplit(".", 1)[-1]] = value
            known[name.replace(".", "_")] = value
            if name == "id":
                words = call.name.replace("-", "_").split("_")
                known |= {f"{word.removesuffix('s')}_id": value for word in words}
    return known


def told(wish: str, outcomes: Sequence[Outcome], request: Request, mind: Mind) -> str:
    """The final answer: each good result once, then what failed."""
    form = wishes.read(documents.instructions(request))
    good = [(call, result) for call, result in outcomes if not result.is_error]
    bad = [(call, result) for call, result in outcomes if result.is_error]
    pieces = _from_texts(wish, [o for o in good if _is_prose(o[1].content)], form, mind)
    for call, result in good:
        if not _is_prose(result.content):
            pieces.append(f"{call.name}: {_from_data(wish, _parsed(result.content))}.")
    for call, result in bad:
        pieces.append(f"{call.name} failed: {result.content.strip()[:300] or 'no reason given'}")
    return wishes.shaped(list(dict.fromkeys(pieces)), form, 20) or "The tools returned nothing."


def _from_texts(wish: str, texts: Sequence[Outcome], form: wishes.Wishes, mind: Mind) -> list[str]:
    if not texts:
        return []
    found: list[Document] = []
    for call, result in texts:
        given, _ = documents.split(result.content)
        found += given or [Document(call.name, result.content)]
    quotes = answer.quotes(wish, found, mind) if not mind.large or mind.embedder else []
    if quotes:
        return [f"{q.sentence} {form.cite.format(q.document.id)}" for q in quotes[:2]]
    if any(documents.split(result.content)[0] for _, result in texts):
        return [form.decline or answer.DECLINE]
    return [
        " ".join(sentences(result.content)[:3]) for _, result in texts if result.content.strip()
    ]


def _from_data(wish: str, data: Any) -> str:
    if isinstance(data, list):
        shown = "; ".join(_from_data(wish, one) for one in data[:_MOST_ITEMS])
        more = f"; and {len(data) - _MOST_ITEMS} more" if len(data) > _MOST_ITEMS else ""
        return (shown or "nothing found") + more
    if not isinstance(data, dict):
        return _plain(data)
    flat = _flat(data, lists=True)
    asked = set(terms(wish))
    wanted = {name: v for name, v in flat.items() if asked & set(name_terms(name))}
    chosen = flat if len(flat) <= 4 or not wanted else wanted
    return ", ".join(f"{n} {_plain(v)}" for n, v in list(chosen.items())[:_MOST_FIELDS])


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _flat(data: Any, before: str = "", *, lists: bool = False) -> dict[str, Any]:
    if not isinstance(data, dict):
        return {}
    found: dict[str, Any] = {}
    for name, value in data.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{before}{name}.", lists=lists)
        elif isinstance(value, list) and value and isinstance(value[0], dict) and not lists:
            found |= _flat(value[0], f"{before}{name}.")
        elif not isinstance(value, list) or lists:
            found[f"{before}{name}"] = value
    return {name: value for name, value in found.items() if value is not None}


def _parsed(content: str) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content


def _is_prose(content: str) -> bool:
    """Text, not JSON; a bare number or word is told as it is."""
    return isinstance(_parsed(content), str) and len(content.split()) > 3
