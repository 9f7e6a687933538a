"""HTML: what a reader sees of the main part, cut at h1 to h6.

Scripts, styles, navigation, buttons and what is hidden are left out; so is what stands beside a
page's main part, when the page says which part that is. Left out too: what a script would have
written.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shared.documents import decode
from stage3_rag.contract import Document, Section
from stage3_rag.readers.plain import clean, heading, title_of

_UNSEEN = (
    "script, style, noscript, template, svg, nav, iframe, button, select, textarea, "
    "[hidden], [aria-hidden=true], [style*='display:none'], [style*='display: none'], "
    ".mw-editsection"
)
_BESIDE = "header, footer, aside"
_BLOCKS = re.compile(
    "p|div|section|article|main|header|footer|aside|form|fieldset|details|summary|address|body"
    "|[uod]l|li|d[td]|table|tr|pre|blockquote|fig(?:ure|caption)|[bh]r"
)
_LINES = re.compile("li|tr|br|d[dt]")
_HEADING = re.compile("h[1-6]")
_SIGNS = "¶§#\N{LINK SYMBOL}\u200b \n"  # that documentation puts at headings, to link to them
_CHARSET = re.compile(rb"<meta[^>]+charset=[\"']?\s*([\w-]+)", re.I)
# What these names mean to every browser.
_REALLY = {"iso8859-1": "cp1252", "ascii": "cp1252", "utf-16": "utf-8", "utf-16-le": "utf-8"}


def read(path: Path, id: str, data: bytes) -> list[Document]:
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(_text(path, data))
    head = tree.css_first("head > title")
    for node in tree.css(_UNSEEN):
        node.decompose()
    sections = tuple(_sections(_main(tree))) if tree.body else ()
    text = sections[0].text if sections else ""
    named = next((s.path[0] for s in sections if s.path), "")
    title = heading(clean(head.text())) if head else ""
    return [Document(id=id, title=title or named or title_of(text, path), sections=sections)]


def _main(tree: Any) -> Any:
    """The main part, if the page names exactly one and there are words in it."""
    for mark in ("main", "[role=main]", "article"):
        found = tree.css(mark)
        if len(found) == 1 and (found[0].text() or "").strip():
            return found[0]
    for node in tree.body.css(_BESIDE):
        if not node.css_first("h1"):  # a page without marks may keep its title in a header
            node.decompose()
    return tree.body


def _text(path: Path, data: bytes) -> str:
    """As the file declares it, if Python knows that encoding and it fits; else as any text."""
    declared = _CHARSET.search(data[:2048])
    if declared and not data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        try:
            name = codecs.lookup(declared[1].decode()).name
            return data.decode(_REALLY.get(name, name))
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
    in_pre = in_cell = 0
    for node, opens in _walk(body):
        tag = node.tag
        if tag == "-text":
            text = node.text_content or ""
            yield "", text if in_pre else re.sub(r"\s+", " ", text)
        elif _HEADING.fullmatch(tag):
            words = heading(clean(node.text() or "").strip(_SIGNS)) if opens else ""
            if words:
                yield tag[1], words
        elif tag in ("td", "th"):
            in_cell += 1 if opens else -1
            yield "", " | " if opens else ""
        elif _BLOCKS.fullmatch(tag):
            in_pre += (1 if opens else -1) if tag == "pre" else 0
            # a paragraph within a cell does not break the row, nor does one that opens a list item
            yield "", _gap(tag, opens) if not in_cell or tag in ("tr", "table") else " "


def _gap(tag: str, opens: bool) -> str:
    if _LINES.fullmatch(tag):
        return "\n" if opens else ""
    return "\n\n"


def _walk(body: Any) -> Iterator[tuple[Any, bool]]:
    """Every node as it opens and, but for text, as it ends; what is in a heading is passed over.

    Without recursion and without looking upwards: pages nest thousands deep.
    """
    node, opens = body.child, True
    depth = 0
    while node is not None:
        if opens:
            yield node, True
            inside = None if _HEADING.fullmatch(node.tag or "") else node.child
            if inside is not None:
                node, depth = inside, depth + 1
                continue
        if node.tag != "-text":
            yield node, False
        if node.next is not None:
            node, opens = node.next, True
        elif depth:
            node, depth, opens = node.parent, depth - 1, False
        else:
            return


def _joined(parts: list[str]) -> str:
    text = clean("".join(parts))
    text = re.sub(r"[ \t]+\n|\n (?=\S)", "\n", text)
    text = re.sub(r"\n[ \t]*\|[ \t]*", "\n", f"\n{text}")
    text = re.sub(r" {2,}\| *| \| {2,}", " | ", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()
