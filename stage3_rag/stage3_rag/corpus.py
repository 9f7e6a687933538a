"""What a path on disk means to a collection: its files, what they are called, what has gone.

A document is named by its path below an `origin`, the folder that was ingested. A file or folder
within an origin that the collection knows keeps the names it has there, and a folder around one
takes it over. Left out: reading the files.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from shared.documents import UnreadableDocument
from stage3_rag.reading import SourceFile, find_sources
from stage3_rag.snapshot import Stored


@dataclass(frozen=True, slots=True)
class Corpus:
    """`path` is absolute; `origin` is a folder at or above it, which every id is relative to."""

    path: Path
    is_file: bool
    origin: str
    sources: list[SourceFile]

    def gone(
        self, stored: Sequence[Stored], seen: Collection[str], failed: Collection[str]
    ) -> list[str]:
        """Ids of what was read from below `path` before and is there no longer.

        `seen` are ids, `failed` those of files or folders that could not be read: what they held
        before stays.
        """
        lost = [f"{self.origin}/{id}" for id in failed]
        return [
            one.id
            for one in stored
            if self._covers(one)
            and not (one.origin == self.origin and one.id in seen)
            and not any(_within(one, place) for place in lost)
        ]

    def taken(self, one: Stored) -> bool:
        """Whether this id belongs to a file elsewhere that is still there."""
        return bool(one.origin) and one.origin != self.origin and _file(one).exists()

    def _covers(self, one: Stored) -> bool:
        return bool(one.origin) and _within(one, str(self.path))


def find_corpus(path: Path, stored: Sequence[Stored]) -> Corpus:
    """An error when there is nothing to read, unless there was before: then all of it has gone."""
    home = path.resolve() if path.is_dir() else path.parent.resolve()
    known = {Path(one.origin) for one in stored if one.origin}
    around = [origin for origin in known if home.is_relative_to(origin)]
    root = min(around, key=lambda origin: len(origin.parts), default=home)
    corpus = Corpus(path.resolve(), path.is_file(), str(root), [])
    try:
        corpus.sources.extend(find_sources(path, home.relative_to(root)))
    except UnreadableDocument:
        if not path.is_dir() or not corpus.gone(stored, (), ()):
            raise
    return corpus


def file_of(id: str) -> str:
    """The file that a document is from: an issue is `export.json#7`."""
    return id.rpartition("#")[0] or id


def _file(one: Stored) -> Path:
    whole = Path(one.origin, one.id)
    return whole if whole.exists() else Path(one.origin, file_of(one.id))


def _within(one: Stored, place: str) -> bool:
    """Whether a document is the one at `place`, or in that file or folder."""
    own = f"{one.origin}/{one.id}"
    return own == place or own.startswith((f"{place}/", f"{place}#"))
