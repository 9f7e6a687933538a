"""Reads the named statements of an SQL file."""

from __future__ import annotations

from pathlib import Path


def load_queries(file: Path) -> dict[str, str]:
    """Name -> SQL of every statement, each under a line `-- name: NAME`."""
    blocks = file.read_text(encoding="utf-8").split("-- name: ")[1:]
    return {name.strip(): sql for name, _, sql in (block.partition("\n") for block in blocks)}
