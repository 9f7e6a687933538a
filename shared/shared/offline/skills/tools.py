"""Chooses tools and fills their arguments; says when a value is missing or a tool failed.

Matches the wish against tool names, descriptions, parameters and enums, one part of a sentence at a
time, so that several calls can be made in one turn. Tool results are data: they give missing values
and the final answer, never new wishes. Left out: plans of more than one step back, loops over a
list of results, and judging whether a result makes sense.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.messages import Request, ToolCall, ToolResult, ToolSpec
from shared.offline.answer import Answer
from shared.offline.skills import arguments, documents, fields, fill, results, values
from shared.offline.skills.mind import Mind
from shared.offline.words import coverage, name_terms, rarity, terms

# Share of a wish's rarity-weighted words that a tool must know. MiniLM's cosine of a wish and a
# fitting tool was 0.23 to 0.36 and up to 0.21 for small talk: it counts 1.3 times (own examples).
_FITS = 0.34
_MOST_CALLS = 12  # in one turn of the user
_FORM_LINES = 2  # a forced tool with so long a text is a form to fill, not a wish
_EDGE = 2_000  # characters: of a longer wish only the start and the end are read
_SPLIT = re.compile(
    r"(?<=[.?!;])\s+|;\s*|,?\s+(?:and then|and also|as well as|then|and|plus|also)\s+|,\s+", re.I
)
_LIBRARY = frozenset(
    terms("documents docs knowledge web internet articles faq manual help wiki passages policies")
)


@dataclass(frozen=True, slots=True)
class Plan:
    """A tool for one part of the wish; `missing` are required arguments that nothing gave."""

    tool: ToolSpec
    given: dict[str, Any]
    missing: list[str]
    score: float


@dataclass(frozen=True, slots=True)
class Scene:
    """What is asked now, what was called for it, and what came back."""

    request: Request
    mind: Mind
    wish: str
    calls: list[ToolCall]
    outcomes: dict[str, ToolResult]
    earlier: set[tuple[str, str]]

    @property
    def known(self) -> dict[str, Any]:
        return results.values(
            [(c, self.outcomes[c.id]) for c in self.calls if c.id in self.outcomes]
        )

    def repeats(self, plan: Plan) -> bool:
        return _key(plan.tool.name, plan.given) in self.earlier

    def failed(self, plan: Plan) -> bool:
        mine = (c for c in self.calls if c.name == plan.tool.name and c.id in self.outcomes)
        return any(self.outcomes[call.id].is_error for call in mine)


def act(request: Request, mind: Mind) -> Answer | None:
    """Calls, or the answer made of their results; None when no tool has to do with the wish."""
    scene = _scene(request, mind)
    if request.tool_choice not in ("auto", "none"):
        forced = _forced(scene)
        if forced:
            return forced
    plans = (
        _plans(scene) if request.tool_choice != "none" and len(scene.calls) < _MOST_CALLS else []
    )
    ready = [p for p in plans if not p.missing and not scene.repeats(p) and not scene.failed(p)]
    if ready:
        return Answer(tool_calls=_calls(scene, ready))
    if scene.calls:
        said = [(c, scene.outcomes[c.id]) for c in scene.calls if c.id in scene.outcomes]
        return None if request.output else Answer(results.told(scene.wish, said, request, mind))
    if plans and not request.output:
        return Answer(_asks_for(plans[0]))
    return None


def _scene(request: Request, mind: Mind) -> Scene:
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
    earlier = {_key(call.name, _loaded(call)) for call in every}
    return Scene(request, mind, wish, now, outcomes, earlier)


def _plans(scene: Scene) -> list[Plan]:
    """One plan for each part of the wish if the parts stand alone, else one for the whole."""
    whole = _plan(scene, scene.wish)
    parts = [part.strip() for part in _SPLIT.split(scene.wish) if part and terms(part)]
    found: list[Plan] = []
    for part in parts if len(parts) > 1 else []:
        plan = _plan(scene, part)
        if plan is None and found:
            before = found[-1].tool
            given, missing = arguments.filled(before.parameters, f"for {part}", {}, _text(before))
            if given and not missing and given != found[-1].given:
                plan = Plan(found[-1].tool, given, [], found[-1].score)
        if plan:
            found.append(plan)
    distinct = {_key(plan.tool.name, plan.given): plan for plan in found}
    apart = list(distinct.values())
    if len(apart) > 1 and all(not plan.missing for plan in apart):
        return apart
    single = whole or (apart[0] if apart else None)
    return [_first_step(scene, single)] if single else []


def _plan(scene: Scene, part: str) -> Plan | None:
    """The best tool for `part` that has not failed, with what could be filled in."""
    ranked = _ranked(scene, part)
    fitting = [plan for plan in ranked if plan.score >= _FITS]
    working = [plan for plan in fitting if not scene.failed(plan)]
    if fitting:
        return (working or fitting)[0]
    return next((p for p in ranked if _library(p.tool) and len(terms(part)) > 1), None)


def _ranked(scene: Scene, part: str) -> list[Plan]:
    tools = scene.request.tools
    texts = [_text(tool) for tool in tools]
    weigh = rarity(texts)
    bare = values.URL.sub(" ", values.EMAIL.sub(" ", part))
    wanted = [t for t in terms(bare) if not any(map(str.isdigit, t))]
    close = [0.0] * len(tools)
    if scene.mind.large and scene.mind.embedder and tools:
        lines = [f"{' '.join(name_terms(t.name))}: {t.description}" for t in tools]
        close = scene.mind.closeness(part, lines)
    plans = []
    for tool, text, cosine in zip(tools, texts, close, strict=True):
        given, missing = arguments.filled(tool.parameters, part, scene.known, text)
        named = [w for v in given.values() if isinstance(v, str) for w in terms(v)]
        asked = [t for t in wanted if t in text or t not in named] or wanted
        score = coverage(asked, text, weigh) + 0.2 * coverage(asked, name_terms(tool.name))
        score = max(score, 0.5 * score + 1.3 * cosine)
        score += 0.4 * ("expression" in given or "formula" in given)
        score += 0.1 * any(not isinstance(value, str) for value in given.values())
        score -= 0.15 * len(missing)
        plans.append(Plan(tool, given, missing, score))
    return sorted(plans, key=lambda plan: -plan.score)


def _first_step(scene: Scene, plan: Plan) -> Plan:
    """The plan itself, or a tool that may give what it misses."""
    if not plan.missing:
        return plan
    for lacking in plan.missing:
        about = set(name_terms(lacking)) - {"identifi", "nam", "numb", "cod"}
        for other in _ranked(scene, scene.wish):
            gives = about & set(_text(other.tool)) and other.tool.name != plan.tool.name
            if gives and not other.missing and not scene.repeats(other):
                return other
    return plan


def _forced(scene: Scene) -> Answer | None:
    """A call that the program insists on; what nothing gave is left as blank as allowed."""
    choice = scene.request.tool_choice
    plans = [p for p in _ranked(scene, scene.wish) if choice in ("required", p.tool.name)]
    if choice == "required":
        parts = [plan for plan in _plans(scene) if not plan.missing and not scene.repeats(plan)]
        if parts:
            return Answer(tool_calls=_calls(scene, parts))
    for plan in plans:
        root = plan.tool.parameters
        schema, _ = fields.resolve(root, root)
        empty = fields.blank(fields.Field((), schema, False), root)
        form = choice == plan.tool.name and scene.wish.count("\n") >= _FORM_LINES
        given = fill.fill(scene.request, root, scene.mind) if form else {**empty, **plan.given}
        full = Plan(plan.tool, given, [], plan.score)
        if not scene.repeats(full):
            return Answer(tool_calls=_calls(scene, [full]))
    return None


def _calls(scene: Scene, plans: Sequence[Plan]) -> tuple[ToolCall, ...]:
    unique = {_key(plan.tool.name, plan.given): plan for plan in plans}
    turn = len(scene.request.messages)
    return tuple(
        ToolCall(_id(turn, at, key), plan.tool.name, fields.as_json(plan.given))
        for at, (key, plan) in enumerate(unique.items())
    )


def _asks_for(plan: Plan) -> str:
    names = " and ".join(f"`{name}`" for name in plan.missing)
    return f"To use {plan.tool.name} I need {names}, which I did not find in what you wrote."


def _text(tool: ToolSpec) -> list[str]:
    schema, _ = fields.resolve(tool.parameters, tool.parameters)
    words = [*name_terms(tool.name), *terms(tool.description)]
    for param in fields.children(fields.Field((), schema, False), tool.parameters):
        words += [*name_terms(param.name), *terms(param.description)]
        words += [w for option in param.schema.get("enum", ()) for w in name_terms(str(option))]
    return words


def _library(tool: ToolSpec) -> bool:
    """A tool that looks things up in texts of any kind may be tried for any question."""
    return bool(_LIBRARY & {*name_terms(tool.name), *terms(tool.description)})


def _loaded(call: ToolCall) -> Any:
    try:
        return json.loads(call.json or "{}")
    except ValueError:
        return call.json


def _key(name: str, given: Any) -> tuple[str, str]:
    return name, json.dumps(given, sort_keys=True, default=str)


def _id(turn: int, at: int, key: tuple[str, str]) -> str:
    return "call_" + hashlib.sha256(repr((turn, at, key)).encode()).hexdigest()[:20]
