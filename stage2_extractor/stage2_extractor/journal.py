"""What a batch has already paid for: one JSON line a document, written as it is finished.

A run that is killed is taken up where it was: a document whose text, prompt and models are the same
is not sent again. A half-written last line, as a kill leaves it, is dropped.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shared.errors import LocalError


class Journal:
    """Append-only; safe for one process at a time, which a lock on the file makes sure of."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._done: dict[str, dict[str, Any]] = {}
        self._file: Any = None

    def __enter__(self) -> Journal:
        import fcntl

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a+b")
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LocalError(
                f"{self.path} is in use by another run: wait, or choose another"
            ) from None
        except OSError as error:
            raise LocalError(f"{self.path} cannot be written: {error.strerror}") from None
        self._recover()
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def get(self, key: str) -> dict[str, Any] | None:
        """The finished entry with `key`, if there is one."""
        return self._done.get(key)

    def put(self, key: str, entry: dict[str, Any]) -> None:
        """On the disk when this returns."""
        line = json.dumps({"key": key, **entry}, ensure_ascii=False) + "\n"
        self._file.write(line.encode())
        self._file.flush()
        os.fsync(self._file.fileno())
        self._done[key] = entry

    def _recover(self) -> None:
        self._file.seek(0)
        whole = 0
        for line in self._file:
            entry = _entry(line)
            if entry is None:
                break
            whole += len(line)
            self._done[entry.pop("key")] = entry
        self._file.truncate(whole)
        self._file.seek(0, os.SEEK_END)


def key_of(*parts: str) -> str:
    """One key for a text together with everything that decides its answer."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part.encode())
    return digest.hexdigest()


def entries(path: Path) -> Iterator[dict[str, Any]]:
    """Every whole line of a journal."""
    with path.open("rb") as file:
        yield from filter(None, map(_entry, file))


def _entry(line: bytes) -> dict[str, Any] | None:
    if not line.endswith(b"\n"):
        return None
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and "key" in entry else None
