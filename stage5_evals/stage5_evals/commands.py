"""One function a command: from parsed arguments to printed result and exit code."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from shared.errors import UserError
from shared.process import answer, answer_json, note, unwinding
from shared.progress import progress
from shared.settings import load_settings
from stage5_evals import report_text
from stage5_evals.baseline import new_baseline, read_baseline, write_baseline
from stage5_evals.calibration import read_calibrations
from stage5_evals.cases import load_cases
from stage5_evals.commands_production import run_ab, run_drift, run_report, run_sample
from stage5_evals.harness import run_suite
from stage5_evals.runs import Run, RunStore, read_config, read_run, write_json
from stage5_evals.suite import FILE, Suite, load_suite

GATE = "gate.json"
__all__ = ["run_ab", "run_drift", "run_report", "run_sample"]  # made in another file


def run_run(arguments: Namespace) -> int:
    """1 when the run did not come to its end, or nothing was answered."""
    store = _store()
    if earlier := arguments.resume or arguments.again:
        suite = _as_before(read_config(store.place(earlier)).suite, arguments)
    else:
        suite = _with_flags(_suite(arguments), arguments)
    resume = store.place(arguments.resume).name if arguments.resume else ""
    run = _run(suite, store, resume=resume, fresh=arguments.fresh or bool(arguments.again))
    _show(arguments, {"folder": str(run.folder), **run.summary}, lambda: report_text.run(run))
    answered = run.summary["failed"] < run.summary["answers"]
    return 0 if run.complete and answered else 1


def run_compare(arguments: Namespace) -> int:
    from stage5_evals.compare import compare, render

    store = _store()
    old, new = (read_run(store.place(name)) for name in (arguments.old, arguments.new))
    found = compare(old, new)
    preferred = asyncio.run(_preferred(old, new, arguments.prefer)) if arguments.prefer else {}
    data = found.to_json() | ({"preferred": preferred} if preferred else {})
    _show(arguments, data, lambda: render(found) + report_text.preferred(preferred))
    return 0


async def _preferred(old: Run, new: Run, model: str) -> dict[str, Any]:
    """What a judge says of the answers of both runs, each pair shown in both orders."""
    from stage5_evals.judge_model import open_judge_model
    from stage5_evals.judge_prompts import load_prompt
    from stage5_evals.preference import preferences, summary

    async with open_judge_model(model) as judge:
        prompt, cases = load_prompt("preference", "1"), load_cases(new.config.suite.cases)
        return summary(await preferences(judge, prompt, cases, old.rows, new.rows))


def run_gate(arguments: Namespace) -> int:
    """Writes its verdict into the run's folder too, so that a gate that never ran shows."""
    from stage5_evals.gate import decide
    from stage5_evals.gate_view import render

    suite = _suite(arguments)
    baseline = read_baseline(_baseline_file(suite))
    store = _store()
    if arguments.run:
        run = read_run(store.place(arguments.run))
    else:
        run = _run(suite, store, fresh=arguments.fresh)
    made = decide(run, baseline, read_calibrations(suite.calibrations))
    write_json(run.folder / GATE, made.to_json())
    _show(arguments, made.to_json(), lambda: render(made))
    return made.exit_code


def run_baseline(arguments: Namespace) -> int:
    suite = _suite(arguments)
    file = _baseline_file(suite)
    before = read_baseline(file) if file.exists() else None
    store = _store()
    run = read_run(store.place(arguments.run)) if arguments.run else _run(suite, store)
    made = new_baseline(run, arguments.why, before)
    write_baseline(file, made)
    answer(report_text.baseline(file, made, before))
    return 0


def run_power(arguments: Namespace) -> int:
    from stage5_evals.power import Setup, cases_needed, rates, render

    for name in ("base", "drop", *(["unstable"] if arguments.unstable else [])):
        given = getattr(arguments, name)
        if any(not 0 <= one <= 1 for one in (given if isinstance(given, list) else [given])):
            raise UserError(f"--{name} is a share, from 0 to 1")
    shares = arguments.unstable or [0.0, 0.1, 0.2]
    setups = [
        Setup(cases, arguments.base, share, arguments.drop)
        for cases in arguments.cases or [100, 300]
        for share in shares
    ]
    needed = {share: cases_needed(arguments.drop, arguments.base, share) for share in shares}
    rows = [
        {"cases": one.cases, "unstable": one.unstable, "true_drop": share * one.base}
        | {"gate": (found := rates(one, share * one.base)).gate, "paired": found.paired}
        for one in setups
        for share in (0.0, one.limit)
    ]
    _show(
        arguments,
        {"rows": rows, "needed": [{"unstable": u, "cases": n} for u, n in needed.items()]},
        lambda: render(setups) + report_text.needed(arguments.drop, needed),
    )
    return 0


