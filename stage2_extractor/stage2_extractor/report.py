"""An evaluation as text and as JSON: a column a prompt version, then what each change brought.

Plain text, so that a README, a pipe and a log show the same. Left out: the chart (`chart`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from shared.resampling import Difference
from shared.tables import table
from stage2_extractor.evaluation import Run
from stage2_extractor.metrics import FIELDS, Tally, compare
from stage2_extractor.records import Invoice, Ticket
from stage2_extractor.summary import (
    HEADLINE,
    Graded,
    Number,
    confusion,
    failures,
    gain,
    grade,
    numbers,
    per_label,
)


def render_report(runs: Sequence[Run]) -> str:
    graded = [grade(run) for run in runs]
    parts = [_head(runs[0]), _numbers(graded), _labels(graded)]
    if graded[-1].tickets:
        parts.append(f"{_name(graded[-1])}:\n{table(confusion(graded[-1]).rows())}")
    if failed := _failures(runs):
        parts.append(failed)
    if len(runs) > 1:
        parts.append(_gains(graded))
    return "\n".join(parts)


def report_json(runs: Sequence[Run]) -> dict[str, Any]:
    first, graded = runs[0], [grade(run) for run in runs]
    return {
        "stage": 2,
        "task": first.prompt.task,
        "cases": len(first.by_case()),
        "repeats": first.repeats,
        "models": first.models,
        "versions": [_version_json(one) for one in graded],
        "gains": [
            {"new": _name(new), "old": _name(old), **_gain_json(gain(new, old))}
            for new, old in compared(graded)
        ],
    }


def compared(graded: Sequence[Graded]) -> list[tuple[Graded, Graded]]:
    """Each version with the one before it, and the last with the first."""
    steps = [(new, old) for old, new in pairwise(graded)]
    return [*steps, (graded[-1], graded[0])] if len(graded) > 2 else steps


def mistakes(run: Run) -> list[dict[str, Any]]:
    """Right and given of every wrong field, for cases of `dev` only: `test` is not to be read."""
    return [
        {"case": outcome.case.id, "field": name, "right": _plain(right), "given": _plain(given)}
        for outcome in run.outcomes
        if outcome.case.split == "dev"
        for name, right, given in _wrong(outcome.case.record, outcome.record)
    ]


def _head(run: Run) -> str:
    kinds = {"invoice": "invoices", "ticket": "tickets"}
    repeated = f", each {run.repeats} times" if run.repeats > 1 else ""
    cached = sum(outcome.cached for outcome in run.outcomes)
    read = f"; {cached} answers of {run.prompt.name} from the journal" if cached else ""
    models = " then ".join(run.models)
    return f"{len(run.by_case())} {kinds[run.prompt.task]}{repeated}, on {models}{read}\n"


def _numbers(graded: Sequence[Graded]) -> str:
    columns = [numbers(one) for one in graded]
    rows = [
        [same[0].name, *(_shown(number) for number in same)] for same in zip(*columns, strict=True)
    ]
    return table([["", *map(_name, graded)], *rows])


def _labels(graded: Sequence[Graded]) -> str:
    """Precision, recall and F1 of each field or bucket: one line each, a column a version."""
    columns = [per_label(one) for one in graded]
    names = list(dict.fromkeys(name for column in columns for name in column))
    rows = [[name, *(_prf(column.get(name, Tally())) for column in columns)] for name in names]
    return table([["precision / recall / F1", *map(_name, graded)], *rows])


def _failures(runs: Sequence[Run]) -> str:
    lines = []
    for run in runs:
        told = ", ".join(f"{count} {name}" for name, count in failures(run).most_common())
        lines += [f"{run.prompt.name} gave no record: {told}"] if told else []
    return "\n".join(lines) + "\n" if lines else ""


def _gains(graded: Sequence[Graded]) -> str:
    rows = [[f"change in {HEADLINE[graded[0].run.prompt.task]}", "by", "95% interval", "p"]]
    for new, old in compared(graded):
        found = gain(new, old)
        between = f"[{found.low:+.3f}, {found.high:+.3f}]"
        title = f"{_name(new)} over {_name(old)}"
        rows.append([title, f"{found.value:+.3f}", between, f"{found.p:.4f}"])
    return table(rows)


def _name(graded: Graded) -> str:
    return graded.run.prompt.name


def _shown(number: Number) -> str:
    if number.value is None:
        return "-"
    if number.kind == "usd":
        return f"${number.value:.6f}"
    if number.kind == "seconds":
        return f"{number.value:.3f} s"
    if number.kind == "count":
        return f"{number.value:.2f}" if number.value < 10 else f"{number.value:.0f}"
    if number.low is None or number.high is None:
        return f"{number.value:.3f}"
    return f"{number.value:.3f} [{number.low:.3f}, {number.high:.3f}]"


def _prf(tally: Tally) -> str:
    ratios = (tally.precision, tally.recall, tally.f1)
    return " ".join("   - " if ratio is None else f"{ratio:.3f}" for ratio in ratios)


def _version_json(graded: Graded) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "prompt": _name(graded),
        "numbers": {number.name: number.to_json() for number in numbers(graded)},
        "labels": {name: _tally_json(tally) for name, tally in per_label(graded).items()},
        "failures": dict(failures(graded.run)),
        "mistakes": mistakes(graded.run),
    }
    if graded.tickets:
        entry["confusion"] = confusion(graded).rows()
    return entry


def _tally_json(tally: Tally) -> dict[str, Any]:
    ratios = {"precision": tally.precision, "recall": tally.recall, "f1": tally.f1}
    rounded = {name: None if x is None else round(x, 6) for name, x in ratios.items()}
    return {**rounded, "tp": tally.tp, "fp": tally.fp, "fn": tally.fn}


def _gain_json(found: Difference) -> dict[str, float]:
    parts = {"value": found.value, "low": found.low, "high": found.high, "p": found.p}
    return {name: round(x, 6) for name, x in parts.items()}


def _wrong(right: Any, given: Any) -> Iterable[tuple[str, Any, Any]]:
    names = (*FIELDS, "lines") if isinstance(right, Invoice) else tuple(Ticket.model_fields)
    for name in names:
        wanted, offered = getattr(right, name), getattr(given, name, None)
        if not compare(wanted, offered).flawless:
            yield name, wanted, offered


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [line.model_dump(mode="json") for line in value]
    return None if value is None else str(value)
