"""The committed baseline: what a run reached, case by case, the gate's rules, and why it changed.

One line a case, so that a review shows which cases an update moved. The rules live here and nowhere
else: no flag and no other file has a threshold that could differ. It is made from a complete run
without failures only, and only by a command that is told why.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shared.errors import UserError
from stage5_evals.runs import Run, write
from stage5_evals.summary import cells

FORMAT = 1
# What a first baseline is written with; from then on the file says.
DROP = 0.05
ALPHA = 0.05
MOST_FAILED = 0.02
KAPPA = 0.6


@dataclass(frozen=True, slots=True)
class Rules:
    """`drop`: share of the baseline's value that blocks, for each gated metric.

    `alpha`: below this p a drop is proven. `most_failed`: share of answers or verdicts that may
    fail. `kappa`: what a judge must reach against people before it may block.
    """

    drop: Mapping[str, float]
    alpha: float = ALPHA
    most_failed: float = MOST_FAILED
    kappa: float = KAPPA


@dataclass(frozen=True, slots=True)
class Baseline:
    """`values`: metric -> case -> value. `judges`: identity of each judge when it was made."""

    run: str
    target: str
    cases: str
    corpus: str
    judges: Mapping[str, str]
    rules: Rules
    history: tuple[Mapping[str, str], ...]
    values: Mapping[str, Mapping[str, float]]
    unstable: Mapping[str, float]

    def mean(self, metric: str) -> float:
        of = self.values[metric]
        return sum(of.values()) / len(of)


def read_baseline(file: Path) -> Baseline:
    """`UserError` when there is none: a gate without a baseline has nothing to hold."""
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except OSError:
        raise UserError(
            f"there is no baseline at {file}: make one with `stage5 baseline --run RUN --why TEXT`"
        ) from None
    try:
        head, *rows = map(json.loads, filter(str.strip, lines))
        return _baseline(head, rows)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{file} is damaged: {error!r}: restore it from git") from None


def new_baseline(run: Run, why: str, before: Baseline | None) -> Baseline:
    """From a complete run. The rules stay as they were; a new metric is gated like a first one."""
    if not why.strip():
        raise UserError("say why the baseline changes: --why 'the new reranker is better'")
    if not run.complete:
        raise UserError(f"run {run.config.run} is not complete: a baseline needs every case")
    failed = sorted({name for row in run.rows for name in row.failed})
    if failed:
        raise UserError(f"run {run.config.run} has failures in {', '.join(failed)}: run it again")
    found = cells(run.rows)
    values = {n: {c: round(x.worst, 6) for c, x in of.items()} for n, of in found.items()}
    old = before.rules if before else Rules({})
    known = set(before.values) if before else set()
    drop = {
        name: old.drop.get(name, DROP) for name in values if name in old.drop or name not in known
    }
    measured = {name: data["unstable"] for name, data in _metrics(run) if "unstable" in data}
    entry = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "run": run.config.run,
        "why": " ".join(why.split()),
    }
    return Baseline(
        run.config.run,
        run.config.suite.target,
        run.config.cases,
        run.config.corpus,
        dict(run.config.judges),
        Rules(drop, old.alpha, old.most_failed, old.kappa),
        (*(before.history if before else ()), entry),
        values,
        measured,
    )


def write_baseline(file: Path, baseline: Baseline) -> None:
    head = {
        "format": FORMAT,
        "run": baseline.run,
        "target": baseline.target,
        "cases": baseline.cases,
        "corpus": baseline.corpus,
        "judges": dict(baseline.judges),
        "rules": {
            "drop": dict(sorted(baseline.rules.drop.items())),
            "alpha": baseline.rules.alpha,
            "most_failed": baseline.rules.most_failed,
            "kappa": baseline.rules.kappa,
        },
        "means": {name: round(baseline.mean(name), 4) for name in sorted(baseline.values)},
        "unstable": dict(baseline.unstable),
        "history": list(baseline.history),
    }
    ids = sorted({case for of in baseline.values.values() for case in of})
    rows = (
        {"case": case}
        | {name: of[case] for name, of in sorted(baseline.values.items()) if case in of}
        for case in ids
    )
    lines = [json.dumps(one, ensure_ascii=False) for one in (head, *rows)]
    write(file, "\n".join(lines) + "\n")


def _baseline(head: Mapping[str, Any], rows: list[Mapping[str, Any]]) -> Baseline:
    values: dict[str, dict[str, float]] = {}
    for row in rows:
        for name, value in row.items():
            if name != "case":
                values.setdefault(name, {})[row["case"]] = float(value)
    rules = head["rules"]
    return Baseline(
        head["run"],
        head["target"],
        head["cases"],
        head["corpus"],
        head["judges"],
        Rules(rules["drop"], rules["alpha"], rules["most_failed"], rules["kappa"]),
        tuple(head["history"]),
        values,
        head.get("unstable", {}),
    )


def _metrics(run: Run) -> list[tuple[str, Mapping[str, Any]]]:
    return list(run.summary["metrics"].items())
