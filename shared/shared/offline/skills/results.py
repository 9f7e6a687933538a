"""Turns tool results into values for the next call, and into the final answer.

A result that does not answer is not told; when none does, it says so. Left out: adding up,
comparing or sorting results, which is a tool's work.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from shared.messages import Request, ToolCall
from shared.offline.skills import answer, documents, schema_text, wishes
from shared.offline.skills import values as numbers
from shared.offline.skills.documents import Document
from shared.offline.skills.mind import Mind
from shared.offline.skills.result_data import (
    Outcome,
    as_number,
    flat_of,
    is_empty,
    parsed,
    texts,
    unfenced,
)
from shared.offline.words import name_terms, sentences, terms

_MOST_ITEMS, _MOST_FIELDS = 5, 12
_QUANTITY = re.compile(
    r"\b(?:how (?:many|much|long|old|far|often|high|large|big|heavy)|number of|percentage|average|"
    r"total)\b",
    re.I,
)
_ANY_NUMBER = re.compile(
    r"\d|\b(?:no|none|one|two|three|four|five|six|seven|eight|nine|ten|twelve|twice|once|half)\b",
    re.I,
)
NOTHING = "I could not find an answer to this"


def values(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Scalars of good JSON results by name; `id` of a tool about orders is also `order_id`."""
    known: dict[str, Any] = {}
    for call, result in outcomes:
        data = None if result.is_error else parsed(result.content)
        first = data[0] if isinstance(data, list) and data else data
        for name, value in flat_of(first).items():
            known[name.rsplit(".", 1)[-1]] = value
            known[name.replace(".", "_")] = value
            if name == "id":
                words = call.name.replace("-", "_").split("_")
                known |= {f"{word.removesuffix('s')}_id": value for word in words}
    return known


def answers(wish: str, outcome: Outcome, mind: Mind) -> bool:
    """Whether a result helps with `wish`: not an error, not empty, not only a list of tables."""
    _, result = outcome
    data = parsed(result.content)
    if result.is_error or is_empty(data) or schema_text.tables(unfenced(result.content)):
        return False
    found = texts(outcome)
    if not found:
        return True
    return bool(_quotes(wish, found, mind)) if _can_read(mind) else True


def amount(wish: str, outcome: Outcome, mind: Mind) -> str:
    """The one number that a result gives for `wish`; empty when there is none, or no one."""
    data = parsed(outcome[1].content)
    found = texts(outcome)
    if found:
        quotes = _quotes(wish, found, mind) if _can_read(mind) else []
        return _number_in(quotes[0].sentence, wish) if quotes else ""
    if isinstance(data, dict) and "result" in data:
        return as_number(data["result"])
    row = data[0] if isinstance(data, list) and data else data
    flat = flat_of(row) if isinstance(row, dict) else {"": row}
    numeric = [n for value in flat.values() if (n := as_number(value))]
    named = [n for name, value in flat.items() if set(name_terms(name)) & set(terms(wish))
             and (n := as_number(value))]  # fmt: skip
    return (named or numeric or [""])[-1]


def told(
    wish: str,
    outcomes: Sequence[Outcome],
    request: Request,
    mind: Mind,
    lacking: Sequence[str] = (),
) -> str:
    """The final answer: each result that answers once, then what failed or was not found."""
    form = wishes.read(documents.instructions(request))
    outcomes = list({call.id: (call, result) for call, result in outcomes}.values())
    good = [one for one in outcomes if not one[1].is_error]
    useful = [o for o in good if not is_empty(parsed(o[1].content)) and not _only_tables(o)]
    bad = [one for one in outcomes if one[1].is_error]
    prose = [one for one in useful if texts(one)]
    pieces = _from_texts(wish, prose, form, mind)
    for outcome in useful:
        if outcome not in prose:
            data = parsed(outcome[1].content)
            pieces.append(f"{outcome[0].name}: {_from_data(wish, data, outcome[0])}.")
    if not pieces and (good or lacking) and not (form.decline and prose):
        pieces.append(f"{NOTHING}: no result holds it.")
    elif lacking:
        pieces.append(f"{NOTHING}: {'; '.join(q.strip(' ?') for q in lacking)}.")
    if bad:
        pieces += [
            f"{call.name} failed: {result.content.strip()[:300] or 'no reason given'}"
            for call, result in bad
        ]
    return wishes.shaped(list(dict.fromkeys(pieces)), form, 20) or "The tools returned nothing."


def _quotes(wish: str, found: Sequence[Document], mind: Mind) -> list[answer.Quote]:
    """Sentences that answer; one that is asked for a number must hold one."""
    quotes = answer.quotes(wish, found, mind)
    if not _QUANTITY.search(wish):
        return quotes
    return [quote for quote in quotes if _ANY_NUMBER.search(quote.sentence)]


def _from_texts(
    wish: str, outcomes: Sequence[Outcome], form: wishes.Wishes, mind: Mind
) -> list[str]:
    if not outcomes:
        return []
    found = [document for outcome in outcomes for document in texts(outcome)]
    quotes = _quotes(wish, found, mind) if _can_read(mind) else []
    if quotes:
        return [f"{q.sentence} {form.cite.format(q.document.id)}" for q in quotes[:2]]
    if any(document.id not in {call.name for call, _ in outcomes} for document in found):
        return [form.decline] if form.decline else []
    return [
        " ".join(sentences(unfenced(result.content))[:3])
        for _, result in outcomes
        if result.content.strip()
    ]


def _from_data(wish: str, data: Any, call: ToolCall | None = None) -> str:
    """Orders that stand in a result are neither followed nor repeated."""
    if isinstance(data, list):
        told_of = [text for one in data[:_MOST_ITEMS] if (text := _from_data(wish, one))]
        shown = "; ".join(told_of)
        more = f"; and {len(data) - _MOST_ITEMS} more" if len(data) > _MOST_ITEMS else ""
        return (shown or "nothing found") + more
    if not isinstance(data, dict):
        return _plain(data)
    if "expression" in data and "result" in data:
        unit = f" {data['unit']}" if data.get("unit") else ""
        asked = json.loads(call.json).get("expression") if call else None
        return f"{_plain(asked or data['expression'])} = {_plain(data['result'])}{unit}"
    every = flat_of(data, lists=True).items()
    flat = {name: value for name, value in every if not answer.ORDER.search(_plain(value))}
    asked = set(terms(wish))
    wanted = {name: v for name, v in flat.items() if asked & set(name_terms(name))}
    chosen = flat if len(flat) <= 4 or not wanted else wanted
    return ", ".join(f"{n} {_plain(v)}" for n, v in list(chosen.items())[:_MOST_FIELDS])


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _only_tables(outcome: Outcome) -> bool:
    return bool(schema_text.tables(unfenced(outcome[1].content)))


def _can_read(mind: Mind) -> bool:
    return not mind.large or mind.embedder is not None


def _number_in(sentence: str, wish: str) -> str:
    """The number of a sentence that answers: the nearest one behind the words of the question."""
    asked = set(terms(wish))
    given = {str(found.value) for found in numbers.numbers(wish)}
    best: tuple[int, str] | None = None
    for found in numbers.numbers(sentence):
        if str(found.value) in given:
            continue
        before = terms(sentence[: found.start])[-6:]
        around = terms(sentence[found.start : found.start + 40])[:4]
        score = len(asked & set(before)) * 2 + len(asked & set(around))
        if best is None or score > best[0]:
            best = (score, str(found.value))
    return best[1] if best else ""
