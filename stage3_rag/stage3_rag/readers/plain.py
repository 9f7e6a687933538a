"""Plain text: one section; the title is the first line when it is short, else the file's name."""

from __future__ import annotations

from pathlib import Path

from shared.documents import decode
from stage3_rag.contract import Document, Section

LONGEST_TITLE = 80


def read(path: Path, id: str, data: bytes) -> list[Document]:
    text = clean(decode(path, data))
    return [Document(id=id, title=title_of(text, path), sections=(Section((), text),))]


def clean(text: str) -> str:
    """Line ends as `\\n`, no byte-order mark, and no NUL, which PostgreSQL cannot store."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "\ufffd")
    return text.strip("\ufeff\n ")


def title_of(text: str, path: Path) -> str:
    first = text.split("\n", 1)[0].strip(" #=*-")
    return first if 0 < len(first) <= LONGEST_TITLE else path.stem
