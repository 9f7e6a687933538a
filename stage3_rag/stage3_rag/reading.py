"""From a file to documents: which format it is, how large it may be, what it is called.

Markdown, plain text, HTML, PDF, DOCX, and a JSON export of GitHub issues, which is one document an
issue. Each format is a file in `readers/`. Left out: images, scans, spreadsheets, and fetching.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from shared.documents import NothingToRead, UnreadableDocument, find_files, is_pdf, read_bytes
from stage3_rag.contract import Document
from stage3_rag.readers import docx, html, issues, markdown, pdf, plain

MOST_BYTES = 50_000_000
MOST_CHARACTERS = 5_000_000  # of one document; about 5,000 chunks
READERS = {
    ".md": markdown.read,
    ".markdown": markdown.read,
    ".mdx": markdown.read,
    ".txt": plain.read,
    ".text": plain.read,
    ".rst": plain.read,
    ".html": html.read,
    ".htm": html.read,
    ".pdf": pdf.read,
    ".docx": docx.read,
    ".json": issues.read,
    ".jsonl": issues.read,
    ".ndjson": issues.read,
}
ENDINGS = tuple(READERS)
FORMAT = "1"  # to be raised when a reader gives another text for the same bytes


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of a corpus. `id` is its path within the corpus, with `/` on every system."""

    path: Path
    id: str


def find_sources(path: Path, below: Path = Path()) -> list[SourceFile]:
    """The file itself, or every readable file below a folder, by name.

    `below` is where that folder, or the file's, lies within the corpus.
    """
    root = path if path.is_dir() else path.parent
    return [
        SourceFile(found, _id(below / found.relative_to(root)))
        for found in find_files(path, ENDINGS)
    ]


def read_source(file: SourceFile, data: bytes) -> list[Document]:
    """Its documents, each with some text; `UnreadableDocument` says what is wrong with the file."""
    suffix = ".pdf" if is_pdf(data) else file.path.suffix.lower()
    reader = READERS.get(suffix)
    if reader is None:
        raise UnreadableDocument(f"{file.path} is none of {', '.join(ENDINGS)}")
    found = [one for one in reader(file.path, file.id, data) if one.text.strip()]
    if not found:
        raise NothingToRead(f"{file.path} holds no text")
    for one in found:
        size = len(one.text)
        if size > MOST_CHARACTERS:
            raise UnreadableDocument(
                f"{file.path} has {size:,} characters; at most {MOST_CHARACTERS:,} are taken as "
                "one document: split it"
            )
    return found


def file_hash(data: bytes) -> str:
    return hashlib.sha256(f"{FORMAT} ".encode() + data).hexdigest()


def _id(path: Path) -> str:
    """A name on disk may hold bytes that are no text, and no database takes those."""
    return path.as_posix().encode("utf-8", "replace").decode()


def load(file: SourceFile) -> bytes:
    return read_bytes(file.path, MOST_BYTES)


def content_hash(document: Document) -> str:
    """Changes with anything that a reader or a search could see of the document."""
    return hashlib.sha256(repr((FORMAT, document)).encode("utf-8", "surrogatepass")).hexdigest()
