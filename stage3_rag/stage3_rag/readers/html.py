"""HTML: what a reader sees of the main part, cut at h1 to h6.

Scripts, styles, navigation and forms are left out. Left out too: what a script would have written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shared.documents import decode
from stage3_rag.contract import Document, Section
from stage3_rag.readers.plain import clean, title_of

_UNSEEN = (
    "script, style, noscript, template, svg, nav, header nav, footer, aside, form, iframe, "
    "[hidden], [aria-hidden=true]"
)
_BLOCKS = re.compile(
    "p|div|section|article|main|[uod]l|li|d[td]|table|tr|pre|blockquote|fig(?:ure|caption)|[bh]r"
)
_CHARSET = re.compile(rb"<meta[^>]+charset=[\"']?\s*([\w-]+)", re.I)


def read(path: Path, id: str, data: bytes) -> list[Document]:
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(_text(path, data))
    head = tree.css_first("title")
    for node in tree.css(_UNSEEN):
        node.decompose()
    body = tree.css_first("main") or tree.css_first("article") or tree.body
    sections = tuple(_sections(body)) if body else ()
    text = sections[0].text if sections else ""
    named = next((s.path[0] for s in sections if s.path), "")
    title = clean(head.text()) if head else ""
    return [Document(id=id, title=title or named or title_of(text, path), sections=sections)]


def _text(path: Path, data: bytes) -> str:
    """As the file declares it, if Python knows that encoding and it fits; else as any text."""
    declared = _CHARSET.search(data[:2048])
    if declared:
        try:
            return data.decode(declared[1].decode())
        except (LookupError, UnicodeDecodeError):
            pass
    return decode(path, data)


def _sections(body: Any) -> Iterator[Section]:
    above: list[tuple[int, str]] = []
    parts: list[str] = []
    for kind, words in _pieces(body):
        if not kind:
            parts.append(words)
            continue
        if text := _joined(parts):
            yield Section(tuple(title for _, title in above), text)
        level, parts = int(kind), []
        above = [one for one in above if one[0] < level] + [(level, words)]
    if text := _joined(parts):
        yield Section(tuple(title for _, title in above), text)


def _pieces(body: Any) -> Iterator[tuple[str, str]]:
    """('2', the words of an h2), or ('', text or a line end), in reading order."""
    skip: Any = None
    for node in body.traverse(include_text=True):
        if skip is not None and _inside(node, skip):
            continue
        skip = None
        if re.fullmatch("h[1-6]", node.tag or ""):
            skip = node
            words = clean(" ".join((node.text() or "").split()))
            if words:
                yield node.tag[1], words
        elif node.tag == "-text":
            in_pre = _within(node, "pre")
            text = node.text_content or ""
            yield "", text if in_pre else re.sub(r"\s+", " ", text)
        elif node.tag in ("td", "th"):
            yield "", " | "
        elif _BLOCKS.fullmatch(node.tag or ""):
            yield "", "\n" if node.tag in ("li", "tr", "br", "dd", "dt") else "\n\n"


def _inside(node: Any, above: Any) -> bool:
    while node is not None:
        if node == above:
            return True
        node = node.parent
    return False


def _within(node: Any, tag: str) -> bool:
    while node is not None:
        if node.tag == tag:
            return True
        node = node.parent
    return False


def _joined(parts: list[str]) -> str:
    text = "".join(parts).replace("\x00", "\ufffd")
    text = re.sub(r"\n[ \t]*\|[ \t]*", "\n", re.sub(r"[ \t]+\n|\n (?=\S)", "\n", text))
    return re.sub(r"\n{3,}", "\n\n", text).strip()
