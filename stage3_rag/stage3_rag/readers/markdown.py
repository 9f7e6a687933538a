"""Markdown with optional YAML front matter, cut at its headings.

A heading is what CommonMark calls one, so a `#` in a code block is none. The text of a section is
the file's own, markup included: a quote from it can be found again with a plain search.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

from shared.documents import decode
from stage3_rag.contract import Document, Section
from stage3_rag.readers.plain import clean, title_of

_FRONT = re.compile(r"\A---[ \t]*\n(?P<yaml>.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.S)
Heading = tuple[int, int, int, str]  # level, first line, line after it, words


def read(path: Path, id: str, data: bytes) -> list[Document]:
    return [document(path, id, clean(decode(path, data)))]


def document(path: Path, id: str, text: str) -> Document:
    facts, body = front_matter(text)
    sections = tuple(_sections(body)) or (Section((), body),)  # headings and nothing else
    named = next((s.path[0] for s in sections if s.path), "")
    return Document(
        id=id,
        title=str(facts.get("title") or named or title_of(body, path)),
        sections=sections,
        tags=tuple(str(tag) for tag in _listed(facts.get("topics") or facts.get("tags"))),
        updated=_date(facts.get("updated") or facts.get("date")),
        superseded_by=str(facts.get("superseded_by") or ""),
        tenant=str(facts.get("tenant") or ""),
    )


def front_matter(text: str) -> tuple[dict[str, Any], str]:
    """The facts before the text, and the text. What is no YAML mapping stays in the text."""
    import yaml

    found = _FRONT.match(text)
    if not found:
        return {}, text
    try:
        facts = yaml.safe_load(found["yaml"])
    except (yaml.YAMLError, ValueError):  # ValueError: a date such as 2026-13-40
        return {}, text
    return (facts, text[found.end() :]) if isinstance(facts, dict) else ({}, text)


def _sections(text: str) -> Iterator[Section]:
    lines = text.split("\n")
    above: list[tuple[int, str]] = []
    start = 0
    for level, first, after, words in [*_headings(text), (0, len(lines), len(lines), "")]:
        body = "\n".join(lines[start:first]).strip("\n")
        path = tuple(title for _, title in above)
        if body.strip():
            yield Section(path, body)
        above = [one for one in above if one[0] < level] + [(level, words)]
        start = after


def _headings(text: str) -> Iterator[Heading]:
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark").parse(text)
    for opening, inline in itertools.pairwise(tokens):
        if opening.type == "heading_open" and opening.level == 0 and opening.map:
            first, after = opening.map
            yield int(opening.tag[1]), first, after, _words(inline)


def _words(inline: Any) -> str:
    """A heading as it reads, without emphasis, code marks and link targets."""
    parts = (
        child.content for child in inline.children or () if child.type in ("text", "code_inline")
    )
    return "".join(parts).strip()


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [part.strip() for part in str(value).split(",")]


def _date(value: Any) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None
