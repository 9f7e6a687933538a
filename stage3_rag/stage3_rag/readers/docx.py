"""Word files: paragraphs and tables in order, cut at the heading styles.

Left out: headers, footers, comments, footnotes and text boxes. A zip bomb is refused by what the
archive says of itself before anything of it is unpacked.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shared.documents import UnreadableDocument
from stage3_rag.contract import Document, Section
from stage3_rag.readers.plain import clean, title_of

MOST_UNPACKED = 100_000_000
_HEADING = re.compile(r"heading (\d)|(title)$", re.I)


def read(path: Path, id: str, data: bytes) -> list[Document]:
    word = _open(path, data)
    sections = tuple(_sections(word))
    core = word.core_properties
    text = sections[0].text if sections else ""
    named = next((s.path[0] for s in sections if s.path), "")
    changed = core.modified
    return [
        Document(
            id=id,
            title=clean(core.title or "") or named or title_of(text, path),
            sections=sections,
            updated=changed.date() if changed else None,
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
        rows = (" | ".join(cell.text.strip() for cell in row.cells) for row in block.rows)
        return None, "\n".join(rows)
    name = (block.style.name or "") if block.style else ""
    heading = _HEADING.match(name)
    words = block.text.strip()
    if heading and words:
        return int(heading[1] or 1), words
    return None, f"- {words}" if words and name.lower().startswith("list") else words


def _joined(parts: list[str]) -> str:
    return clean("\n\n".join(part for part in parts if part))
