"""The commands about production and the pages: sample, drift, ab, report."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shared.errors import UserError
from shared.process import answer, answer_json, note
from shared.redaction import Redactor
from shared.settings import load_settings
from stage5_evals.cases import load_cases
from stage5_evals.runs import RunStore, read_run, write
from stage5_evals.suite import FILE, load_suite

HISTORY = "history.html"


def run_sample(arguments: Namespace) -> int:
    from stage5_evals.sampling import read_seen, sample

    known = [case.question for case in load_cases(_suite_of(arguments).cases)]
    settings = load_settings()
    cases = sample(read_seen(Path(arguments.traces)), arguments.count, known, settings.secrets())
    text = "".join(json.dumps(case, ensure_ascii=False) + "\n" for case in cases)
    if arguments.out:
        write(Path(arguments.out), text)
        answer(f"{len(cases)} cases to label in {arguments.out}\n")
    else:
        answer(text)
    return 0


def run_drift(arguments: Namespace) -> int:
    """1 when something drifted."""
    from stage5_evals.drift import Shift, questions, render, scores
    from stage5_evals.sampling import read_seen
    from stage5_evals.summary import cells

    found: list[Shift] = []
    if arguments.traces:
        golden = [case.question for case in load_cases(_suite_of(arguments).cases)]
        clean = Redactor(load_settings().secrets())  # what moved is shown by its words
        now = [clean.text(one.question) for one in read_seen(Path(arguments.traces))]
        if len(now) < 2 or len(golden) < 2:
            raise UserError(
                f"{len(now)} questions now, {len(golden)} before: two of each are needed"
            )
        found.append(questions(golden, now))
    if arguments.runs:
        store = _store()
        both = [
            cells(read_run(store.place(name)).rows).get(arguments.metric) for name in arguments.runs
        ]
        values = [[c.value for c in one.values() if c.value is not None] for one in both if one]
        if len(values) < 2 or not all(values):
            raise UserError(f"a run has no {arguments.metric}: name another --metric")
        found.append(scores(values[0], values[1]))
    if not found:
        raise UserError("name traces, or --runs BEFORE NOW, or both")
    if arguments.json:
        answer_json([one.to_json() for one in found])
    else:
        answer(render(found))
    return 1 if any(one.drifted for one in found) else 0


def run_ab(arguments: Namespace) -> int:
    from stage5_evals.sequential import evidence, plan, render

    for name in ("alpha", "base", "drop"):
        if not 0 < getattr(arguments, name) < 1:
            raise UserError(f"--{name} is a share between 0 and 1")
    if not arguments.outcomes:
        plans = [plan(arguments.base, arguments.drop, unstable) for unstable in (None, 0.1)]
        if arguments.json:
            answer_json([one.to_json() for one in plans])
        else:
            answer(render(plans))
        return 0
    found = evidence(_pairs(Path(arguments.outcomes)), arguments.alpha)
    if arguments.json:
        answer_json(found.to_json())
    else:
        when = f" since pair {found.decided_at}" if found.decided_at else ""
        answer(
            f"{found.decision}{when}: {found.pairs} pairs, A alone right in {found.a_wins}, B "
            f"alone in {found.b_wins}; p {found.p:.4f}, valid at any time "
            "(Beta mixture, Ville's inequality)\n"
        )
    return 0


def run_report(arguments: Namespace) -> int:
    from stage5_evals.page_history import history_page
    from stage5_evals.page_run import run_page

    store = _store()
    run = read_run(store.place(arguments.run or store.latest()))
    if arguments.history:
        place = Path(arguments.out) if arguments.out else store.folder / HISTORY
        same = [one for one in store.finished() if one.config.cases == run.config.cases]
        write(place, history_page(same))
        note(f"{len(same)} runs of the same cases")
    else:
        place = Path(arguments.out) if arguments.out else run.folder / "report.html"
        write(place, run_page(run))
    answer(f"{place}\n")
    return 0


def _pairs(file: Path) -> Iterator[tuple[bool, bool]]:
    from stage5_evals.sequential import in_arrival_order

    rows = list(_outcomes(file))
    if rows and "arm" in rows[0]:
        if strange := next((row for row in rows if row.get("arm") not in ("A", "B")), None):
            raise UserError(f"{file}: an arm is A or B, not {strange.get('arm')!r}")
        return in_arrival_order((row["arm"], _truth(row, "good", file)) for row in rows)
    return ((_truth(row, "a", file), _truth(row, "b", file)) for row in rows)


def _truth(row: dict[str, Any], name: str, file: Path) -> bool:
    if not isinstance(row.get(name), bool):
        raise UserError(f"{file}: {name} must be true or false in every line")
    return bool(row[name])


def _outcomes(file: Path) -> Iterator[dict[str, Any]]:
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}") from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                row = json.loads(line)
            except ValueError as error:
                raise UserError(f"{file}, line {number} is no JSON: {error}") from None
            if not isinstance(row, dict):
                raise UserError(f"{file}, line {number} is no JSON object")
            yield row


def _store() -> RunStore:
    return RunStore(load_settings().home / "evals" / "runs")


def _suite_of(arguments: Namespace) -> Any:
    return load_suite(Path(arguments.suite) if arguments.suite else FILE)
