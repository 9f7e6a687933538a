"""From a file to text, or to one clear sentence why not.

Text files in UTF-8, UTF-16 or UTF-32 with a mark, or Windows-1252; PDF by its text layer. Left out:
OCR, and every other old code page. An image-only PDF and a text in another encoding are errors that
say so, not empty or garbled text. How large a document may be is the stage's to say.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Literal

from shared.errors import LocalError

MARKS = {  # the longer ones first: UTF-32's begins with UTF-16's
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
CONTROL = re.compile(r"[\x00-\x08\x0e-\x19\x1c-\x1f]")
MOST_CONTROL = 0.02  # of all characters; binary data has 9%
# What Windows-1252 makes of other code pages, and no Western language writes: four signs beyond
# ASCII in a row, letters among them, or one of the last three signs inside a word.
GARBLED = re.compile(
    "(?=[^\x00-\x7f]{0,3}[\u00c0-\u00ff])[^\x00-\x7f\u00a0]{4}"
    "|[^\\W\\d_][\u00b9\u00b3\u00bf][^\\W\\d_]"
)
# A PDF ends with this mark; viewers want it in the last 1024 bytes. Without it the end is missing.
PDF_END = (b"%%EOF", 1024)


class UnreadableDocument(LocalError):
    """This file gives no text; the others of the batch go on."""


class NothingToRead(UnreadableDocument):
    """Nothing is wrong with the file, and there is nothing in it."""


def find_files(path: Path, endings: Collection[str]) -> list[Path]:
    """The file itself, or every file below a folder with one of the `endings`, by name.

    Hidden ones are left out and links to folders not followed. A folder without permission and a
    link that leads nowhere are in the list, so that what is missing is told of when it is read.
    """
    try:
        if not stat.S_ISDIR(path.stat().st_mode):
            return [path]
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        told = "does not exist" if missing else f"cannot be read: {error.strerror}"
        raise UnreadableDocument(f"{_short(path)} {told}") from None
    found = sorted(_below(path, endings))
    if not found:
        raise UnreadableDocument(f"{path} holds no {', '.join(endings)} file")
    return found


def read_bytes(path: Path, most: int) -> bytes:
    """The whole file; an error when it cannot be read or has more than `most` bytes."""
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise UnreadableDocument(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > most:
        raise UnreadableDocument(f"{path} is larger than {most // 1_000_000} MB")
    return data


def is_pdf(data: bytes) -> bool:
    return data[:1024].lstrip(b"\xef\xbb\xbf\r\n\t \x00").startswith(b"%PDF-")


def decode(source: object, data: bytes) -> str:
    """Text from bytes, by its mark or by what fits; binary data is an error."""
    marked = next((name for mark, name in MARKS.items() if data.startswith(mark)), None)
    try:
        text = data.decode(marked or "utf-8-sig")
    except UnicodeDecodeError:
        text = "" if marked else _western(data)
        if not text:
            raise UnreadableDocument(
                f"{source} is not text in UTF-8, UTF-16 or Windows-1252: save it as UTF-8"
            ) from None
    if len(CONTROL.findall(text)) > MOST_CONTROL * len(text):
        raise UnreadableDocument(f"{source} is neither text nor PDF")
    return text


def pdf_pages(
    path: Path, data: bytes, *, most: int, mode: Literal["plain", "layout"] = "plain"
) -> list[str]:
    """The text layer page by page; an error beyond `most` pages or without any text.

    `layout` keeps columns apart by their place on the page, `plain` gives running text.
    """
    import logging
    import zlib

    from pypdf.errors import DependencyError, PyPdfError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it tells of every oddity it mends
    mark, tail = PDF_END
    if mark not in data.rstrip(b"\x00\r\n\t ")[-tail:]:
        raise UnreadableDocument(f"{path} is a broken PDF: its end is missing")
    try:
        pages = _pages(path, data, most, mode)
    except DependencyError:  # AES needs a library that this project does not install
        raise UnreadableDocument(
            f"{path} is encrypted: save it without a password or protection first"
        ) from None
    except (
        PyPdfError,
        # and what pypdf lets through on broken files
        ArithmeticError,
        AssertionError,
        AttributeError,
        LookupError,
        NotImplementedError,
        OSError,
        RecursionError,
        TypeError,
        ValueError,
        zlib.error,
    ) as error:
        raise UnreadableDocument(f"{path} is a broken PDF: {error}") from None
    if not any(page.strip() for page in pages):
        raise UnreadableDocument(f"{path} has no text layer (a scan?): run it through OCR first")
    return pages


def _pages(path: Path, data: bytes, most: int, mode: Literal["plain", "layout"]) -> list[str]:
    import io

    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        raise UnreadableDocument(
            f"{path} is encrypted: save it without a password or protection first"
        )
    if len(reader.pages) > most:
        raise UnreadableDocument(
            f"{path} has {len(reader.pages)} pages; at most {most} make one document"
        )
    return [page.extract_text(extraction_mode=mode) for page in reader.pages]


def _western(data: bytes) -> str:
    """Windows-1252, if the letters that it gives are those of a Western language; else nothing."""
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        return ""
    return "" if GARBLED.search(text) else text


def _below(path: Path, endings: Collection[str]) -> Iterator[Path]:
    closed: list[str] = []
    for folder, folders, files in os.walk(
        path, onerror=lambda error: closed.append(error.filename)
    ):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            file = os.path.join(folder, name)
            wanted = not name.startswith(".") and Path(name).suffix.lower() in endings
            if wanted and (os.path.isfile(file) or not os.path.exists(file)):  # no pipe or device
                yield Path(file)
    yield from map(Path, closed)


def _short(path: Path) -> str:
    name = str(path)
    return name if len(name) <= 200 else name[:197] + "..."
