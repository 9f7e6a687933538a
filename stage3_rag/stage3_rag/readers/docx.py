"""Word files: paragraphs and tables in order, cut at the heading styles.

A table is a line a row, a merged cell is said once, a table within a cell follows in its place.
Inserted text counts and deleted text does not, as if all changes were accepted. Left out: headers,
footers, comments, footnotes, text boxes, and a table of contents. A zip bomb is refused by what the
archive says of itself before anything of it is unpacked.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from shared.documents import UnreadableDocument
from stage3_rag.contract import Document, Section
from stage3_rag.readers.plain import clean, heading, title_of

MOST_UNPACKED = 100_000_000
_HEADING = re.compile(r"heading (\d)|(title)$", re.I)
_WRAPPERS = ("sdt", "ins", "moveTo", "smartTag", "customXml")  # python-docx passes these over


def read(path: Path, id: str, data: bytes) -> list[Document]:
    word = _open(path, data)
    _unwrap(word.element.body)
    sections = tuple(_sections(word))
    text = sections[0].text if sections else ""
    named = next((s.path[0] for s in sections if s.path), "")
    title, changed = _facts(word)
    return [
        Document(
            id=id,
            title=title or named or title_of(text, path),
            sections=sections,
            updated=changed,
        )
    ]


def _open(path: Path, data: bytes) -> Any:
    from docx import Document as open_word
    from docx.opc.exceptions import OpcError

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(part.file_size for part in archive.infolist())
        if unpacked > MOST_UNPACKED:
            raise UnreadableDocument(
                f"{path} unpacks to {unpacked // 1_000_000} MB; at most "
                f"{MOST_UNPACKED // 1_000_000} MB are read"
            )
        return open_word(io.BytesIO(data))
    except (zipfile.BadZipFile, OpcError, KeyError, ValueError, SyntaxError, NotImplementedError):
        raise UnreadableDocument(
            f"{path} is not a readable Word file (.docx): open it and save it again"
        ) from None
    except RuntimeError:  # an encrypted archive
        raise UnreadableDocument(f"{path} is encrypted: save it without a password") from None


def _facts(word: Any) -> tuple[str, date | None]:
    """Title and day of the last change; python-docx makes both up for a file that says neither."""
    from docx.opc.constants import RELATIONSHIP_TYPE

    try:
        word.part.package.part_related_by(RELATIONSHIP_TYPE.CORE_PROPERTIES)
        core = word.core_properties
        changed = core.modified
    except (KeyError, ValueError):
        return "", None
    return heading(clean(core.title or "")), changed.date() if changed else None


def _unwrap(body: Any) -> None:
    """Content controls, tracked insertions and tags give way to what they hold."""
    from docx.oxml.ns import qn

    for gallery in list(body.iter(qn("w:docPartGallery"))):
        if gallery.get(qn("w:val")) == "Table of Contents":
            whole = next(gallery.iterancestors(qn("w:sdt")), None)
            if whole is not None and whole.getparent() is not None:
                whole.getparent().remove(whole)
    for node in list(body.iter(*(qn(f"w:{name}") for name in _WRAPPERS))):
        above = node.getparent()
        content = node.find(qn("w:sdtContent")) if node.tag == qn("w:sdt") else node
        if above is None:
            continue
        for child in list(content if content is not None else ()):
            node.addprevious(child)
        above.remove(node)


def _sections(word: Any) -> Iterator[Section]:
    above: list[tuple[int, str]] = []
    parts: list[str] = []
    for block in word.iter_inner_content():
        level, words = _block(block)
        if level is None:
            parts.append(words)
            continue
        if text := _joined(parts):
            yield Section(tuple(title for _, title in above), text)
        above, parts = [one for one in above if one[0] < level] + [(level, words)], []
    if text := _joined(parts):
        yield Section(tuple(title for _, title in above), text)


def _block(block: Any) -> tuple[int | None, str]:
    """The level of a heading or None, and the words."""
    if hasattr(block, "rows"):
        return None, "\n".join(_rows(block))
    words = block.text.strip()
    level = _level(block.style)
    if level is not None and words:
        return level, heading(words)
    is_item = block.style is not None and (block.style.name or "").lower().startswith("list")
    return None, f"- {words}" if words and is_item else words


def _level(style: Any) -> int | None:
    """Of a heading style, or of one made after a heading style."""
    for _ in range(10):
        if style is None:
            break
        found = _HEADING.match(style.name or "")
        if found:
            return int(found[1] or 1)
        style = getattr(style, "base_style", None)
    return None


def _rows(table: Any) -> Iterator[str]:
    seen: set[Any] = set()
    for row in table.rows:
        cells = []
        for cell in row.cells:  # a merged cell comes once for each place that it covers
            if cell._tc not in seen:
                seen.add(cell._tc)
                cells.append(_cell(cell))
        if any(cells):
            yield " | ".join(cells)


def _cell(cell: Any) -> str:
    parts = (
        "\n".join(_rows(block)) if hasattr(block, "rows") else block.text.strip()
        for block in cell.iter_inner_content()
    )
    return "\n".join(part for part in parts if part)


def _joined(parts: list[str]) -> str:
    return clean("\n\n".join(part for part in parts if part))
