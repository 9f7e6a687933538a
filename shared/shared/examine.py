"""`make compare`: checks asked of a program in any language, yours beside the reference.

Here: what a check and its verdict are, how checks are run, the table. A stage brings the checks and
a bench, the object they are asked of. Running the program itself is in `programs`.
"""

from __future__ import annotations

import difflib
import textwrap
import time
from argparse import Namespace
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from shared.errors import UserError
from shared.process import answer, answer_json
from shared.tables import table

Bench = TypeVar("Bench")
State = Literal["pass", "fail", "not run"]
YOURS, REFERENCE = "yours", "reference"


class Failed(Exception):
    """A check does not hold; the message says what was seen."""


class NotRun(Exception):
    """A check could not be asked, since an earlier one failed."""


def need(holds: object, otherwise: str) -> None:
    if not holds:
        raise Failed(otherwise)


@dataclass(frozen=True, slots=True)
class Check(Generic[Bench]):
    """`run` returns what was seen, or raises `Failed` or `NotRun`.

    `read_next` is a `file:function` of the reference. `last`: asked when all others have ended.
    """

    id: str
    asks: str
    read_next: str
    run: Callable[[Bench], str]
    last: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    state: State
    detail: str


@dataclass(frozen=True, slots=True)
class Row:
    id: str
    asks: str
    read_next: str
    yours: Verdict
    reference: Verdict


@dataclass(frozen=True, slots=True)
class Examination:
    stage: int
    mine: str
    seconds: float
    rows: tuple[Row, ...]

    @property
    def exit_code(self) -> int:
        """0 when yours passes every check that was asked."""
        return 0 if self.passed(YOURS) == len(self.rows) else 1

    def passed(self, side: str) -> int:
        return sum(getattr(row, side).state == "pass" for row in self.rows)

    def to_json(self) -> dict[str, Any]:
        return {
            "stage": self.stage,
            "mine": self.mine,
            "seconds": round(self.seconds, 2),
            "checks": len(self.rows),
            "passed": {side: self.passed(side) for side in (YOURS, REFERENCE)},
            "rows": [_row_json(row) for row in self.rows],
        }


def chosen(checks: Sequence[Check[Bench]], only: Sequence[str]) -> list[Check[Bench]]:
    """The checks named in `only`, in their own order; all when it is empty."""
    ids = [check.id for check in checks]
    for name in only:
        if name not in ids:
            near = difflib.get_close_matches(name, ids, n=2)
            hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(ids)}"
            raise UserError(f"unknown check {name!r}: {hint}")
    return [check for check in checks if not only or check.id in only]


def examine(
    stage: int,
    mine: str,
    checks: Sequence[Check[Bench]],
    yours: Bench,
    reference: Bench,
    *,
    workers: int,
) -> Examination:
    """Asks every check of both, at the same time; `workers` at once of each.

    Each has workers of its own, so that one which hangs does not hold up the other.
    """
    start = time.monotonic()
    pools = [(bench, ThreadPoolExecutor(workers)) for bench in (yours, reference)]
    verdicts: dict[tuple[str, int], Verdict] = {}
    try:
        for last in (False, True):
            asked: dict[tuple[str, int], Future[Verdict]] = {
                (check.id, side): pool.submit(ask, check, bench)
                for side, (bench, pool) in enumerate(pools)
                for check in checks
                if check.last is last
            }
            verdicts |= {place: future.result() for place, future in asked.items()}
    finally:  # after Ctrl-C nothing new is started; whoever owns the programs ends them
        for _, pool in pools:
            pool.shutdown(wait=False, cancel_futures=True)
    rows = (Row(c.id, c.asks, c.read_next, verdicts[c.id, 0], verdicts[c.id, 1]) for c in checks)
    return Examination(stage, mine, time.monotonic() - start, tuple(rows))


def ask(check: Check[Bench], bench: Bench) -> Verdict:
    try:
        return Verdict("pass", check.run(bench))
    except Failed as failure:
        return Verdict("fail", str(failure))
    except NotRun as reason:
        return Verdict("not run", str(reason))


def render(examination: Examination, width: int = 100) -> str:
    """The table, then one paragraph for each check that was not passed."""
    lines = [("check", YOURS, REFERENCE, "what to read next")]
    lines += [(r.id, r.yours.state, r.reference.state, r.read_next) for r in examination.rows]
    rows = examination.rows
    told = "fail" if any(row.yours.state == "fail" for row in rows) else "not run"
    notes = [line for row in rows for line in _notes(row, width, {"fail", told})]
    return table(lines) + "\n".join(["", _summary(examination), *notes]) + "\n"


def tell(examination: Examination, arguments: Namespace) -> int:
    """Prints the table, or JSON for `--json`; the exit code."""
    if arguments.json:
        answer_json(examination.to_json())
    else:
        answer(render(examination))
    return examination.exit_code


def _summary(examination: Examination) -> str:
    yours, reference = examination.passed(YOURS), examination.passed(REFERENCE)
    return (
        f"yours passes {yours} of {len(examination.rows)}, the reference {reference}; "
        f"{examination.seconds:.1f} s"
    )


def _notes(row: Row, width: int, states: set[str]) -> list[str]:
    sides = ((YOURS, row.yours), (REFERENCE, row.reference))
    bad = [(side, verdict) for side, verdict in sides if verdict.state in states]
    if not bad:
        return []
    lines = ["", f"{row.id}: {row.asks}"]
    for side, verdict in bad:
        lines += textwrap.wrap(
            verdict.detail, width, initial_indent=f"  {side}: ", subsequent_indent="    "
        )
    return lines


def _row_json(row: Row) -> dict[str, Any]:
    sides = {side: getattr(row, side) for side in (YOURS, REFERENCE)}
    return {
        "id": row.id,
        "asks": row.asks,
        "read_next": row.read_next,
        **{side: {"state": v.state, "detail": v.detail} for side, v in sides.items()},
    }
