"""A JSON export of GitHub issues: one document an issue, its headings and comments as sections.

What the REST API, GraphQL and `gh issue list --json` write: issues in lists, in pages of lists, one
object a line, or somewhere within an object. Names of all three are understood. Left out: pull
request reviews, events, and the comments that templates hide in a body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from shared.documents import NothingToRead, UnreadableDocument, decode
from stage3_rag.contract import Document, Section
from stage3_rag.readers import markdown
from stage3_rag.readers.plain import clean, heading

DEEPEST = 8  # levels of an export at which issues are looked for
_HIDDEN = re.compile(r"<!--.*?-->", re.S)
_SPACE = re.compile(r"\s*")


def read(path: Path, id: str, data: bytes) -> list[Document]:
    found: dict[str, Document] = {}
    position = 0
    for value in _values(path, decode(path, data)):
        for issue in _issues(value):
            position += 1
            number = issue.get("number")
            name = position if number is None else number
            _keep(found, _document(f"{id}#{name}", issue))
    if not found:
        raise NothingToRead(
            f"{path} is JSON without issues: objects with a title and a body are read"
        )
    return list(found.values())


def _keep(found: dict[str, Document], one: Document) -> None:
    """Pages overlap, so an issue may come twice; and two repositories have a number 7 each."""
    name, turn = one.id, 2
    while one.id in found and found[one.id] != one:
        one = Document(
            id=f"{name}-{turn}",
            title=one.title,
            sections=one.sections,
            tags=one.tags,
            updated=one.updated,
        )
        turn += 1
    found[one.id] = one


def _values(path: Path, text: str) -> Iterator[Any]:
    """One value, or several in a row: lines, or the pages that `gh api --paginate` writes."""
    decoder, at = json.JSONDecoder(), _after_space(text, 0)
    while at < len(text):
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            raise UnreadableDocument(f"{path} is not valid JSON: {error}") from None
        yield value
        at = _after_space(text, at)


def _after_space(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _issues(value: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "title" in value and ("body" in value or "number" in value):
            yield value
            return
        value = list(value.values())
    if isinstance(value, list) and depth < DEEPEST:
        for one in value:
            yield from _issues(one, depth + 1)


def _document(id: str, issue: dict[str, Any]) -> Document:
    title = heading(clean(str(issue["title"]))) or "untitled"
    return Document(
        id=clean(id),
        title=title,
        sections=tuple(_sections(title, issue)),
        tags=tuple(_labels(issue)),
        updated=_date(issue),
    )


def _sections(title: str, issue: dict[str, Any]) -> Iterator[Section]:
    state = issue.get("state_reason") or issue.get("stateReason") or issue.get("state") or ""
    body = markdown.sections(_body(issue)) or [Section((), "")]
    if state:
        first = "\n\n".join(part for part in (body[0].text, f"State: {str(state).lower()}") if part)
        body[0] = Section(body[0].path, first)
    for part in body:
        yield Section((title, *part.path), part.text)
    for comment in _nodes(issue.get("comments")):  # the REST API gives only their number here
        if isinstance(comment, dict) and (text := _body(comment)):
            yield Section((title, f"comment by {_author(comment)}"), text)


def _body(of: dict[str, Any]) -> str:
    return clean(_HIDDEN.sub("", clean(str(of.get("body") or ""))))


def _nodes(value: Any) -> list[Any]:
    """A list, also where GraphQL wraps it."""
    if isinstance(value, dict):
        value = value.get("nodes") or [edge.get("node") for edge in value.get("edges") or ()]
    return value if isinstance(value, list) else []


def _author(comment: dict[str, Any]) -> str:
    who = comment.get("user") or comment.get("author") or {}
    return str(who.get("login") or "somebody") if isinstance(who, dict) else str(who)


def _labels(issue: dict[str, Any]) -> Iterator[str]:
    for label in _nodes(issue.get("labels")):
        name = label.get("name") if isinstance(label, dict) else label
        if name:
            yield clean(str(name))


def _date(issue: dict[str, Any]) -> date | None:
    for name in ("updated_at", "updatedAt", "created_at", "createdAt"):
        try:
            return date.fromisoformat(str(issue.get(name) or "")[:10])
        except ValueError:
            continue
    return None
