"""From a file to the text of one invoice or ticket: what is looked for and how large it may be.

How a file is read stands in `shared.documents`.
"""

from __future__ import annotations

from pathlib import Path

from shared.documents import (
    UnreadableDocument,
    decode,
    find_files,
    is_pdf,
    pdf_pages,
    read_bytes,
)

ENDINGS = (".pdf", ".txt", ".md", ".eml", ".text", ".csv", ".ocr")
MOST_PAGES = 50
MOST_BYTES = 20_000_000
MOST_CHARACTERS = 200_000


def find_documents(path: Path) -> list[Path]:
    return find_files(path, ENDINGS)


def read_document(path: Path) -> str:
    """The text of a file; `UnreadableDocument` names what is wrong with it."""
    data = read_bytes(path, MOST_BYTES)
    if is_pdf(data):
        return usable(path, "\n\n".join(pdf_pages(path, data, most=MOST_PAGES, mode="layout")))
    return usable(path, decode(path, data))


def usable(source: object, text: str) -> str:
    """`text` without blank margins; an error when nothing or far too much is left."""
    if not text.strip("\ufeff").strip():
        raise UnreadableDocument(f"{source} holds no text")
    if len(text) > MOST_CHARACTERS:
        raise UnreadableDocument(
            f"{source} has {len(text):,} characters; at most {MOST_CHARACTERS:,} are taken as one "
            "document: split it"
        )
    return text.strip("\r\n\ufeff")
