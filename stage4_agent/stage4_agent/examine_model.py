"""The examiner as the model: it calls the tools that a check wants called, then answers.

It sees a request as any model does. The number in the task says which case it is, and the turns of
calls in the conversation how far it has come; so a repeated or an extra call does no harm.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from shared.messages import Request, ToolCall, ToolResult
from shared.offline.answer import Answer
from shared.offline.skills.mind import Size

if TYPE_CHECKING:
    from shared.embeddings import Embedder
    from stage4_agent.examine_desk import Case

NUMBER = re.compile(r"\bcase (\d{9})\b")
Wanted = tuple[str, Any]  # a tool's name, and its arguments or their text
# From the number of turns of calls so far to the next one; an empty turn is the answer.
Turns = Callable[[int], list[Wanted]]
LONGEST = 300


def after(*turns: list[Wanted]) -> Turns:
    """These turns, then the answer."""
    return lambda so_far: turns[so_far] if so_far < len(turns) else []


class ExaminersModel:
    """Safe in several threads."""

    def __init__(self, cases: Mapping[str, Case]) -> None:
        self._cases = cases
        self._lock = threading.Lock()

    def __call__(self, request: Request, size: Size, embedder: Embedder | None) -> Answer:
        found = NUMBER.search(_said(request))
        case = self._cases.get(found[1]) if found else None
        if case is None:
            return Answer("This is the examiner's model; it knows the examiner's tasks alone.")
        with self._lock:
            case.requests.append(request)
        so_far = sum(
            any(isinstance(part, ToolCall) for part in message.parts)
            for message in request.messages
        )
        wanted = case.turns(so_far) if request.tools and request.tool_choice != "none" else []
        calls = tuple(
            ToolCall(
                call_id(so_far, place), name, given if isinstance(given, str) else _json(given)
            )
            for place, (name, given) in enumerate(wanted)
        )
        return Answer(tool_calls=calls) if calls else Answer(_answer(case.number, request))


def call_id(turn: int, place: int = 0) -> str:
    return f"call_{turn}_{place}"


def results(request: Request) -> dict[str, str]:
    """What the program told the model about each of its calls."""
    return {
        part.call_id: part.content
        for message in request.messages
        for part in message.parts
        if isinstance(part, ToolResult)
    }


def _answer(number: str, request: Request) -> str:
    found = "; ".join(text[:LONGEST] for text in results(request).values())
    return f"Answer to case {number}: {found or 'there are no results'}"


def _said(request: Request) -> str:
    return "\n".join([request.system, *(message.text for message in request.messages)])


def _json(given: Any) -> str:
    return json.dumps(given, ensure_ascii=False)
