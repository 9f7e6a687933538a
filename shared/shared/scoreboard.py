"""The table that `make demo` ends with: what each stage was asked to reach and what it reached now.

It never spends: whatever keys are set, the stages run on the offline model.

Every row comes from that stage's own `score --json`, run in a process of its own. A stage without a
`score` module is shown as not built. Nothing is typed in here but names and targets.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from textwrap import shorten
from typing import Any

from shared.programs import clean_environment
from shared.score import Row
from shared.tables import table

STAGES = (
    (1, "stage1_cost_cli", "predict cost within 20%"),
    (2, "stage2_extractor", "the number moves over three iterations"),
    (3, "stage3_rag", "recall@5 > 80%, answer < 3 s"),
    (4, "stage4_agent", "every fault survived"),
    (5, "stage5_evals", "red on a 5% drop"),
    (6, "stage6_production", "p50/p99, cost, quality under load"),
)
LONGEST_S = 600
KEYS = ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "STAGES_SMALL", "STAGES_BIG")


@dataclass(frozen=True, slots=True)
class Line:
    """`ok` is None where nothing was measured."""

    stage: int
    target: str
    metric: str
    measured: str
    model: str
    ok: bool | None
    seconds: float | None = None

    @property
    def verdict(self) -> str:
        return {True: "pass", False: "FAIL", None: "-"}[self.ok]


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0 when every bar of every built stage holds."""
    parser = argparse.ArgumentParser(prog="python -m shared.scoreboard", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args(argv)
    started = time.monotonic()
    lines: list[Line] = []
    for stage, package, target in STAGES:
        if not arguments.json:
            print(f"stage {stage} …", file=sys.stderr, flush=True)
        lines += measure(stage, package, target)
    seconds = time.monotonic() - started
    if arguments.json:
        print(json.dumps(to_json(lines, seconds), indent=2))
    else:
        print(render(lines), end="")
        print(f"\n{seconds:.0f} s, no key needed. One stage: make stage1")
    return 0 if all(line.ok is not False for line in lines) else 1


def measure(stage: int, package: str, target: str) -> list[Line]:
    """The lines of one stage, from its `score` command."""
    if find_spec(package) is None or find_spec(f"{package}.score") is None:
        return [Line(stage, target, "not built yet", "", "", None)]
    command = [sys.executable, "-m", package, "score", "--json"]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=LONGEST_S,
            check=False,
            env=clean_environment() | dict.fromkeys(KEYS, ""),  # empty hides what `.env` says
        )
        if done.returncode != 0:
            return [Line(stage, target, f"score failed: {_last_line(done.stderr)}", "", "", False)]
        return list(_lines(stage, target, json.loads(done.stdout)))
    except subprocess.TimeoutExpired:
        return [Line(stage, target, f"score took longer than {LONGEST_S} s", "", "", False)]
    except (ValueError, KeyError, TypeError) as error:
        return [Line(stage, target, f"score printed no valid result: {error!r}", "", "", False)]


def render(lines: Sequence[Line]) -> str:
    head = ("stage", "asked to reach", "metric", "measured", "on model", "verdict")
    return table([head, *map(_cells, lines)], rule=True)


def to_json(lines: Sequence[Line], seconds: float) -> dict[str, Any]:
    rows = [{name: getattr(line, name) for name in Line.__slots__} for line in lines]
    return {"seconds": round(seconds, 1), "rows": rows}


def _lines(stage: int, target: str, result: dict[str, Any]) -> Iterator[Line]:
    for data in result["rows"]:
        row = Row.from_json(data)
        yield Line(
            stage=stage,
            target=target,
            metric=row.metric,
            measured=_measured(row),
            model=result["model"],
            ok=row.ok,
            seconds=float(result["seconds"]),
        )


def _measured(row: Row) -> str:
    within = "" if row.low is None else f" [{row.low:.2f}, {row.high:.2f}]"
    return f"{row.value:.3f}{within} ({row.asked})"


def _cells(line: Line) -> tuple[str, ...]:
    return (str(line.stage), line.target, line.metric, line.measured, line.model, line.verdict)


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return shorten(lines[-1], 60) if lines else "it printed nothing"


if __name__ == "__main__":
    raise SystemExit(main())
