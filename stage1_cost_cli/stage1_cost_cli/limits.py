"""The rate limits that providers stated last, and how long ago. Nothing is asked of a provider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from stage1_cost_cli.ledger import SeenLimits
from stage1_cost_cli.terminal import to_text

NONE_SEEN = "No rate limits seen yet: a provider states them with an answer, so ask first."


def render_limits(
    seen: Sequence[SeenLimits],
    now: datetime,
    *,
    width: int | None = None,
    color: bool | None = None,
) -> str:
    if not seen:
        return NONE_SEEN
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for head in ("provider", "model", "limit"):
        table.add_column(head, overflow="fold")
    for head in ("left", "of"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("resets", overflow="fold")
    table.add_column("seen", no_wrap=True)
    for one in seen:
        for limit in one.limits:
            words = (one.provider, one.model, limit.name)
            numbers = (_count(limit.remaining), _count(limit.limit))
            when = (_reset(limit.reset, now), age((now - one.seen_at).total_seconds()))
            table.add_row(*map(Text, (*words, *numbers, *when)))
    return to_text(table, width=width, color=color)


def limits_json(seen: Sequence[SeenLimits], now: datetime) -> dict[str, Any]:
    """`reset` in the provider's own words: a moment, or a wait counted from `seen_at`."""
    return {
        "limits": [
            {
                "provider": one.provider,
                "model": one.model,
                "seen_at": one.seen_at.isoformat(),
                "age_s": round((now - one.seen_at).total_seconds(), 3),
                "limits": [asdict(limit) for limit in one.limits],
            }
            for one in seen
        ]
    }


def age(seconds: float) -> str:
    """`12 s ago`, in the largest unit of which there are two."""
    for unit, size in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {unit} ago"
    return f"{max(0, int(seconds))} s ago"


def _reset(said: str, now: datetime) -> str:
    """A moment of today as its time, since a table is narrow; a wait in the provider's words."""
    try:
        moment = datetime.fromisoformat(said).astimezone(UTC)
    except ValueError:
        return said or "?"
    return f"{moment:%H:%M:%S}Z" if moment.date() == now.date() else f"{moment:%Y-%m-%d %H:%M}Z"


def _count(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"
