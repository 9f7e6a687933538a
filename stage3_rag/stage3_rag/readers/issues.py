"""A JSON export of GitHub issues: one document an issue, its comments as sections.

What the REST API and `gh issue list --json` write: a list of objects (or `{"issues": […]}`), or one
object a line. Names of both are understood. Left out: pull request reviews and events.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from shared.documents import NothingToRead, UnreadableDocument, decode
from stage3_rag.contract import Document, Section
from stage3_rag.readers.plain import clean


def read(path: Path, id: str, data: bytes) -> list[Document]:
    issues = [one for one in _records(path, data) if isinstance(one, dict) and "title" in one]
    if not issues:
        raise NothingToRead(
            f"{path} is JSON without issues: a list of objects with a title and a body is read"
        )
    return [_document(id, number, issue) for number, issue in enumerate(issues, 1)]


def _records(path: Path, data: bytes) -> list[Any]:
    text = decode(path, data)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = _lines(path, text)
    if isinstance(value, dict):
        value = value.get("issues") or value.get("items") or [value]
    return value if isinstance(value, list) else []


def _lines(path: Path, text: str) -> list[Any]:
    try:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError) as error:
        raise UnreadableDocument(f"{path} is not valid JSON: {error}") from None


def _document(id: str, position: int, issue: dict[str, Any]) -> Document:
    title = clean(str(issue["title"])) or "untitled"
    number = issue.get("number", position)
    return Document(
        id=f"{id}#{number}",
        title=title,
        sections=tuple(_sections(title, issue)),
        tags=tuple(_labels(issue)),
        updated=_date(issue),
    )


def _sections(title: str, issue: dict[str, Any]) -> Iterator[Section]:
    state = issue.get("state_reason") or issue.get("stateReason") or issue.get("state") or ""
    body = clean(str(issue.get("body") or ""))
    yield Section(
        (title,), "\n\n".join(part for part in (body, f"State: {state}" * bool(state)) if part)
    )
    comments = issue.get("comments")  # the REST API gives only their number here
    for comment in comments if isinstance(comments, list) else ():
        text = clean(str(comment.get("body") or "")) if isinstance(comment, dict) else ""
        if text:
            yield Section((title, f"comment by {_author(comment)}"), text)


def _author(comment: dict[str, Any]) -> str:
    who = comment.get("user") or comment.get("author") or {}
    return str(who.get("login") or "somebody") if isinstance(who, dict) else str(who)


def _labels(issue: dict[str, Any]) -> Iterator[str]:
    labels = issue.get("labels")
    for label in labels if isinstance(labels, list) else ():
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
