"""What a target returns for one case, and the one sentence that says what is wrong with it.

    {"answer": "…", "declined": false, "citations": [{"document": "a.md", "quote": "…"}],
     "retrieved": [{"document": "a.md", "text": "…"}], "model": "…", "cost_usd": 0.0004}

`retrieved` is best first. Only `answer` and `declined` must be there: what a target does not say,
a grader that needs it counts against it. `steps` is what an agent did:
`[{"tool": "search", "arguments": {…}, "error": null}]`. Left out: whether any of it is true.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")
Json = Mapping[str, Any]


class BadAnswer(Exception):
    """The target answered, but not in this form."""


@dataclass(frozen=True, slots=True)
class Citation:
    document: str
    quote: str


@dataclass(frozen=True, slots=True)
class Passage:
    document: str
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a tool. `error` is what it answered when it failed."""

    tool: str
    arguments: Json
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """`cost_usd` is None where the target does not know. `seconds` is the harness's own clock."""

    text: str
    declined: bool
    citations: tuple[Citation, ...] = ()
    retrieved: tuple[Passage, ...] = ()
    steps: tuple[Step, ...] = ()
    model: str = ""
    usage: Json = field(default_factory=dict)
    cost_usd: float | None = None
    seconds: float = 0.0


def read_answer(payload: Any, seconds: float = 0.0) -> Answer:
    """`BadAnswer` says what is missing or of the wrong kind."""
    if not isinstance(payload, Mapping):
        raise BadAnswer(f"an answer is a JSON object, not {_short(payload)}")
    if payload.get("error"):
        raise BadAnswer(f"the target reports an error: {_short(payload['error'])}")
    text, declined = payload.get("answer"), payload.get("declined")
    if not isinstance(text, str):
        raise BadAnswer(f"answer must be a text, not {_short(text)}")
    if not isinstance(declined, bool):
        raise BadAnswer(f"declined must be true or false, not {_short(declined)}")
    if not declined and not text.strip():
        raise BadAnswer("an empty answer, and declined is false")
    cost = payload.get("cost_usd")
    if isinstance(cost, bool) or not (cost is None or isinstance(cost, int | float)):
        raise BadAnswer(f"cost_usd must be a number, not {_short(cost)}")
    return Answer(
        text,
        declined,
        _each(
            payload, "citations", lambda one: Citation(_text(one, "document"), _text(one, "quote"))
        ),
        _each(
            payload, "retrieved", lambda one: Passage(_text(one, "document"), _text(one, "text"))
        ),
        _each(payload, "steps", _step),
        payload.get("model") or "",
        payload.get("usage") or {},
        cost,
        seconds,
    )


def _each(payload: Json, name: str, read: Callable[[Any], T]) -> tuple[T, ...]:
    rows = payload.get(name)
    if not rows:
        return ()
    if not isinstance(rows, list):
        raise BadAnswer(f"{name} must be a list, not {_short(rows)}")
    try:
        return tuple(map(read, rows))
    except (TypeError, KeyError, AttributeError):
        raise BadAnswer(f"{name} holds something of another form: {_short(rows[0])}") from None


def _step(one: Json) -> Step:
    return Step(_text(one, "tool"), one.get("arguments") or {}, one.get("error"))


def _text(one: Json, name: str) -> str:
    value = one[name]
    if not isinstance(value, str):
        raise TypeError(name)
    return value


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:97]}…"
