"""Verdicts that were paid for, one file each, named by all that decides them and the repeat.

Several runs may share the folder: a file is written beside its place and moved there. A failure is
never kept, so it is asked again. Left out: a limit on the size; the folder may be deleted.
"""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

from shared.errors import LocalError


class VerdictCache:
    """Without a folder it keeps nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def get(self, key: str) -> dict[str, Any] | None:
        if self._folder is None:
            return None
        try:
            found = json.loads(self._place(self._folder, key).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None  # not there, or damaged: then it is asked again
        return found if isinstance(found, dict) else None

    def put(self, key: str, verdict: dict[str, Any]) -> None:
        if self._folder is None:
            return
        place = self._place(self._folder, key)
        beside = place.with_name(f".{secrets.token_hex(8)}")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(json.dumps(verdict, ensure_ascii=False), "utf-8", "backslashreplace")
            beside.replace(place)
        except OSError as error:
            raise LocalError(f"{place} cannot be written: {error.strerror}") from None

    @staticmethod
    def _place(folder: Path, key: str) -> Path:
        return folder / key[:2] / f"{key[2:]}.json"
