"""Plain text: one section; the title is the first line when it is short, else the file's name."""

from __future__ import annotations

import re
from pathlib import Path

from shared.documents import decode
from stage3_rag.contract import Document, Section

LONGEST_TITLE = 80  # of a first line that counts as a title
LONGEST_HEADING = 300
NAMELESS = ("index", "readme")  # such a file stands for its folder
# A picture in base64: megabytes of it are thousands of chunks that mean nothing.
_EMBEDDED = re.compile(r"data:[\w.+/-]*(?:;[\w=.-]+)*;base64,[A-Za-z0-9+/=_-]{80,}")


def read(path: Path, id: str, data: bytes) -> list[Document]:
    text = clean(decode(path, data))
    return [Document(id=id, title=title_of(text, path), sections=(Section((), text),))]


def clean(text: str) -> str:
    """Line ends as `\\n`; no byte-order mark, no picture, no NUL, which no database takes."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "\ufffd")
    return _EMBEDDED.sub("data:", text).strip("\ufeff\n ")


def title_of(text: str, path: Path) -> str:
    first = text.split("\n", 1)[0].strip(" #=*-")
    return first if 0 < len(first) <= LONGEST_TITLE else name_of(path)


def heading(words: str) -> str:
    """On one line, and no longer than a heading may be: a file may call anything one."""
    line = " ".join(words.split())
    return line if len(line) <= LONGEST_HEADING else f"{line[:LONGEST_HEADING]}\u2026"


def name_of(path: Path) -> str:
    named = path.parent.name if path.stem.casefold() in NAMELESS else path.stem
    return named or path.stem
