"""Finds the pieces of a short wish that a parameter could take, likeliest first.

Numbers and codes are known by their form, names and phrases by the word before them. What is left
out stands in `arguments`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from shared.offline.skills import currencies, dates, fields, values
from shared.offline.skills.fields import Field
from shared.offline.words import STOP, name_terms, stem, tokens

_SHAPE = re.compile(
    r"(?:e\.g\.|for example|such as|like|example:?|format:?)\s*[\"'`(]?([\w@#./-]+)", re.I
)
_QUOTED = re.compile(r"[\"\u201c`]([^\"\u201d`]+)[\"\u201d`]|(?<!\w)'([^']+)'(?!\w)")
_NAMES = re.compile(r"(?<!^)(?<![.!?] )\b[A-Z][\w&.-]*(?:[ -](?:of |de |the )?[A-Z][\w&.-]*)*")
_SUM = re.compile(r"[-+]?[\d(][\d\s().,+*/^%x\u00d7\u00f7-]*[\d)%]")
_N = r"(-?\d[\d,]*(?:\.\d+)?)"
_SPOKEN = (
    (rf"\bsum of {_N} and {_N}", r"\1 + \2"), (rf"\bproduct of {_N} and {_N}", r"\1 * \2"),
    (rf"\bdifference (?:between|of) {_N} and {_N}", r"\1 - \2"),
    (rf"\bquotient of {_N} and {_N}", r"\1 / \2"),
    (rf"{_N} (?:raised )?to the power of {_N}", r"\1 ^ \2"), (rf"{_N} squared\b", r"\1 ^ 2"),
    (rf"{_N} cubed\b", r"\1 ^ 3"), (rf"\bhalf of {_N}", r"\1 / 2"),
    (rf"\b(?:double|twice) {_N}", r"\1 * 2"),
    (r"\b(?:plus|added to)\b", "+"), (r"\bminus\b", "-"), (r"\b(?:times|multiplied by|x)\b", "*"),
    (r"\bdivided by\b", "/"), (r"\u00d7", "*"), (r"\u00f7", "/"), (r"\^", "**"),
    (r"(\d+(?:\.\d+)?)\s*(?:%|percent) of", r"\1 / 100 *"),
)  # fmt: skip
_QUERY = {"query", "question", "search", "q", "text", "topic", "keyword", "term", "prompt", "input"}
_QUERY_STEMS = {stem(word) for word in _QUERY}
_POLITE = re.compile(
    r"^\W*(?:(?:please|can you|could you|would you|i (?:want|need|would like) (?:to|you to)|let me|"
    r"tell me|show me|give me|find(?: me| out)?|look ?up|search(?: the \w+)?(?: for)?|"
    r"what(?:'s| is| are)|do you have|are there|is there|which|any)\s+)+",
    re.I,
)
_MOST = re.compile(
    r"\b(?:under|below|at most|less than|up to|cheaper than|no more than|maximum|max|within)\b",
    re.I,
)
_LEAST = re.compile(
    r"\b(?:over|above|at least|more than|from|minimum|min|starting at|exceeding)\b", re.I
)


@dataclass(frozen=True, slots=True)
class Given:
    """`single`: the tool needs at most one value, so a lone value is meant for it."""

    single: bool
    root: fields.Schema
    own: Collection[str]


def candidates(param: Field, wish: str, given: Given) -> list[tuple[int, int, Any]]:
    """Spans of the wish that fit the parameter's type, likeliest first."""
    how = values.habits(wish)
    if param.kind in ("integer", "number"):
        return _numbers(param, wish, how, given.single)
    if param.kind in ("date", "datetime"):
        tail = "T00:00:00Z" if param.kind == "datetime" else ""
        return [(f.start, f.end, f"{f.value}{tail}") for f in dates.dates(wish, how)]
    if param.kind == "time":
        return [(f.start, f.end, f.value) for f in dates.times(wish)]
    if param.kind == "currency":
        return _near(param, wish, [(f.start, f.end, f.value) for f in currencies.currencies(wish)])
    if param.kind in ("email", "url"):
        way = values.EMAIL if param.kind == "email" else values.URL
        return [(m.start(), m.end(), m[0]) for m in way.finditer(wish)]
    return _texts(param, wish, given)


def _numbers(
    param: Field, wish: str, how: dates.Habits, single: bool
) -> list[tuple[int, int, Any]]:
    names = set(name_terms(param.name)) | set(name_terms(param.description))
    found: list[tuple[int, int, int, Any]] = []
    for number in values.numbers(wish, how):
        value = number.value
        if param.kind == "integer" and value != int(value):
            continue
        before, after = wish[max(0, number.start - 30) : number.start], wish[number.end :][:20]
        rank = len({stem(w.lower()) for w in (*tokens(before)[-3:], *tokens(after)[:2])} & names)
        most, least = bool(_MOST.search(before)), bool(_LEAST.search(before))
        if {"max", "maximum", "upp"} & names:
            rank += 2 * most - 2 * least
        elif {"min", "minimum", "low"} & names:
            rank += 2 * least - 2 * most
        if rank > 0 or (rank == 0 and (param.required or single)):
            kept = int(value) if param.kind == "integer" else value
            found.append((-rank, number.start, number.end, kept))
    return [(start, end, value) for _, start, end, value in sorted(found, key=lambda f: f[:2])]


