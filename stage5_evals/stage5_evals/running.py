"""Asks every case, grades every answer, and loses nothing that was paid for.

A few cases at a time; each answer is in `answers.jsonl` before it is graded. A case that failed is
kept as a failure and asked again by the next run. Where the first answers all fail, the target is
broken and not bad: the run stops and says so. Left out: grading (`grading`), and which numbers
follow (`summary`).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.errors import LocalError
from shared.journal import Journal, key_of
from stage5_evals.answers import Answer, BadAnswer, read_answer
from stage5_evals.cases import Case
from stage5_evals.graders import Judge, Rule
from stage5_evals.grading import grades_of
from stage5_evals.runs import Row
from stage5_evals.targets import Ask, TargetFailed

HOPELESS = 5  # failures before the first answer
Place = tuple[Case, int, str]  # a case, which repeat of it, and the key of its answer


class Stopped(Exception):
    """The run ends early; the message says why, and `summary.json` will say that it is partial."""


@dataclass
class Spending:
    """A cap on money. A target that does not state its cost cannot be capped, and is not run on."""

    cap_usd: float | None
    spent_usd: float = 0.0
    dearest_usd: float = 0.0
    running: int = 0

    def before(self) -> None:
        """Sets aside for each case under way what the dearest one so far cost, judges included."""
        reserved = self.spent_usd + self.dearest_usd * (self.running + 1)
        if self.cap_usd is not None and reserved > self.cap_usd:
            raise Stopped(
                f"the next case could pass the cap of ${self.cap_usd:g}; ${self.spent_usd:.4f} is "
                "spent: raise --max-usd and resume the run"
            )
        self.running += 1

    def after(self, row: Row) -> None:
        self.running -= 1
        asked = not (row.failure or row.cached)
        if asked and row.cost_usd is None and self.cap_usd is not None:
            raise Stopped("the target does not state cost_usd, so the cap cannot be kept")
        paid = (row.cost_usd or 0.0 if asked else 0.0) + row.judged_usd
        self.spent_usd += paid
        self.dearest_usd = max(self.dearest_usd, paid)


@dataclass(slots=True)
class Work:
    """One run under way. `known`: payloads of earlier runs by key, with the run they are from."""

    ask: Ask
    rules: Sequence[Rule]
    judges: Sequence[Judge]
    journal: Journal
    known: Mapping[str, tuple[str, dict[str, Any]]]
    timeout_s: float
    spending: Spending
    finished: Callable[[], None] = lambda: None
    rows: dict[tuple[str, int], Row] = field(default_factory=dict)
    failures: int = 0
    answered: bool = False
    stopped: str = ""


async def run_cases(work: Work, every: Sequence[Place], at_a_time: int) -> str:
    """Fills `work.rows`; empty, or why it stopped before the end. Cases under way are finished."""
    places = iter(every)
    workers = [asyncio.create_task(_worker(work, places)) for _ in range(at_a_time)]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return work.stopped


def key(identity: str, case: Case, repeat: int) -> str:
    return key_of(identity, str(repeat), *case.asked)


def answers_of(runs: Iterator[tuple[str, Path]], wanted: set[str]) -> dict[str, Any]:
    """The payload of each wanted key from the newest run that has it."""
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for run, file in runs:
        if len(found) == len(wanted):
            break
        for one in _read(file):
            place = one.pop("key")
            if place in wanted and place not in found:
                found[place] = (run, one)
    return found


def _read(file: Path) -> Iterator[dict[str, Any]]:
    """The whole lines of a file of answers; half a line, as a kill leaves it, is none."""
    if file.exists():
        for line in file.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n"):
                yield json.loads(line)


async def _worker(work: Work, places: Iterator[Place]) -> None:
    for case, repeat, place in places:
        try:
            work.spending.before()
            row = await _one(work, case, repeat, place)
            work.rows[case.id, repeat] = row
            work.spending.after(row)
            _watch(work, row)
        except Stopped as reason:
            work.stopped = work.stopped or str(reason)
        work.finished()
        if work.stopped:
            return


def _watch(work: Work, row: Row) -> None:
    work.answered = work.answered or not row.failure
    work.failures += bool(row.failure)
    if not work.answered and work.failures >= HOPELESS:
        raise Stopped(
            f"the target is broken, not bad: the first {HOPELESS} cases failed; "
            f"the last one: {row.failure}"
        )


async def _one(work: Work, case: Case, repeat: int, place: str) -> Row:
    run, entry = "this run", work.journal.get(place)
    if entry is None and place in work.known:
        run, entry = work.known[place]
        _keep_answer(work.journal, place, entry)
    try:
        if entry is not None:
            answer = read_answer(entry["answer"], entry["seconds"])
            return await _graded(work, case, repeat, answer, run)
        answer = await _asked(work, case, place)
    except BadAnswer as error:
        return _failed(work, case, repeat, f"malformed: {error}")
    except TargetFailed as error:
        return _failed(work, case, repeat, f"{error.kind}: {error}")
    return await _graded(work, case, repeat, answer, "")


async def _asked(work: Work, case: Case, place: str) -> Answer:
    """The target's answer, kept at once. A malformed one is not kept, so it is asked again."""
    started = time.perf_counter()
    try:
        async with asyncio.timeout(work.timeout_s):
            payload = await work.ask(case)
    except TimeoutError:
        raise TargetFailed("timeout", f"no answer within {work.timeout_s:g} s") from None
    answer = read_answer(payload, round(time.perf_counter() - started, 6))
    _keep_answer(work.journal, place, {"seconds": answer.seconds, "answer": payload})
    return answer


def _keep_answer(journal: Journal, place: str, entry: dict[str, Any]) -> None:
    try:
        journal.put(place, entry)
    except OSError as error:
        raise LocalError(f"{journal.path} cannot be written: {error.strerror}") from None
    except TypeError as error:
        raise BadAnswer(f"it is not all JSON: {error}") from None


def _failed(work: Work, case: Case, repeat: int, failure: str) -> Row:
    graders: list[Rule | Judge] = [*work.rules, *work.judges]
    failed = {one.name: "the target failed" for one in graders if one.applies(case)}
    return Row(case.id, repeat, case.split, case.kind, failed=failed, failure=failure)


async def _graded(work: Work, case: Case, repeat: int, answer: Answer, cached: str) -> Row:
    given = await grades_of(work.rules, work.judges, case, answer, repeat, work.timeout_s)
    return Row(
        case.id,
        repeat,
        case.split,
        case.kind,
        answer.text,
        answer.declined,
        given.values,
        given.failed,
        given.why,
        "",
        answer.seconds,
        answer.cost_usd,
        given.cost_usd,
        answer.model,
        cached,
    )
