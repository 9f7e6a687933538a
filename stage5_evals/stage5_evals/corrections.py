"""What a judge's score is worth: beside each one, the share corrected for the judge's known errors.

The errors are those of the record that `stage5 calibrate --keep` wrote for that very judge. Left
out: whether this run's answers are like the rated ones, which the correction takes for granted.
"""

from __future__ import annotations

import json
from typing import Any

from stage5_evals.agreement import Confusion, Corrected, corrected
from stage5_evals.runs import Run


def corrections(run: Run) -> dict[str, Corrected]:
    """By metric; none for a judge that has no record."""
    known = _confusions(run)
    metrics = run.summary.get("metrics", {})
    return {
        name: corrected(metrics[name]["value"], metrics[name]["cases"], known[identity])
        for name, identity in run.config.judges.items()
        if identity in known and "value" in metrics.get(name, {})
    }


def lines(run: Run) -> list[str]:
    """One sentence for each judge of the run."""
    found = corrections(run)
    said = []
    for name in run.config.judges:
        if name not in found:
            said.append(f"{name}: this judge has no record of its errors, so nothing is corrected")
        elif (one := found[name]).value is None:
            said.append(f"{name}: by its record this judge is no better than a coin")
        else:
            said.append(
                f"{name}: {one.value:.3f} [{one.low:.3f}, {one.high:.3f}] corrected for the errors "
                "that the judge makes on rated answers (Rogan-Gladen)"
            )
    return said


def _confusions(run: Run) -> dict[str, Confusion]:
    file = run.config.suite.calibrations
    if file is None or not file.exists():
        return {}
    rows: list[dict[str, Any]] = [
        json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line
    ]
    return {row["identity"]: Confusion(**row["confusion"]) for row in rows if "confusion" in row}
