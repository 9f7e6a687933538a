"""Cuts a wish into questions and the sums to be done with their answers.

Knows a second question about the first one's answer ("how much is that plus 19%?", "multiply that
by 4"), a number of what was priced each, and one sentence that compares, adds or takes a share of
two things. Left out: more than one sum, brackets in words, and units.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from shared.offline.words import stem

_NUMBER = r"(\d[\d,]*(?:\.\d+)?)"
_PERCENT = rf"{_NUMBER}\s*(?:%|percent\b)"
_REFERS = re.compile(
    r"\b(?:that|it|this|those|them|the (?:result|total|sum|answer|figure|number|amount)|"
    r"(?:this|that) (?:number|figure|amount))\b",
    re.I,
)
_ASKS = re.compile(
    r"^\W*(?:and |then |also |please )*(?:how|what|which|who|when|where|multiply|add|subtract|"
    r"divide|double|triple|halve|take|increase|reduce|calculate|compute|work out|tell me|give me|"
    r"find)\b", re.I,
)  # fmt: skip
_SPLIT = re.compile(
    r"(?<=[.?!;])\s+|,?\s+(?:and then|and|then)\s+(?=(?:how|what|which|who|when|where|multiply|add|"
    r"subtract|divide|double|triple|halve|take|increase|reduce)\b)|;\s*",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Steps:
    """`questions` are asked of tools; `sum` takes their answers in order, as `{0} * 1.19`."""

    questions: tuple[str, ...]
    sum: str = ""


def read(wish: str) -> Steps | None:
    """None when the wish is one question, or not made of questions."""
    parts = [
        part.strip(" ,") for part in _SPLIT.split(wish.strip()) if part and part.strip(" ,.?!")
    ]
    if len(parts) == 1:
        return _compared(parts[0])
    if not parts or not all(_ASKS.search(part) for part in parts):
        return None
    *before, last = parts
    found = _on_the_answer(last) or _so_many(before[-1], last)
    if found and len(before) == 1:
        inner = _compared(before[0])
        if inner is not None:
            return Steps(inner.questions, found.replace("{0}", f"({inner.sum})"))
    return Steps(tuple(before), found) if found else Steps(tuple(parts))


def filled(sum: str, values: Sequence[str]) -> str:
    return sum.format(*values)


def _plain(number: str) -> Decimal:
    return Decimal(number.replace(",", ""))


def _share(number: str) -> str:
    return f"{(_plain(number) / 100).normalize():f}"


def _more(number: str) -> str:
    return f"{{0}} * {(1 + _plain(number) / 100).normalize():f}"


def _less(number: str) -> str:
    return f"{{0}} * {(1 - _plain(number) / 100).normalize():f}"


_BY = r"(?:\w+ )?by"
_WORDS = r"(?:\w+ ){0,3}"
_RAISED = rf"(?:plus|add(?:ing)?|with|increased? {_BY}|raised? {_BY}|including|and)"
_LOWERED = (
    rf"(?:minus|less|reduced? {_BY}|subtract(?:ing)?|discount of|decreased? {_BY}|lowered {_BY})"
)
_SHARED = (
    rf"(?:divid\w+ {_WORDS}by|split {_WORDS}(?:between|among|by)|shared {_WORDS}(?:between|among))"
)
_NO_CUT = r"(?!\s*(?:off|less|discount|reduc))"
# The first pattern that a part holds decides; what it does with the number before.
_OPERATIONS: tuple[tuple[str, Callable[[str], str]], ...] = (
    (rf"\b{_RAISED}\s+(?:a |an |the )?(?:\w+ (?:of|tax) )?{_PERCENT}{_NO_CUT}", _more),
    (rf"{_PERCENT}\s*(?:more|extra|higher|on top|added|tax|vat)", _more),
    (rf"{_PERCENT}\s*(?:off|less|lower|cheaper|discount|reduction)", _less),
    (rf"\b{_LOWERED}\s+(?:a \w+ of )?{_PERCENT}", _less),
    (rf"{_PERCENT}\s+of\b", lambda n: f"{{0}} * {_share(n)}"),
    (rf"\b(?:multipl\w+ {_WORDS}by|times)\s+{_NUMBER}", lambda n: f"{{0}} * {_plain(n)}"),
    (rf"{_NUMBER}\s+times\b", lambda n: f"{{0}} * {_plain(n)}"),
    (rf"\b{_SHARED}\s+{_NUMBER}", lambda n: f"{{0}} / {_plain(n)}"),
    (rf"\b(?:plus|add(?:ing)?|increased? by)\s+{_NUMBER}", lambda n: f"{{0}} + {_plain(n)}"),
    (
        rf"\b(?:minus|less|subtract(?:ing)?|reduced? by)\s+{_NUMBER}",
        lambda n: f"{{0}} - {_plain(n)}",
    ),
    (r"\b(double|twice)\b", lambda _: "{0} * 2"),
    (r"\b(triple)\b", lambda _: "{0} * 3"),
    (r"\b(half|halve)\b", lambda _: "{0} / 2"),
)


def _on_the_answer(part: str) -> str:
    """The sum that the part does with what came before."""
    if not _REFERS.search(part):
        return ""
    for pattern, made in _OPERATIONS:
        match = re.search(pattern, part, re.I)
        if match:
            return made(match[1])
    return ""


def _so_many(first: str, part: str) -> str:
    """`12 parcels` after a price per parcel."""
    each = {
        stem(m[1].lower())
        for m in re.finditer(r"\b(?:per|each|one|single|an?)\s+(\w+)", first, re.I)
    }
    for match in re.finditer(rf"{_NUMBER}\s+(\w+)", part):
        if stem(match[2].lower()) in each:
            return f"{{0}} * {_plain(match[1])}"
    return ""


def _compared(text: str) -> Steps | None:
    """One sentence about two things, or about a share of one."""
    bare = re.sub(
        r"^\W*(?:please |can you )?(?:what is|what's|what are|how much is|calculate|compute|find|"
        r"tell me|"
        r"give me|work out)\s+", "", text.strip(" ?.!"), flags=re.I,
    )  # fmt: skip
    if match := re.fullmatch(r"(?:the )?difference between (.+?) and (.+)", bare, re.I):
        return _both(match[1], match[2], "{0} - {1}")
    if match := re.fullmatch(r"how many (more|fewer) (.+?) than (.+)", bare, re.I):
        order = "{0} - {1}" if match[1].lower() == "more" else "{1} - {0}"
        return Steps((f"How many {match[2]}?", f"How many {_head(match[2])}{match[3]}?"), order)
    if match := re.fullmatch(r"(?:the )?ratio of (.+?) to (.+)", bare, re.I):
        return _both(match[1], match[2], "{0} / {1}")
    if match := re.fullmatch(rf"{_PERCENT} of (.+)", bare, re.I):
        if not re.match(r"\W*(?:\d|(?:that|it|this)\b)", match[2], re.I):
            return Steps((f"What is {match[2]}?",), f"{{0}} * {_share(match[1])}")
        return None
    for words, sign in (
        ("minus", "-"),
        ("plus", "+"),
        ("times|multiplied by", "*"),
        ("divided by", "/"),
    ):
        match = re.fullmatch(rf"(.+?),? (?:{words}) (.+)", bare, re.I)
        if match and not (_is_number(match[1]) and _is_number(match[2])):
            return _both(match[1], match[2], f"{{0}} {sign} {{1}}")
    return None


def _both(one: str, other: str, sum: str) -> Steps | None:
    asked = [f"What is {part}?" for part in (one, other) if not _is_number(part)]
    if not asked:
        return None
    if _is_number(other):
        share = re.fullmatch(rf"\W*{_PERCENT}\W*", other, re.I)
        if share and sum[4] in "+-":
            return Steps(tuple(asked), (_more if sum[4] == "+" else _less)(share[1]))
        return Steps(tuple(asked), sum.replace("{1}", _digits(other)))
    if _is_number(one):
        return Steps(tuple(asked), sum.replace("{0}", _digits(one)).replace("{1}", "{0}"))
    return Steps(tuple(asked), sum)


def _head(text: str) -> str:
    """`orders were placed in July 2026` without what the other side replaces."""
    cut = re.split(r"\s+(?=(?:in|on|from|to|by|with|for|at|during)\s)", text, maxsplit=1)
    return f"{cut[0]} " if len(cut) > 1 else ""


def _is_number(text: str) -> bool:
    return re.fullmatch(rf"\W*{_NUMBER}\s*(?:%|percent)?\W*", text, re.I) is not None


def _digits(text: str) -> str:
    match = re.search(_NUMBER, text)
    return str(_plain(match[1])) if match else text