def _texts(param: Field, wish: str, given: Given) -> list[tuple[int, int, Any]]:
    if is_expression(param):
        return _sums(wish)
    said = f"{param.name} {param.description}"
    if re.search(r"\bHH:MM\b", said):
        return [(f.start, f.end, wish[f.start : f.end]) for f in dates.times(wish)]
    if re.search(r"\be-?mail\b(?! (?:body|subject|text|content))", said, re.I):
        found = [(m.start(), m.end(), m[0]) for m in values.EMAIL.finditer(wish)]
        if found:
            return found
    if "YYYY-MM" in param.description:
        return [(f.start, f.end, f.value) for f in dates.months(wish)]
    quoted = [(m.start(), m.end(), m[1] or m[2]) for m in _QUOTED.finditer(wish)]
    if is_query(param):
        return quoted or [(0, 0, _plain(wish))]
    shown = shape(param)
    codes = [(m.start(), m.end(), m[0].lstrip("#")) for m in values.CODE.finditer(wish)]
    if shown and any(map(str.isdigit, shown)):
        like = [c for c in codes if _form(c[2]) == _form(shown)]
        like = like or [c for c in codes if _kind(c[2]) == _kind(shown)]
        return like or (codes if is_code(param) else [])
    if is_code(param):
        return _near(param, wish, codes)
    names = [(m.start(), m.end(), m[0].rstrip(".")) for m in _NAMES.finditer(wish)]
    names = [name for name in names if name[2].lower() not in STOP]
    rests = _rests(wish, given.own) if param.required else []
    found = _near(param, wish, quoted) + _near(param, wish, names) + _near(param, wish, rests)
    wider = [r for r in rests if found and r[0] <= found[0][0] and found[0][1] <= r[1]]
    if not found and param.required and given.single and _plain(wish):
        found = [(0, 0, _plain(wish))]
    return [*(wider if not quoted else []), *found]


def _rests(wish: str, own: Collection[str]) -> list[tuple[int, int, Any]]:
    """Runs of words that are neither the tool's own nor small words, nor numbers."""
    runs: list[list[re.Match[str]]] = [[]]
    for word in re.finditer(r"[\w'&-]+", wish):
        low = word[0].lower()
        broken = runs[-1] and wish[runs[-1][-1].end() : word.start()].strip(" ")
        if low in STOP or stem(low) in own or word[0].isdigit() or broken:
            runs.append([])
        if low not in STOP and stem(low) not in own and not word[0].isdigit():
            runs[-1].append(word)
    spans = [(run[0].start(), run[-1].end()) for run in runs if run]
    return [(start, end, wish[start:end]) for start, end in spans]


def _near(
    param: Field, wish: str, spans: Sequence[tuple[int, int, Any]]
) -> list[tuple[int, int, Any]]:
    """The spans, those first whose words before (or after) are words of the parameter's name."""
    names = set(name_terms(param.name))
    lead = {"from": {"from", "origin", "sourc", "start"}, "to": {"to", "destin", "target", "end"}}

    def rank(span: tuple[int, int, Any]) -> tuple[int, int]:
        words = [w.lower() for w in tokens(wish[: span[0]])[-3:]]
        near = {stem(w) for w in words} | {stem(w.lower()) for w in tokens(wish[span[1] :])[:1]}
        led = words[-1:] and names & lead.get(words[-1], set())
        return (-2 if led else 0) - len(near & names), span[0]

    return sorted(spans, key=rank)


def _sums(wish: str) -> list[tuple[int, int, Any]]:
    for spoken, sign in _SPOKEN:
        wish = re.sub(spoken, sign, wish, flags=re.I)
    found = [m[0].strip() for m in _SUM.finditer(wish) if re.search(r"\d\s*[-+*/%]+\s*[\d(]", m[0])]
    return [(0, 0, max(found, key=len))] if found else []


def expression(wish: str) -> str:
    """The sum that the wish writes or speaks; empty when there is none."""
    found = _sums(wish)
    return str(found[0][2]) if found else ""


def _plain(wish: str) -> str:
    return _POLITE.sub("", wish).strip(" ?!.\n") or wish.strip()


def is_query(param: Field) -> bool:
    return bool(_QUERY_STEMS & set(name_terms(param.name)))


def is_expression(param: Field) -> bool:
    said = f"{param.name} {param.description}"
    return re.search(r"\b(?:expression|formula|arithmetic|calculation)\b", said, re.I) is not None


def is_code(param: Field) -> bool:
    return bool(
        {"identifi", "code", "sku", "numb", "referenc", "key"} & set(name_terms(param.name))
    )


def shape(param: Field) -> str:
    examples = param.schema.get("examples") or []
    match = _SHAPE.search(param.description)
    return str(examples[0]) if examples else match[1].rstrip(".") if match else ""


def _form(code: str) -> str:
    """`ORD-1042` and `ORD-7` have the same form: letters and marks stay, digits become one 9."""
    return re.sub(r"\d+", "9", code.lower())


def _kind(code: str) -> str:
    """`DE-1007` and `ch-2` are of one kind: letters, mark, digits."""
    return re.sub(r"[a-z]+", "a", _form(code))


def statement(wish: str) -> str:
    """An SQL statement that the wish itself holds; empty when it holds none."""
    match = re.search(r"\b(?:SELECT\s.+?\sFROM\s|WITH\s+\w+\s+AS\s*\()[^;`]*", wish, re.S)
    return match[0].strip(" \n\"'?.") if match else ""
