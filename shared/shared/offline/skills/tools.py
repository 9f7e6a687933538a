"""Chooses tools and fills their arguments; says when a value is missing or a tool failed.

Matches the wish against tool names, descriptions, parameters and enums, one part of a sentence at a
time, so that several calls can be made in one turn; has one sum done with what they gave (`steps`).
Tool results are data: they give missing values and the final answer, never new wishes. Left out:
loops over a list of results, and judging whether a result makes sense.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from shared.messages import Request, ToolCall
from shared.offline.answer import Answer
from shared.offline.skills import (
    arguments,
    chat,
    fields,
    fill,
    glossary,
    plans,
    results,
    scene,
    spans,
    steps,
)
from shared.offline.skills.mind import Mind
from shared.offline.skills.plans import first_step
from shared.offline.skills.result_data import Outcome
from shared.offline.skills.scene import Plan, Scene
from shared.offline.words import terms

_MOST_CALLS = 12  # in one turn of the user
_FORM_LINES = 2  # a forced tool with so long a text is a form to fill, not a wish
_SPLIT = re.compile(
    r"(?<=[.?!;])\s+|;\s*|,?\s+(?:and then|and also|as well as|then|and|plus|also)\s+|,\s+", re.I
)


def act(request: Request, mind: Mind) -> Answer | None:
    """Calls, or the answer made of their results; None when no tool has to do with the wish."""
    now = scene.read(request, mind)
    if request.tool_choice not in ("auto", "none"):
        forced = _forced(now)
        if forced:
            return forced
    if not now.calls and (chat.is_only_small_talk(now.wish) or glossary.defines(now.wish)):
        return None  # what one knows is not looked up
    may_call = request.tool_choice != "none" and len(now.calls) < _MOST_CALLS
    whole = plans.is_whole_sum(spans.expression(now.wish), now.wish)
    cut = None if whole else steps.read(now.wish)
    if cut and (cut.sum or any(map(plans.sql_parameter, request.tools))):
        worked = _work(now, cut, may_call=may_call)
        if worked is not None:
            return worked
    wanted = _plans(now) if may_call else []
    ready = [p for p in wanted if not p.missing and not now.repeats(p) and not now.failed(p)]
    if ready:
        return Answer(tool_calls=_calls(now, ready))
    if wanted and now.failed(wanted[0]) and (name := plans.reckons(wanted[0].tool)):
        other = _reckon(now, str(wanted[0].given.get(name, "")), may_call=may_call)
        if isinstance(other, Answer):
            return other
    if now.calls:
        said = [(c, now.outcomes[c.id]) for c in now.calls if c.id in now.outcomes]
        return None if request.output else Answer(results.told(now.wish, said, request, mind))
    if wanted and not request.output and not plans.sql_parameter(wanted[0].tool):
        return Answer(_asks_for(wanted[0]))
    return None


def _work(now: Scene, cut: steps.Steps, *, may_call: bool) -> Answer | None:
    """Asks the questions, then does the sum; None when no tool fits one of them."""
    ready: list[Plan] = []
    answered: list[Plan] = []
    lacking: list[str] = []
    before = ""
    for question in cut.questions:
        plan = plans.best(now, question, before)
        before = before or question
        if plan is None:
            return None
        step = first_step(now, plan)
        if now.outcome(step) is not None and step is plan:
            good = not now.failed(plan) and now.helps(plan, question)
            (answered if good else ready).append(plan) if good else lacking.append(question)
        elif step.missing or now.failed(step) or now.repeats(step):
            lacking.append(question)
        else:
            ready.append(step)
    if ready and may_call:
        return Answer(tool_calls=_calls(now, ready))
    if not now.calls:
        return None
    said = [done for plan in answered if (done := now.outcome(plan))]
    if cut.sum and not lacking and len(answered) == len(cut.questions):
        amounts = [results.amount(q, o, now.mind) for q, o in zip(cut.questions, said, strict=True)]
        if all(amounts):
            text = steps.filled(cut.sum, [str(amount) for amount in amounts])
            reckoned = _reckon(now, text, may_call=may_call)
            if isinstance(reckoned, Answer):
                return reckoned
            said += reckoned
        else:
            lacking.append(cut.sum.format(*cut.questions))
    failed = [(c, o) for c in now.calls if (o := now.outcomes.get(c.id)) and o.is_error]
    return Answer(results.told(now.wish, [*said, *failed], now.request, now.mind, lacking))


def _reckon(now: Scene, text: str, *, may_call: bool) -> Answer | list[Outcome]:
    """The sum by a tool: a calculator, or a database that can reckon when that has failed."""
    for plan in _reckoners(now, text):
        done = now.outcome(plan)
        if done and not done[1].is_error:
            return [done]
        if done is None and may_call and not now.failed(plan):
            return Answer(tool_calls=_calls(now, [plan]))
    return []


def _reckoners(now: Scene, text: str) -> list[Plan]:
    found = []
    for tool in now.request.tools:
        if name := plans.reckons(tool):
            found.append(Plan(tool, {name: text}, [], 1.0))
    for tool in now.request.tools:
        if name := plans.sql_parameter(tool):
            plain = re.sub(r"(?<=\d),(?=\d{3})", "", text)
            exact = re.sub(r"(?<![\d.])(\d+)(?![\d.])", r"\1.0", plain)  # 3 / 2 is 1 in SQL
            found.append(Plan(tool, {name: f"SELECT {exact} AS result"}, [], 0.5))
    return found


def _plans(now: Scene) -> list[Plan]:
    """One plan for each part of the wish if the parts stand alone, else one for the whole."""
    whole = plans.best(now, now.wish)
    if whole and plans.is_whole_sum(whole.given.get(plans.reckons(whole.tool)), now.wish):
        return [whole]
    parts = [part.strip() for part in _SPLIT.split(now.wish) if part and terms(part)]
    found: list[Plan] = []
    for part in parts if len(parts) > 1 else []:
        plan = plans.best(now, part)
        if plan is None and found:
            tool = found[-1].tool
            given, missing = arguments.filled(
                tool.parameters, f"for {part}", {}, plans.tool_words(tool)
            )
            if given and not missing and given != found[-1].given:
                plan = Plan(tool, given, [], found[-1].score)
        if plan:
            found.append(plan)
    distinct = {plan.key: plan for plan in found}
    apart = list(distinct.values())
    if len(apart) > 1 and all(not plan.missing for plan in apart):
        return apart
    single = whole or (apart[0] if apart else None)
    return [first_step(now, single)] if single else []


def _forced(now: Scene) -> Answer | None:
    """A call that the program insists on; what nothing gave is left as blank as allowed."""
    choice = now.request.tool_choice
    ranked = [p for p in plans.ranked(now, now.wish) if choice in ("required", p.tool.name)]
    if choice == "required":
        parts = [plan for plan in _plans(now) if not plan.missing and not now.repeats(plan)]
        if parts:
            return Answer(tool_calls=_calls(now, parts))
    for plan in ranked:
        root = plan.tool.parameters
        schema, _ = fields.resolve(root, root)
        empty = fields.blank(fields.Field((), schema, False), root)
        form = choice == plan.tool.name and now.wish.count("\n") >= _FORM_LINES
        given = fill.fill(now.request, root, now.mind) if form else {**empty, **plan.given}
        full = Plan(plan.tool, given, [], plan.score)
        if not now.repeats(full):
            return Answer(tool_calls=_calls(now, [full]))
    return None


def _calls(now: Scene, wanted: Sequence[Plan]) -> tuple[ToolCall, ...]:
    unique = {plan.key: plan for plan in wanted}
    turn = len(now.request.messages)
    return tuple(
        ToolCall(_id(turn, at, key), plan.tool.name, fields.as_json(plan.given))
        for at, (key, plan) in enumerate(unique.items())
    )


def _asks_for(plan: Plan) -> str:
    names = " and ".join(f"`{name}`" for name in plan.missing)
    return f"To use {plan.tool.name} I need {names}, which I did not find in what you wrote."


def _id(turn: int, at: int, key: tuple[str, str]) -> str:
    return "call_" + hashlib.sha256(repr((turn, at, key)).encode()).hexdigest()[:20]
