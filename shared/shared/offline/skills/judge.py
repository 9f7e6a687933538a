"""Judges whether a claim is supported by a passage, an answer equals a reference, or A beats B.

How support is found is in `support`; here a verdict becomes what the prompt's schema or words ask
for. Left out: style, and knowledge that is not in the prompt.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.messages import Request
from shared.offline.skills import documents, fields, support
from shared.offline.skills.claims import Case, case
from shared.offline.skills.fields import Field, Schema
from shared.offline.skills.mind import Mind
from shared.offline.words import coverage, name_terms, terms

VERSION = "3"  # of the judgement itself: raised whenever a verdict may change
_BAD = re.compile(
    r"unsupport|not|\bno\b|false|fail|contradict|incorrect|unfaith|hallucinat|wrong|bad|ungrounded"
    r"|refut|unsafe|irrelevant|poor",
    re.I,
)
_MIDDLE = re.compile(
    r"part|mixed|unclear|neutral|tie|equal|some|medium|borderline|insufficient|not enough"
    r"|not_enough|unknown|maybe|neither",
    re.I,
)
_ASKED = re.compile(
    r"\b(?:support|faithful|grounded|grade|score|judg|rate\b|rating|evaluat|verdict|correct|better)",
    re.I,
)
_SCALE = re.compile(r"(?P<low>\d+)\s*(?:-|\u2013|to|and|through)\s*(?P<high>\d+)")
_SUPPORTED, _PARTLY = support.SUPPORTED, 0.4


@dataclass(frozen=True, slots=True)
class Verdict:
    """`support` is 0 to 1; `clash` says that passage and claim contradict each other."""

    support: float
    clash: bool
    why: str


def fits(request: Request, schema: Schema) -> bool:
    """True when the schema wants a grade and the prompt has a claim and what to hold it against."""
    resolved, _ = fields.resolve(schema, schema)
    inner = fields.children(Field((), resolved, False), schema) or [Field((), resolved, False)]
    plain = all(one.kind not in ("object", "array") for one in inner)
    return plain and any(map(_is_grade, inner)) and case(request) is not None


def asked(request: Request) -> bool:
    """The same for a prompt without a schema, which must then ask for a judgement in words."""
    return bool(_ASKED.search(documents.instructions(request))) and case(request) is not None


def _is_grade(one: Field) -> bool:
    if one.kind != "enum":
        return one.kind in ("boolean", "integer", "number")
    options = [str(o) for o in one.schema.get("enum", ())]
    signs = any(_BAD.search(o) or _MIDDLE.search(o) for o in options)
    return signs or all(o.isdigit() for o in options) or {"a", "b"} <= {o.lower() for o in options}


def judge(one: Case, mind: Mind) -> Verdict:
    if one.against:
        ground = f"{one.grounds}\n{one.question}"
        first, second = (_supported(a, ground, mind) for a in one.against)
        return Verdict(0.5 + (first.support - second.support) / 2, False, "Compared word for word.")
    if not one.grounds:
        share = coverage(terms(one.question), terms(one.claim))
        return Verdict(share, False, f"The answer takes up {share:.0%} of the question's words.")
    return _supported(one.claim, one.grounds, mind, one.question)


def _supported(claim: str, grounds: str, mind: Mind, question: str = "") -> Verdict:
    """The weakest statement counts three times as much as the mean of all."""
    found = support.findings(claim, grounds, mind, question)
    if not found:
        return Verdict(0.0, False, "There is no statement to check.")
    weakest = min(found, key=lambda one: one.support)
    mean = sum(one.support for one in found) / len(found)
    said = "supported" if weakest.support >= _SUPPORTED else "weakly supported or not supported"
    return Verdict(
        0.75 * weakest.support + 0.25 * mean,
        any(one.clash for one in found),
        f'Least supported ({said}): "{weakest.clause[:160]}"',
    )


def reply(request: Request, schema: Schema, mind: Mind) -> str:
    """The verdict in the terms of the schema."""
    one = case(request)
    verdict = judge(one, mind) if one else Verdict(0.0, False, "")
    resolved, nullable = fields.resolve(schema, schema)
    top = Field((), resolved, nullable)
    rules = documents.instructions(request)
    if top.kind != "object":
        return fields.as_json(_graded(top, verdict, rules, schema))
    inner = fields.children(top, schema)
    made: Mapping[str, Any] = {f.name: _graded(f, verdict, rules, schema) for f in inner}
    return fields.as_json(made)


def said(request: Request, mind: Mind) -> str:
    """The verdict in plain text, as a bare number or word where the prompt asks for one."""
    one, rules = case(request), documents.instructions(request)
    verdict = judge(one, mind) if one else Verdict(0.0, False, "")
    if one and one.against:
        return "A" if verdict.support >= 0.5 else "B"
    scale = _scale(rules)
    if scale:
        return f"{_scaled(verdict.support, *scale)}"
    word = "yes" if verdict.support >= _SUPPORTED else "no"
    return word if re.search(r"\byes\b.{0,10}\bno\b", rules, re.I) else f"{word}. {verdict.why}"


def _graded(one: Field, verdict: Verdict, rules: str, root: Schema) -> Any:
    if one.kind == "boolean":
        return (verdict.support >= _SUPPORTED) != bool(_BAD.search(one.name))
    if one.kind == "enum":
        return _option(one, verdict)
    if one.kind in ("integer", "number"):
        low, high = _limits(one, rules)
        sure = "confid" in name_terms(one.name)[0] if name_terms(one.name) else False
        level = max(verdict.support, 1 - verdict.support) if sure else verdict.support
        worth = _scaled(level, low, high) if one.kind == "integer" else low + level * (high - low)
        worth = round(worth, 2)
        return worth if fields.allowed(worth, one.schema) else fields.blank(one, root)
    if one.kind == "text" and fields.allowed(verdict.why, one.schema):
        return verdict.why
    return fields.blank(one, root)


def _limits(one: Field, rules: str) -> tuple[float, float]:
    low = one.schema.get("minimum", one.schema.get("exclusiveMinimum"))
    high = one.schema.get("maximum", one.schema.get("exclusiveMaximum"))
    if low is not None and high is not None:
        return low, high
    return _scale(one.description) or _scale(rules) or ((1, 5) if one.kind == "integer" else (0, 1))


def _scale(text: str) -> tuple[int, int] | None:
    found = [(int(m["low"]), int(m["high"])) for m in _SCALE.finditer(text)]
    return next(((low, high) for low, high in found if low in (0, 1) and 1 <= high <= 100), None)


def _scaled(support: float, low: float, high: float) -> int:
    return round(low + support * (high - low))


def _option(one: Field, verdict: Verdict) -> Any:
    """Options are sorted into good, middle and bad by their words, numbers by their size."""
    options = [o for o in one.schema.get("enum") or [one.schema.get("const")] if o is not None]
    if all(isinstance(o, int | float) or str(o).isdigit() for o in options):
        ordered = sorted(options, key=float)
        return ordered[min(len(ordered) - 1, int(verdict.support * len(ordered)))]
    rival = {str(o).lower().removeprefix("answer").strip(" _"): o for o in options}
    if {"a", "b"} <= set(rival):
        tie = next((o for o in options if _MIDDLE.search(str(o))), None)
        near = abs(verdict.support - 0.5) < 0.03
        return tie if near and tie is not None else rival["a" if verdict.support >= 0.5 else "b"]
    middle = [o for o in options if _MIDDLE.search(str(o))]
    bad = [o for o in options if _BAD.search(str(o)) and o not in middle]
    good = [o for o in options if o not in bad and o not in middle]
    if verdict.support >= _SUPPORTED:
        return (good or middle or bad)[0]
    three_way = any(re.search(r"contradict|refut", str(o), re.I) for o in bad)
    undecided = not verdict.clash if three_way else verdict.support >= _PARTLY
    return (middle or bad or good)[0] if undecided else (bad or middle or good)[0]
