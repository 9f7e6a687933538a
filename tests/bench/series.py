"""Numbers measured side by side, their medians, and how two of them compare.

A comparison is made round by round and not between medians: what a neighbour on the machine slows
down, it slows down for both sides of one round. Nothing here knows what is measured.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Measured = dict[str, float]  # column -> value
Table = dict[str, dict[str, list[float]]]  # row -> column -> one value a round


@dataclass(frozen=True, slots=True)
class Comparison:
    """`aim`: the largest median that is good enough; None where there is only something to see."""

    name: str
    values: Sequence[float]
    unit: str = "x"
    aim: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def ok(self) -> bool:
        return self.aim is None or self.median <= self.aim

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "unit": self.unit,
            "median": round(self.median, 4),
            "low": round(min(self.values), 4),
            "high": round(max(self.values), 4),
            "aim": self.aim,
            "ok": self.ok,
        }


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    note: str
    table: Table
    comparisons: Sequence[Comparison] = field(default_factory=tuple)

    def to_json(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "note": self.note,
            "rows": {
                row: {column: _summary(values) for column, values in cells.items()}
                for row, cells in self.table.items()
            },
            "comparisons": [one.to_json() for one in self.comparisons],
        }


def interleave(
    measures: Mapping[str, Callable[[], Measured]], rounds: int, thrown_away: int = 0
) -> Table:
    """Every measure once a round, A B A B; the first `thrown_away` rounds only warm up."""
    table: Table = {row: {} for row in measures}
    for turn in range(thrown_away + rounds):
        for row, measure in measures.items():
            measured = measure()
            if turn >= thrown_away:
                for column, value in measured.items():
                    table[row].setdefault(column, []).append(value)
    return table


def bounded(
    measures: Mapping[str, Callable[[], Measured]], rounds: int, until: float, thrown_away: int = 0
) -> tuple[Table, int]:
    """`interleave` until there are enough rounds or `time.monotonic()` is `until`; at least one."""
    table = interleave(measures, 1, thrown_away)
    done = 1
    while done < rounds and time.monotonic() < until:
        for row, cells in interleave(measures, 1).items():
            for column, values in cells.items():
                table[row][column] += values
        done += 1
    return table, done


def ratios(table: Table, column: str, ours: str, theirs: str) -> list[float]:
    pairs = zip(table[ours][column], table[theirs][column], strict=True)
    return [a / b for a, b in pairs]


def differences(table: Table, column: str, ours: str, theirs: str) -> list[float]:
    pairs = zip(table[ours][column], table[theirs][column], strict=True)
    return [a - b for a, b in pairs]


def render(section: Section) -> str:
    """Plain text: one line a row with `median (min-max)`, then the comparisons."""
    columns = list(next(iter(section.table.values())))
    lines = [["", *columns]]
    lines += [
        [row, *(_cell(cells[column]) for column in columns)] for row, cells in section.table.items()
    ]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns) + 1)]
    text = [section.title, section.note, *(_aligned(line, widths) for line in lines)]
    text += [_compared(one) for one in section.comparisons]
    return "\n".join(text)


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = (
        cell.ljust(width) if place == 0 else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(line, widths, strict=True))
    )
    return "  ".join(["  " + first, *rest]).rstrip()


def _compared(one: Comparison) -> str:
    aim = "" if one.aim is None else f"  aim <= {one.aim:g}: {'ok' if one.ok else 'MISSED'}"
    low, high = min(one.values), max(one.values)
    return f"  {one.name}: {one.median:.2f} {one.unit} ({low:.2f}-{high:.2f}){aim}"


def _cell(values: Sequence[float]) -> str:
    median = statistics.median(values)
    if len(values) == 1:  # counted, not timed
        return f"{median:.0f}" if median.is_integer() else _number(median)
    return f"{_number(median)} ({_number(min(values))}-{_number(max(values))})"


def _number(value: float) -> str:
    """Three significant digits, without an exponent."""
    size = abs(value)
    return f"{value:.2f}" if size < 10 else f"{value:.1f}" if size < 100 else f"{value:.0f}"


def _summary(values: Sequence[float]) -> dict[str, Any]:
    return {
        "median": round(statistics.median(values), 4),
        "low": round(min(values), 4),
        "high": round(max(values), 4),
        "rounds": len(values),
    }
