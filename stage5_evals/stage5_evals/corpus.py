"""The folder that the answers come from: its fingerprint, and whether a quote stands in it.

White space, case and markup do not count, neither in a quote nor in the fingerprint: another line
width is the same corpus. Left out: reading PDF or DOCX, whose documents hold no text here.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from shared.errors import UserError
from shared.journal import key_of

_MARKUP = re.compile(r"[*_`~|\\#>]+|\[(?=[^\]]*\]\()|(?<=\])\([^)\s]*\)|\](?=\s|$|[.,;])")
_MARKS = str.maketrans(
    {"\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u00ad": None}
)
_SPACE = re.compile(r"\s+")


def plain(text: str) -> str:
    """Lower case, no markup, one blank for any white space."""
    bare = _MARKUP.sub("", unicodedata.normalize("NFKC", text.translate(_MARKS)))
    return _SPACE.sub(" ", bare).strip().casefold()


class Corpus:
    """Read once, when the first quote is looked for."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise UserError(f"{folder} is no folder: name the corpus that the labels quote")
        self.folder = folder
        self._texts: dict[str, str | None] = {}

    def documents(self) -> list[str]:
        """Names relative to the folder, hidden files left out."""
        every = (path.relative_to(self.folder) for path in self.folder.rglob("*"))
        names = [one for one in every if not any(part.startswith(".") for part in one.parts)]
        return sorted(one.as_posix() for one in names if (self.folder / one).is_file())

    def fingerprint(self) -> str:
        """The same for the same words in the same documents."""
        return key_of(*(part for name in self.documents() for part in (name, self._words(name))))[
            :16
        ]

    def holds(self, document: str, quote: str) -> bool:
        """Whether `quote` stands in `document`, word for word."""
        text = self.text(document)
        wanted = plain(quote).strip(" .,;:!?…\"'")
        return bool(wanted) and text is not None and wanted in text

    def text(self, document: str) -> str | None:
        """The `plain` text of a document; None when there is no such document, or no text in it."""
        if document not in self._texts:
            self._texts[document] = self._read(document)
        return self._texts[document]

    def _read(self, document: str) -> str | None:
        file = self.folder / document
        inside = file.resolve().is_relative_to(self.folder.resolve())
        if not inside or not file.is_file():
            return None
        try:
            return plain(file.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            return None

    def _words(self, document: str) -> str:
        data = (self.folder / document).read_bytes()
        return _SPACE.sub(" ", data.decode("utf-8", "backslashreplace")).strip()
