"""The numbers this stage is judged by, measured now.

Every planted regression must turn the gate red and every harmless change leave it green; and the
gate's rates of false alarm and of catching a true drop at 100 cases follow from a simulation at the
instability that three runs of the suite just showed. Left out: the judge's agreement with people
(`calibrate`).
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from shared.resampling import wilson
from shared.score import Row, Score, rows_text
from stage5_evals.baseline import read_baseline
from stage5_evals.harness import run_suite
from stage5_evals.power import RUNS, Setup, rates
from stage5_evals.prove import GREEN, RED, Proof, load_plants, prove
from stage5_evals.runs import Run, RunStore
from stage5_evals.suite import Suite

CASES = 100
REPEATS = 3
BASE = 0.85  # as the published table of gate rates has it
LARGE_DROP = 0.10


def score(suite: Suite, done: Callable[[], None] = lambda: None) -> Score:
    """The plants of `suite` once each, and its own stability over three answers a case."""
    started = time.monotonic()
    proof = asyncio.run(prove(suite, load_plants(suite), 1, done))
    run = asyncio.run(_repeated(suite))
    rows = (*_proven(proof), *_simulated(unstable(suite, run)))
    models = ", ".join(run.summary["models"]) or "not stated"
    cost = run.summary["cost_usd"]
    return Score(5, models, len(run.rows) // REPEATS, rows, time.monotonic() - started, cost)


def unstable(suite: Suite, run: Run) -> float:
    """The largest share of cases that waver in a gated metric."""
    gated = read_baseline(suite.baseline).rules.drop if suite.baseline else {}
    of = run.summary["metrics"]
    return max((of[name].get("unstable", 0.0) for name in gated if name in of), default=0.0)


def render_score(score: Score) -> str:
    cost = "cost unknown" if score.cost_usd is None else f"${score.cost_usd:.4f}"
    head = f"{score.model}: {score.cases} cases, {score.seconds:.1f} s, {cost}\n\n"
    return head + rows_text(score.rows)


def _proven(proof: Proof) -> list[Row]:
    rows = []
    for name, expect in (("planted_regressions_red", RED), ("harmless_changes_green", GREEN)):
        hits, total = proof.share(expect)
        rows.append(Row(name, hits / total, 1.0, False, False, *wilson(hits, total)))
    return rows


def _simulated(share: float) -> list[Row]:
    setup = Setup(CASES, BASE, share)
    quiet, fallen = rates(setup, 0.0), rates(setup, LARGE_DROP * BASE)
    alarms, caught = round(quiet.gate * RUNS), round(fallen.gate * RUNS)
    return [
        Row("false_alarms_at_100", quiet.gate, 0.05, True, False, *wilson(alarms, RUNS)),
        Row("drop_of_10_percent_caught", fallen.gate, 0.80, False, False, *wilson(caught, RUNS)),
    ]


async def _repeated(suite: Suite) -> Run:
    with tempfile.TemporaryDirectory() as folder:
        again = replace(suite, repeat=REPEATS)
        return await run_suite(again, RunStore(Path(folder)), fresh=True)
