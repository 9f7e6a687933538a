"""From a file to text, or to one clear sentence why not.

Text files in UTF-8, UTF-16 with a mark, or Windows-1252; PDF by its text layer. Left out: OCR. An
image-only PDF is an error that says so, not an empty record.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from shared.errors import LocalError

TEXT_ENDINGS = (".txt", ".md", ".eml", ".text", ".csv", ".ocr", "")
ENDINGS = (".pdf", *TEXT_ENDINGS[:-1])
MOST_PAGES = 50
MOST_BYTES = 20_000_000
MOST_CHARACTERS = 200_000


class UnreadableDocument(LocalError):
    """This file gives no text; the others of the batch go on."""


def find_documents(path: Path) -> list[Path]:
    """The file itself, or every readable file below a folder, by name."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise UnreadableDocument(f"{path} does not exist")
    found = sorted(
        file
        for file in path.rglob("*")
        if file.is_file() and file.suffix.lower() in ENDINGS and not file.name.startswith(".")
    )
    if not found:
        raise UnreadableDocument(f"{path} holds no {', '.join(ENDINGS)} file")
    return found


def read_document(path: Path) -> str:
    """The text of a file; `UnreadableDocument` names what is wrong with it."""
    try:
        data = path.read_bytes() if path.stat().st_size <= MOST_BYTES else None
    except OSError as error:
        raise UnreadableDocument(f"{path} cannot be read: {error.strerror}") from None
    if data is None:
        raise UnreadableDocument(f"{path} is larger than {MOST_BYTES // 1_000_000} MB")
    text = pdf_text(path, data) if data.startswith(b"%PDF") else decode(path, data)
    return usable(path, text)


def usable(source: object, text: str) -> str:
    """`text` without blank margins; an error when nothing or far too much is left."""
    if not text.strip():
        raise UnreadableDocument(f"{source} holds no text")
    if len(text) > MOST_CHARACTERS:
        raise UnreadableDocument(
            f"{source} has {len(text):,} characters; at most {MOST_CHARACTERS:,} are taken as one "
            "document: split it"
        )
    return text.strip("\r\n\ufeff")


def decode(source: object, data: bytes) -> str:
    """Text from bytes, by its mark or by what fits; binary data is an error."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _decoded(source, data, "utf-16")
    if b"\x00" in data[:4096]:
        raise UnreadableDocument(f"{source} is neither text nor PDF")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _decoded(source, data, "cp1252")


def pdf_text(path: Path, data: bytes) -> str:
    """The text layer, pages in order, columns kept apart by their place on the page."""
    import io

    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise UnreadableDocument(f"{path} is encrypted: save it without a password first")
        if len(reader.pages) > MOST_PAGES:
            raise UnreadableDocument(
                f"{path} has {len(reader.pages)} pages; at most {MOST_PAGES} make one document"
            )
        text = "\n\n".join(_pages(reader))
    except UnreadableDocument:
        raise
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableDocument(f"{path} is a broken PDF: {error}") from None
    except ImportError:  # AES needs a library that this project does not install
        raise UnreadableDocument(f"{path} is encrypted: save it without a password first") from None
    if not text.strip():
        raise UnreadableDocument(f"{path} has no text layer (a scan?): run it through OCR first")
    return text


def _pages(reader: object) -> Iterator[str]:
    for page in reader.pages:  # type: ignore[attr-defined]
        yield page.extract_text(extraction_mode="layout")


def _decoded(source: object, data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise UnreadableDocument(f"{source} is not text in UTF-8, UTF-16 or Windows-1252") from None
