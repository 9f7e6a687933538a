"""A plain table: it is read in terminals, pipes, READMEs and pull requests alike."""

from __future__ import annotations

from collections.abc import Sequence


def table(rows: Sequence[Sequence[str]], *, rule: bool = False) -> str:
    """Columns as wide as they must be, two spaces apart; `rule` draws a line under the first."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [*rows[:1], *([["-" * width for width in widths]] if rule else []), *rows[1:]]
    texts = ("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
    return "\n".join(texts) + "\n"