def run_check(arguments: Namespace) -> int:
    """1 when the cases have a problem."""
    from stage5_evals.case_check import problems
    from stage5_evals.corpus import Corpus

    suite = _suite(arguments)
    cases = load_cases(suite.cases)
    found = problems(cases, Corpus(suite.corpus) if suite.corpus else None)
    lines = "".join(f"{one.kind}: {', '.join(one.cases)}: {one.detail}\n" for one in found)
    data = [{"kind": one.kind, "cases": list(one.cases), "detail": one.detail} for one in found]
    text = lines + f"{len(cases)} cases, {len(found)} problems\n"
    _show(arguments, {"cases": len(cases), "problems": data}, lambda: text)
    return 1 if found else 0


def run_calibrate(arguments: Namespace) -> int:
    """1 when the judge is below the floor that a gate asks for."""
    from stage5_evals.baseline import KAPPA
    from stage5_evals.calibrate import RECORDS, Calibrated, calibrate, keep, render
    from stage5_evals.judges import Faithfulness, open_judge
    from stage5_evals.ratings import FILE as RATINGS
    from stage5_evals.ratings import load_ratings, second_pass

    file = Path(arguments.ratings) if arguments.ratings else RATINGS
    ratings = load_ratings(file, arguments.split)

    async def work(finished: Callable[[], None]) -> Calibrated:
        async with open_judge("faithfulness", arguments.model, arguments.prompt) as judge:
            assert isinstance(judge, Faithfulness)
            given = {"split": arguments.split, "repeats": arguments.repeats}
            return await calibrate(judge, ratings, finished=finished, **given)

    with unwinding(), progress(len(ratings), "answers") as done:
        made = asyncio.run(work(done))
    if arguments.keep:
        keep(made, RECORDS if file == RATINGS else file.with_name(RECORDS.name))
    _show(arguments, made.to_json(), lambda: render(made, second_pass(file), arguments.wrong))
    return 0 if made.kappa.value >= KAPPA else 1


def run_prove(arguments: Namespace) -> int:
    """1 when a planted regression stays green or a harmless change turns red."""
    from stage5_evals.prove import load_plants, prove, render

    suite = _suite(arguments)
    plants = load_plants(suite, arguments.only)
    with unwinding(), progress(len(plants) * arguments.times, "changes") as done:
        proof = asyncio.run(prove(suite, plants, arguments.times, done))
    _show(arguments, proof.to_json(), lambda: render(proof))
    return 0 if proof.holds else 1


def run_score(arguments: Namespace) -> int:
    from shared.score import tell
    from stage5_evals.prove import load_plants
    from stage5_evals.score import render_score, score

    suite = load_suite()
    suite = replace(suite, options={**suite.options, "model": arguments.model})
    with unwinding(), progress(len(load_plants(suite)), "changes") as done:
        found = score(suite, done)
    return tell(found, render_score(found), arguments)


def _run(suite: Suite, store: RunStore, *, resume: str = "", fresh: bool = False) -> Run:
    cases = len(load_cases(suite.cases, suite.split)) * suite.repeat
    ids: list[str] = []
    try:
        with unwinding(), progress(cases, "cases") as done:
            work = run_suite(
                suite, store, resume=resume, fresh=fresh, started=ids.append, finished=done
            )
            run = asyncio.run(work)
    except (KeyboardInterrupt, SystemExit):
        if ids:
            note(f"interrupted; what was answered is kept: stage5 run --resume {ids[0]}")
        raise
    if not suite.depends:
        note("every case was asked: without `depends` nothing is known to be unchanged")
    return run


def _store() -> RunStore:
    return RunStore(load_settings().home / "evals" / "runs")


def _suite(arguments: Namespace) -> Suite:
    return load_suite(Path(arguments.suite) if arguments.suite else FILE)


def _with_flags(suite: Suite, arguments: Namespace) -> Suite:
    """A target that is given by hand starts in the working folder, and nothing is known of it."""
    if arguments.target:
        suite = replace(suite, target=arguments.target, folder=Path.cwd(), depends=(), options={})
    if arguments.cases:
        suite = replace(suite, cases=Path(arguments.cases))
    given = {name: getattr(arguments, name) for name in ("split", "repeat", "at_a_time", "max_usd")}
    return replace(suite, **{name: value for name, value in given.items() if value is not None})


def _as_before(suite: Suite, arguments: Namespace) -> Suite:
    """An earlier run's suite. How fast and for how much may change, what is asked may not."""
    for name in ("suite", "target", "cases", "split", "repeat"):
        if getattr(arguments, name) is not None:
            raise UserError(f"--{name} belongs to a new run: leave it out, or start one")
    given = {name: getattr(arguments, name) for name in ("at_a_time", "max_usd")}
    return replace(suite, **{name: value for name, value in given.items() if value is not None})


def _baseline_file(suite: Suite) -> Path:
    if suite.baseline is None:
        raise UserError('the suite names no baseline: add `baseline = "baseline.jsonl"` to it')
    return suite.baseline


def _show(arguments: Namespace, data: Any, text: Callable[[], str]) -> None:
    if arguments.json:
        answer_json(data)
    else:
        answer(text())
