"""What a prompt wishes for the form of an answer: its length, bullets, citations, how to decline.

Read from the instructions only, never from documents. Left out: tone, language, anything that is
not a count or a quoted phrase.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NUMBERS = {word: number for number, word in enumerate(_WORDS)}
_COUNT = r"(?P<count>\d{1,4}|one|two|three|four|five|six|seven|eight|nine|ten|a single|a)"
_LENGTH = re.compile(
    rf"\b{_COUNT}[- ](?:(?:short|brief|concise|full|clear|plain|bullet) ){{0,2}}"
    r"(?P<unit>sentence|word|bullet|point|character|paragraph|line)s?\b",
    re.I,
)
_BRIEF = re.compile(
    r"\b(?:brief(?:ly)?|short(?:ly)? answer|answer shortly|be concise|concisely)\b", re.I
)
_SAYING = re.compile(
    r"(?:say|reply|answer|respond|write|return|output|state)(?:\s+(?:with|exactly|only|just|that|so|:))*\s*:?\s*"
    r"[\"“'\u2018`](?P<phrase>[^\"”\n]{2,200}?)[\"”\u2019`](?=\W|$)|"
    r"(?:say|reply|answer|respond|write|return|output)(?:\s+(?:with|exactly|only|just))*\s*:?\s*'(?P<plain>[^'\n]{2,200})'",
    re.I,
)
_FAILING = re.compile(
    r"\b(?:not|cannot|unable|no (?:answer|document|source|passage)|without|insufficient|missing"
    r"|unanswerable)\b|n't\b",
    re.I,
)
_CITE_STYLES = (
    (re.compile(r"\[\^\w+\]"), "[^{}]"),
    (re.compile(r"<cite(?:\s+\w+=)?", re.I), "<cite>{}</cite>"),
    (re.compile(r"\(\s*source\s*:\s*[^)]*\)", re.I), "(source: {})"),
    (re.compile(r"\[\s*source\s*:\s*[^\]]*\]", re.I), "[source: {}]"),
    (re.compile(r"\[\[[\w .-]+\]\]"), "[[{}]]"),
    (re.compile(r"【[^】]*】"), "【{}】"),
    (re.compile(r"\(\d\)|\(id\)"), "({})"),
)


@dataclass(frozen=True, slots=True)
class Wishes:
    """Counts are upper limits, except bullets; None where the prompt does not say."""

    sentences: int | None = None
    words: int | None = None
    characters: int | None = None
    bullets: int | None = None
    cite: str = "[{}]"
    decline: str = ""


def read(instructions: str) -> Wishes:
    """The last wish of each kind counts, since it stands nearest to the question."""
    counts: dict[str, int] = {}
    for match in _LENGTH.finditer(instructions):
        counts[match["unit"].lower()] = _number(match["count"])
    if not counts and _BRIEF.search(instructions):
        counts["sentence"] = 1
    style = next((form for way, form in _CITE_STYLES if way.search(instructions)), "[{}]")
    return Wishes(
        sentences=counts.get("sentence", counts.get("line")),
        words=counts.get("word"),
        characters=counts.get("character"),
        bullets=counts.get("bullet", counts.get("point")),
        cite=style,
        decline=_decline(instructions),
    )


def shaped(pieces: Sequence[str], wishes: Wishes, usual: int) -> str:
    """As many of the sentences as was wished for (else `usual`), within the wished length."""
    if wishes.bullets is not None:
        text = "\n".join("- " + piece for piece in pieces[: wishes.bullets])
    else:
        text = " ".join(pieces[: usual if wishes.sentences is None else wishes.sentences])
    if wishes.words is not None:
        text = _first_words(text, wishes.words)
    if wishes.characters is not None and len(text) > wishes.characters:
        text = text[: wishes.characters].rsplit(" ", 1)[0]
    return text


def _first_words(text: str, limit: int) -> str:
    ends = [match.end() for match in re.finditer(r"\S+", text)]
    return text if len(ends) <= limit else text[: ends[limit - 1]].rstrip(",;:") if limit else ""


def _number(written: str) -> int:
    return int(written) if written.isdigit() else _NUMBERS.get(written.lower(), 1)


def _decline(instructions: str) -> str:
    """The phrase in quotation marks that the prompt wants where documents hold no answer."""
    for match in _SAYING.finditer(instructions):
        before = instructions[max(0, match.start() - 160) : match.start()]
        clause = re.split(r"[.!?]\s+(?=[A-Z])|\n\s*\n", before)[-1]
        after = re.split(r"[.!?]\s|\n", instructions[match.end() : match.end() + 120])[0]
        if _FAILING.search(clause) or _FAILING.search(after):
            return (match["phrase"] or match["plain"]).strip()
    return ""
