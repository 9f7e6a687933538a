"""Where the record of a run goes: the file of its session, or one of its own."""

from __future__ import annotations

import re
import tempfile
from argparse import Namespace
from pathlib import Path

from shared.errors import UserError

SESSION = re.compile(r"[\w.-]{1,64}")


def record_file(arguments: Namespace, home: Path) -> tuple[Path, bool]:
    """The file of the record, and whether it holds an earlier run."""
    if arguments.trace:
        file = Path(arguments.trace)
    elif arguments.session:
        if not SESSION.fullmatch(arguments.session) or set(arguments.session) == {"."}:
            raise UserError("--session NAME: letters, digits, dot, - and _, at most 64")
        file = home / f"{arguments.session}.jsonl"
    else:
        file = Path(tempfile.mkdtemp(prefix="run-", dir=made(home))) / "trace.jsonl"
    return file, file.is_file() and file.stat().st_size > 0


def made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
