"""What a tool-using model sees: what is asked now, what was called for it, and what came back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from shared.messages import Request, ToolCall, ToolResult, ToolSpec
from shared.offline.skills import documents, result_data, results, schema_text
from shared.offline.skills.mind import Mind

_EDGE = 2_000  # characters: of a longer wish only the start and the end are read


@dataclass(frozen=True, slots=True)
class Plan:
    """A tool for one part of the wish; `missing` are required arguments that nothing gave."""

    tool: ToolSpec
    given: dict[str, Any]
    missing: list[str]
    score: float

    @property
    def key(self) -> tuple[str, str]:
        return key(self.tool.name, self.given)


@dataclass(frozen=True)
class Scene:
    request: Request
    mind: Mind
    wish: str
    calls: list[ToolCall]
    outcomes: dict[str, ToolResult]
    earlier: set[tuple[str, str]]
    helped: dict[tuple[str, str], bool] = field(default_factory=dict)

    @cached_property
    def known(self) -> dict[str, Any]:
        done = [(c, self.outcomes[c.id]) for c in self.calls if c.id in self.outcomes]
        return results.values(done)

    @cached_property
    def tables(self) -> list[schema_text.Table]:
        """The tables that results, prompt or tools describe; the first source that does."""
        good = [r.content for r in self.outcomes.values() if not r.is_error]
        told = [self.request.system, *(tool.description for tool in self.request.tools), self.wish]
        for text in (*reversed(good), *told):
            found = schema_text.tables(result_data.unfenced(text))
            if found and ("CREATE TABLE" in text.upper() or len(found) > 1 or text in good):
                return found
        return []

    def repeats(self, plan: Plan) -> bool:
        return plan.key in self.earlier

    def failed(self, plan: Plan) -> bool:
        mine = (c for c in self.calls if c.name == plan.tool.name and c.id in self.outcomes)
        return any(self.outcomes[call.id].is_error for call in mine)

    def outcome(self, plan: Plan) -> tuple[ToolCall, ToolResult] | None:
        """What this very call has given, if it was made."""
        for call in self.calls:
            if call.id in self.outcomes and key(call.name, loaded(call)) == plan.key:
                return call, self.outcomes[call.id]
        return None

    def helps(self, plan: Plan, wish: str) -> bool:
        """False when this call was made for `wish` and its result does not answer it."""
        done = self.outcome(plan)
        if done is None:
            return True
        asked = (wish, json.dumps(plan.given, sort_keys=True, default=str))
        if asked not in self.helped:
            self.helped[asked] = results.answers(wish, done, self.mind)
        return self.helped[asked]


def read(request: Request, mind: Mind) -> Scene:
    asked = [
        at
        for at, m in enumerate(request.messages)
        if m.role == "user"
        and m.text.strip()
        and not any(isinstance(p, ToolResult) for p in m.parts)
    ]
    start = asked[-1] if asked else 0
    said = documents.split(request.messages[start].text)[1].strip() if request.messages else ""
    wish = said if len(said) <= 2 * _EDGE else f"{said[:_EDGE]}\n{said[-_EDGE:]}"
    every = [p for m in request.messages for p in m.parts if isinstance(p, ToolCall)]
    now = [p for m in request.messages[start:] for p in m.parts if isinstance(p, ToolCall)]
    outcomes = {result.call_id: result for result in documents.results(request)}
    earlier = {key(call.name, loaded(call)) for call in every}
    return Scene(request, mind, wish, now, outcomes, earlier)


def key(name: str, given: Any) -> tuple[str, str]:
    return name, json.dumps(given, sort_keys=True, default=str)


def loaded(call: ToolCall) -> Any:
    try:
        return json.loads(call.json or "{}")
    except ValueError:
        return call.json
