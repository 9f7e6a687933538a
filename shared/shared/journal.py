"""What a run has already paid for: one JSON line an answer, written as it comes.

A run that is killed is taken up where it was: what has the same key is not asked again. A
half-written last line, as a kill leaves it, is dropped.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from shared.errors import LocalError

_ENCODE = json.JSONEncoder(ensure_ascii=False).encode
START = b'{"key": "'  # of every line


class Journal:
    """Append-only; safe for one process at a time, which a lock on the file makes sure of."""

    def __init__(self, path: Path, *, to_disk: bool = True) -> None:
        """`to_disk`: each entry outlives a power cut; without it, a kill of the process only."""
        self.path = path
        self._to_disk = to_disk
        self._done: dict[str, dict[str, Any]] = {}
        self._file: Any = None

    def __enter__(self) -> Journal:
        import fcntl

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a+b", buffering=0)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._recover()
        except BlockingIOError:
            self._file.close()
            raise LocalError(
                f"{self.path} is in use by another run: wait, or choose another"
            ) from None
        except OSError as error:
            raise LocalError(f"{self.path} cannot be written: {error.strerror}") from None
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def get(self, key: str) -> dict[str, Any] | None:
        """The finished entry with `key`, if there is one."""
        return self._done.get(key)

    def put(self, key: str, entry: dict[str, Any]) -> None:
        """Written when this returns; an `OSError` leaves the journal as it was."""
        line = _ENCODE({"key": key, **entry}) + "\n"
        # Half a surrogate pair, which a model can write, has no UTF-8; JSON has an escape for it.
        data = line.encode("utf-8", "backslashreplace")
        before = self._file.seek(0, os.SEEK_END)
        try:
            written = 0
            while written < len(data):
                written += self._file.write(data[written:])
            if self._to_disk:
                os.fsync(self._file.fileno())
        except OSError:
            self._file.truncate(before)
            raise
        self._done[key] = entry

    def _recover(self) -> None:
        """Reads what is there; only half a line at the end, as a kill leaves it, is cut off."""
        self._file.seek(0)
        lines = self._file.read().splitlines(keepends=True)
        if lines and not lines[0].startswith(START[: len(lines[0])]):
            self._file.close()
            raise LocalError(f"{self.path} is not a journal: name a file that is, or a new one")
        for line in lines:
            if (entry := _entry(line)) is not None:
                self._done[entry.pop("key")] = entry
        if lines and not lines[-1].endswith(b"\n"):
            self._file.truncate(self._file.seek(0, os.SEEK_END) - len(lines[-1]))


def key_of(*parts: str) -> str:
    """One key for a text together with everything that decides its answer."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part.encode())
    return digest.hexdigest()


def _entry(line: bytes) -> dict[str, Any] | None:
    if not line.endswith(b"\n"):
        return None
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and "key" in entry else None
