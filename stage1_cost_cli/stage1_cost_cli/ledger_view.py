"""How the ledger's totals look: a table with a cost bar a row, and the same as JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from stage1_cost_cli.ledger import By, Total
from stage1_cost_cli.money import money
from stage1_cost_cli.terminal import terminal_width, to_text

HEADS = {"day": "day (UTC)", "model": "model", "feature": "feature"}
COLUMNS: dict[str, Callable[[Total], str]] = {
    "calls": lambda row: f"{row.calls:,}",
    "in": lambda row: f"{row.input_tokens:,}",
    "out": lambda row: f"{row.output_tokens:,}",
    "cost": lambda row: money(row.known_usd),
}
ROOMY = 60  # characters; below, the token columns would leave no room for the bars


def render_totals(
    rows: Sequence[Total], by: By, *, width: int | None = None, color: bool | None = None
) -> str:
    """A table with one bar a row; the longest bar is the dearest row."""
    if not rows:
        return "The ledger has no calls yet."
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    width = width or terminal_width()
    columns = [head for head in COLUMNS if width >= ROOMY or head not in ("in", "out")]
    table = Table(box=None, pad_edge=False, expand=True)
    table.add_column(HEADS[by], overflow="fold", min_width=10, max_width=max(10, width // 3))
    for head in columns:
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("", ratio=1, min_width=4)
    dearest = float(max(row.cost_usd for row in rows))
    for row in rows:
        bar = ProgressBar(dearest, float(row.cost_usd), finished_style="bar.complete")
        cells = (COLUMNS[head](row) for head in columns)
        table.add_row(Text(row.key), *cells, bar if dearest else "")
    return to_text(table, Text(_footer(rows)), width=width, color=color)


def totals_json(rows: Sequence[Total], by: By) -> dict[str, Any]:
    return {
        "by": by,
        "rows": [
            {
                by: row.key,
                "calls": row.calls,
                "failed": row.failed,
                "cancelled": row.cancelled,
                "unknown_cost": row.unknown_cost,
                "input_tokens": row.input_tokens,
                "output_tokens": row.output_tokens,
                "cache_read_tokens": row.cache_read_tokens,
                "cost_usd": None if row.known_usd is None else float(row.known_usd),
                "saved_usd": float(row.saved_usd),
            }
            for row in rows
        ],
        "cost_usd": float(_cost(rows)),
    }


def _footer(rows: Sequence[Total]) -> str:
    """The sum, and what it does not contain."""
    calls, saved = sum(row.calls for row in rows), sum((row.saved_usd for row in rows), Decimal(0))
    parts = [f"{money(_cost(rows))} for {calls:,} call{'s' * (calls != 1)}"]
    if saved:
        parts.append(f"caching {'saved' if saved > 0 else 'cost'} {money(abs(saved))}")
    counts = {
        "failed": sum(row.failed for row in rows),
        "cancelled": sum(row.cancelled for row in rows),
        "of unknown cost, not in the sum": sum(row.unknown_cost for row in rows),
    }
    parts += [f"{count:,} {what}" for what, count in counts.items() if count]
    return "; ".join(parts)


def _cost(rows: Sequence[Total]) -> Decimal:
    return sum((row.cost_usd for row in rows), Decimal(0))
