"""Which tool to call for one question, with which arguments, and which one when that did not help.

Tools are ranked by their words and meaning. A tool that takes SQL is as good as the statement that
can be written for the question; without the tables, whatever tells them comes first. Left out:
plans over several questions (`tools`, `steps`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from shared.messages import ToolSpec
from shared.offline.skills import arguments, fields, result_data, spans, sql_write, values
from shared.offline.skills.scene import Plan, Scene
from shared.offline.words import coverage, name_terms, rarity, stem, terms

# Share of a wish's rarity-weighted words that a tool must know. MiniLM's cosine of a wish and a
# fitting tool was 0.23 to 0.36 and up to 0.21 for small talk: it counts 1.3 times (own examples).
FITS = 0.34
_ANSWERABLE = 0.6  # for a tool whose SQL statement could be written
_LOOK, _NAMED = 0.45, 0.15  # for a database whose description has words of the question
_ADDED = 0.5  # where rows have to be counted, added or compared, which no page does
_ADDS = re.compile(
    r"\b(?:average|mean|total|sum|number of|how many|most|least|highest|lowest|largest|smallest|"
    r"cheapest|count|percentage of)\b", re.I,
)  # fmt: skip
_LIBRARY = frozenset(
    terms("documents docs knowledge web internet articles faq manual help wiki passages policies")
)
_SCHEMA = frozenset(terms("schema tables columns"))
_ASKS = re.compile(
    r"\?|\b(?:how|what|which|who|when|where|whose|list|show|find|count|number of|total|average)\b",
    re.I,
)


def best(scene: Scene, part: str, before: str = "") -> Plan | None:
    """The plan that has answered `part`, else the first one that has not failed to."""
    found = list(candidates(scene, part, before))
    settled = next((p for p in found if settles(scene, p, part)), None)
    if settled:
        return settled
    good = (p for p in found if not scene.failed(p) and scene.helps(p, part))
    return next(good, found[0] if found else None)


def settles(scene: Scene, plan: Plan, part: str) -> bool:
    """Whether the result of this call says what `part` asks, so that nothing more is needed.

    Other data may only be a step on the way: a customer's number, for one who wants its orders.
    """
    done = scene.outcome(plan)
    if done is None or not scene.helps(plan, part):
        return False
    return bool(sql_parameter(plan.tool) or reckons(plan.tool) or result_data.texts(done))


def candidates(scene: Scene, part: str, before: str = "") -> Iterator[Plan]:
    """Tools worth a try, likeliest first: those that fit, then libraries and databases."""
    found = ranked(scene, part, before)
    fitting = [plan for plan in found if plan.score >= FITS]
    if not _ASKS.search(part):  # an order is for one tool; a question may be tried elsewhere
        yield from fitting[:1]
        return
    yield from fitting
    if len(terms(part)) < 2:
        return
    rest = [plan for plan in found if plan.score < FITS]
    yield from (plan for plan in rest if library(plan.tool) and not plan.missing)
    if _ASKS.search(part):
        yield from (p for p in rest if sql_parameter(p.tool) and not scene.tables)


def ranked(scene: Scene, part: str, before: str = "") -> list[Plan]:
    tools = scene.request.tools
    texts = [tool_words(tool) for tool in tools]
    weigh = rarity(texts)
    bare = values.URL.sub(" ", values.EMAIL.sub(" ", part))
    wanted = [t for t in terms(bare) if not any(map(str.isdigit, t))]
    close = [0.0] * len(tools)
    if scene.mind.large and scene.mind.embedder and tools:
        lines = [f"{' '.join(name_terms(t.name))}: {t.description}" for t in tools]
        close = scene.mind.closeness(part, lines)
    plans = []
    for tool, text, cosine in zip(tools, texts, close, strict=True):
        given, missing = _arguments(scene, tool, part, text, before)
        named = [w for v in given.values() if isinstance(v, str) for w in terms(v)]
        asked = [t for t in wanted if t in text or t not in named] or wanted
        score = coverage(asked, text, weigh) + 0.2 * coverage(asked, name_terms(tool.name))
        score = max(score, 0.5 * score + 1.3 * cosine)
        score += 0.4 * ("expression" in given or "formula" in given)
        score += 0.4 * is_whole_sum(given.get(reckons(tool)), part)
        score += 0.1 * any(not isinstance(value, str) for value in given.values())
        score -= 0.15 * len(missing)
        if sql_parameter(tool):
            about = coverage(asked, text, weigh) > _NAMED and bool(_ASKS.search(part))
            bonus = _LOOK * about + _ADDED * bool(_ADDS.search(part))
            score = score + bonus if not scene.tables else 0.0 if missing else score + _ANSWERABLE
        plans.append(Plan(tool, given, missing, score))
    return sorted(plans, key=lambda plan: -plan.score)


def first_step(scene: Scene, plan: Plan) -> Plan:
    """The plan itself, or a tool that may give what it misses."""
    if not plan.missing:
        return plan
    if sql_parameter(plan.tool) and not scene.tables:
        about = next((p for p in ranked(scene, scene.wish) if tells_tables(p.tool)), None)
        if about and not about.missing and not scene.repeats(about):
            return about
    for lacking in plan.missing:
        about_it = set(name_terms(lacking)) - {"identifi", "nam", "numb", "cod"}
        for other in ranked(scene, scene.wish):
            gives = about_it & set(tool_words(other.tool)) and other.tool.name != plan.tool.name
            if gives and not other.missing and not scene.repeats(other):
                return other
    return plan


def _arguments(
    scene: Scene, tool: ToolSpec, part: str, text: list[str], before: str
) -> tuple[dict[str, object], list[str]]:
    written = sql_parameter(tool)
    if not written:
        return arguments.filled(tool.parameters, part, scene.known, text)
    statement = spans.statement(part) or sql_write.select(part, scene.tables, before)
    return ({written: statement}, []) if statement else ({}, [written])


def sql_parameter(tool: ToolSpec) -> str:
    """The name of the one required argument that is an SQL statement; empty when there is none."""
    properties = tool.parameters.get("properties") or {}
    required = tool.parameters.get("required") or list(properties)
    for name, schema in properties.items():
        said = f"{name} {schema.get('description', '')}" if isinstance(schema, dict) else name
        speaks = re.search(
            r"\bSQL\b|\bSELECT\b", f"{tool.description} {said} {tool.name.replace('_', ' ')}", re.I
        )
        takes = {stem(w) for w in ("sql", "query", "statement")} & set(name_terms(name))
        if speaks and takes and name in required and len(required) == 1:
            return str(name)
    return ""


def tells_tables(tool: ToolSpec) -> bool:
    needs = tool.parameters.get("required") or ()
    return not needs and len(_SCHEMA & set(tool_words(tool))) >= 1 and not sql_parameter(tool)


def library(tool: ToolSpec) -> bool:
    """A tool that looks things up in texts of any kind may be tried for any question."""
    return bool(_LIBRARY & {*name_terms(tool.name), *terms(tool.description)})


def reckons(tool: ToolSpec) -> str:
    """The name of the argument that is an arithmetic expression; empty when there is none."""
    for name in tool.parameters.get("properties") or {}:
        if {"express", "formula"} & set(name_terms(name)) or str(name).lower() == "expression":
            return str(name)
    return ""


def is_whole_sum(expression: object, part: str) -> bool:
    """Whether an expression holds every number of `part`, so that nothing else is asked."""
    asked = re.findall(r"\d+(?:\.\d+)?", part.replace(",", ""))
    held = re.findall(r"\d+(?:\.\d+)?", str(expression or "").replace(",", ""))
    return len(asked) > 1 and all(number in held for number in asked)


def tool_words(tool: ToolSpec) -> list[str]:
    schema, _ = fields.resolve(tool.parameters, tool.parameters)
    words = [*name_terms(tool.name), *terms(tool.description)]
    for param in fields.children(fields.Field((), schema, False), tool.parameters):
        words += [*name_terms(param.name), *terms(param.description)]
        words += [w for option in param.schema.get("enum", ()) for w in name_terms(str(option))]
    return words
