"""Reads the named statements of a file in `sql/`."""

from __future__ import annotations

from pathlib import Path


def load_queries(name: str) -> dict[str, str]:
    """Name -> SQL of every statement in `sql/NAME.sql`, each under a line `-- name: NAME`."""
    text = (Path(__file__).parent / "sql" / f"{name}.sql").read_text(encoding="utf-8")
    blocks = text.split("-- name: ")[1:]
    return {name.strip(): sql for name, _, sql in (block.partition("\n") for block in blocks)}
