"""The named statements of a file in `sql/`."""

from __future__ import annotations

from pathlib import Path

from shared import queries


def load_queries(name: str) -> dict[str, str]:
    """Name -> SQL of every statement in `sql/NAME.sql`."""
    return queries.load_queries(Path(__file__).parent / "sql" / f"{name}.sql")
