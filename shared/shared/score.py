"""The numbers a stage is judged by: a `Row` is one number and its bar, a `Score` one run.

Every stage's `score` command makes a `Score` and ends with `tell`; the scoreboard reads the JSON.
Left out: how a number is measured, and its interval (`resampling`).
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.process import answer, answer_json
from shared.tables import table


@dataclass(frozen=True, slots=True)
class Row:
    """`low` and `high`: 95% interval. `sure`: the whole interval must lie above the bar."""

    metric: str
    value: float
    bar: float
    at_most: bool = False
    sure: bool = False
    low: float | None = None
    high: float | None = None

    @property
    def ok(self) -> bool:
        if self.sure:
            return self.low is not None and self.low > self.bar
        return self.value <= self.bar if self.at_most else self.value >= self.bar

    @property
    def asked(self) -> str:
        bound = "surely above" if self.sure else "at most" if self.at_most else "at least"
        return f"{bound} {self.bar:g}"

    def to_json(self) -> dict[str, Any]:
        numbers = {"value": self.value, "low": self.low, "high": self.high}
        rounded = {name: round(x, 4) for name, x in numbers.items() if x is not None}
        kind = {"at_most": self.at_most, "sure": self.sure}
        return {"metric": self.metric, **rounded, "bar": self.bar, **kind, "ok": self.ok}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Row:
        """`KeyError` where a number is missing."""
        optional = {name: data[name] for name in ("at_most", "sure", "low", "high") if name in data}
        return cls(data["metric"], data["value"], data["bar"], **optional)


@dataclass(frozen=True, slots=True)
class Score:
    """`cost_usd` is None where a server did not state what was used."""

    stage: int
    model: str
    cases: int
    rows: tuple[Row, ...]
    seconds: float
    cost_usd: float | None

    @property
    def ok(self) -> bool:
        return all(row.ok for row in self.rows)

    def to_json(self) -> dict[str, Any]:
        return {
            "stage": self.stage,
            "model": self.model,
            "cases": self.cases,
            "seconds": round(self.seconds, 2),
            "cost_usd": None if self.cost_usd is None else round(self.cost_usd, 6),
            "rows": [row.to_json() for row in self.rows],
        }


def rows_text(rows: Sequence[Row]) -> str:
    body = [["", "measured", "95% interval", "asked", ""]]
    for row in rows:
        between = "" if row.low is None else f"[{row.low:.3f}, {row.high:.3f}]"
        verdict = "ok" if row.ok else "MISSED"
        body.append([row.metric, f"{row.value:.3f}", between, row.asked, verdict])
    return table(body)


def tell(score: Score, text: str, arguments: Namespace) -> int:
    """Prints `text`, or JSON for `--json`; the exit code, 1 when `--check` finds a bar missed."""
    if arguments.json:
        answer_json(score.to_json())
    else:
        answer(text)
    return 1 if arguments.check and not score.ok else 0
