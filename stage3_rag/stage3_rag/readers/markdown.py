"""Markdown with optional front matter in YAML or TOML, cut at its headings.

A heading is what CommonMark calls one, so a `#` in a code block is none. The text of a section is
the file's own, markup included: a quote from it can be found again with a plain search. Left out
of it are HTML comments, which no reader sees. A file without a main heading is called by its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from shared.documents import decode
from stage3_rag.contract import Document, Section
from stage3_rag.readers.plain import clean, heading, name_of

_FRONT = re.compile(
    r"\A(?P<mark>---|\+\+\+)[ \t]*\n(?P<facts>.*?\n|)(?:(?P=mark)|\.\.\.)[ \t]*(?:\n|\Z)", re.S
)
_ANCHOR = re.compile(r"\s*\{#[\w.:-]+\}\s*\Z|\s+#+\s*\Z")
_MAIN_HTML = re.compile(r"<h1\b[^>]*>(?P<words>.*?)</h1>", re.S | re.I)
_TAG = re.compile(r"<[^>]*>")
_COMMENT = re.compile(r"\s*<!--.*-->\s*\Z", re.S)
Heading = tuple[int, int, int, str]  # level, first line, line after it, words


def read(path: Path, id: str, data: bytes) -> list[Document]:
    return [document(path, id, clean(decode(path, data)))]


def document(path: Path, id: str, text: str) -> Document:
    facts, body = front_matter(text)
    headings, shown = _parsed(body)
    parts = tuple(_sections(shown, headings)) or (Section((), body),)  # headings and nothing else
    return Document(
        id=id,
        title=heading(_text(facts.get("title"))) or _main(headings, body) or name_of(path),
        sections=parts,
        tags=tuple(_tags(facts)),
        updated=_date(facts),
        superseded_by=_text(facts.get("superseded_by")),
        tenant=_text(facts.get("tenant")),
    )


def sections(text: str) -> list[Section]:
    """The sections of a Markdown text that stands within something else."""
    headings, shown = _parsed(text)
    return list(_sections(shown, headings))


def front_matter(text: str) -> tuple[dict[str, Any], str]:
    """The facts before the text, and the text. What is no mapping stays in the text."""
    found = _FRONT.match(text)
    if not found:
        return {}, text
    facts = _toml(found["facts"]) if found["mark"] == "+++" else _yaml(found["facts"])
    return (facts, text[found.end() :]) if isinstance(facts, dict) else ({}, text)


def _yaml(text: str) -> Any:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where it is built
    try:
        return yaml.load(text, loader) if text.strip() else {}  # noqa: S506  # both are safe
    except (yaml.YAMLError, ValueError, RecursionError):  # ValueError: a date such as 2026-13-40
        return None


def _toml(text: str) -> Any:
    import tomllib

    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return None


def _parsed(text: str) -> tuple[list[Heading], list[str]]:
    """The headings, and the lines with comments blanked."""
    from markdown_it import MarkdownIt

    blocks, inline = MarkdownIt("commonmark").disable("inline"), MarkdownIt("commonmark")
    references: dict[str, Any] = {}
    lines, headings = text.split("\n"), list[Heading]()
    tokens = blocks.parse(text, references)
    for at, token in enumerate(tokens):
        if token.level or not token.map:
            continue
        first, after = token.map
        if token.type == "heading_open":
            words = _words(inline.parseInline(_ANCHOR.sub("", tokens[at + 1].content), references))
            headings.append((int(token.tag[1]), first, after, words))
        elif token.type == "html_block" and _COMMENT.fullmatch(token.content):
            lines[first:after] = [""] * (after - first)
    return headings, lines


def _sections(lines: list[str], headings: list[Heading]) -> Iterator[Section]:
    above: list[tuple[int, str]] = []
    start = 0
    for level, first, after, words in [*headings, (0, len(lines), len(lines), "")]:
        body = "\n".join(lines[start:first]).strip("\n")
        path = tuple(title for _, title in above if title)
        if body.strip():
            yield Section(path, body)
        above = [one for one in above if one[0] < level] + [(level, words)]
        start = after


def _main(headings: list[Heading], text: str) -> str:
    """The heading that stands for the whole: the first of level 1, or the only one of the top."""
    top = min((level for level, *_ in headings), default=0)
    tops = [words for level, *_, words in headings if level == top]
    if top == 1 or len(tops) == 1:
        return next((words for words in tops if words), "")
    html = _MAIN_HTML.search(text)
    return heading(_TAG.sub("", html["words"])) if html else ""


def _words(parsed: list[Any]) -> str:
    """A heading as it reads, without emphasis, code marks and link targets."""
    children = parsed[0].children or ()
    parts = (child.content for child in children if child.type in ("text", "code_inline"))
    return heading("".join(parts))


def _text(value: Any) -> str:
    return "" if value is None or isinstance(value, (dict, list)) else clean(str(value))


def _tags(facts: Mapping[str, Any]) -> Iterator[str]:
    value = facts.get("topics") or facts.get("tags") or []
    listed = value if isinstance(value, list) else str(value).split(",")
    for tag in listed:
        if words := _text(tag).lstrip("#"):
            yield words


def _date(facts: Mapping[str, Any]) -> date | None:
    for name in ("updated", "lastmod", "last_updated", "modified", "date"):
        value = facts.get(name)
        if isinstance(value, datetime):
            return value.date()
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value)[:10])
        except ValueError:
            continue
    return None
