"""PDF by its text layer, a section a page: the page is the place that a citation can name."""

from __future__ import annotations

import re
from pathlib import Path

from shared.documents import pdf_pages
from stage3_rag.contract import Document, Section
from stage3_rag.readers.plain import clean, title_of

MOST_PAGES = 2000


def read(path: Path, id: str, data: bytes) -> list[Document]:
    pages = [_running(page) for page in pdf_pages(path, data, most=MOST_PAGES)]
    sections = tuple(
        Section((f"page {number}",), text) for number, text in enumerate(pages, 1) if text
    )
    first = sections[0].text if sections else ""
    return [Document(id=id, title=title_of(first, path), sections=sections)]


def _running(page: str) -> str:
    """Words that were cut at the end of a line are one word again."""
    return clean(re.sub(r"(?<=[^\W\d_])-\n(?=[a-z])", "", page))
