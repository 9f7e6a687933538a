"""What an eval runner costs a case: `stage5 run` beside inspect-ai and phoenix-evals.

Same questions, same answer, exact match, an instant fake model, in one run; start-up cancels, since
what counts is the time of 1,000 cases less that of 100, divided by 900. Each side writes what it
writes by default. phoenix scores answers that are there already; ours and inspect ask for them too.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from environments import HERE, PEERS, ROOT, clean_environment, peer
from processes import ProgramFailed
from series import Comparison, Measured, Section, interleave, ratios

INSPECT, PHOENIX = "inspect-ai==0.3.285", "arize-phoenix-evals==3.9.4"
FEW, MANY = 100, 1000
ROUNDS = 5
CPU = "CPU us a case"
OURS, ALL = "stage5 run", "stage5 run, all rules"
# Row -> side of evals_peer.py, the environment it lives in, how often it is measured.
SIDES = {
    OURS: ("ours", "", ROUNDS),
    ALL: ("ours-all", "", ROUNDS),
    "phoenix evaluate_dataframe": ("phoenix", "phoenix", ROUNDS),
    "bare loop": ("floor", "", ROUNDS),
    "inspect eval, mockllm": ("inspect", "inspect", 1),  # a minute a round
}


def evals_sections() -> list[Section]:
    PEERS.setdefault("inspect", [INSPECT])
    PEERS.setdefault("phoenix", [PHOENIX])
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        file = Path(name) / "cases.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in cases()))
        table = {}
        for rounds in (ROUNDS, 1):
            measures = {
                row: partial(_a_case, stack.enter_context(_worker(side, place, file)))
                for row, (side, place, so_often) in SIDES.items()
                if so_often == rounds
            }
            table |= interleave(measures, rounds, thrown_away=1 if rounds > 1 else 0)
    last = {row: {CPU: cells[CPU][-1:]} for row, cells in table.items()}
    return [
        Section(
            "6 Evals, one case",
            f"(T({MANY}) - T({FEW})) / {MANY - FEW}; {ROUNDS} interleaved rounds, inspect one. "
            f"{INSPECT}, {PHOENIX}.",
            table,
            [
                Comparison(f"{OURS}, CPU", table[OURS][CPU], "us", aim=100),
                Comparison(
                    f"{OURS} : phoenix, CPU",
                    ratios(table, CPU, OURS, "phoenix evaluate_dataframe"),
                    aim=1,
                ),
                Comparison(
                    f"{OURS} : inspect, CPU",
                    ratios(last, CPU, OURS, "inspect eval, mockllm"),
                    aim=0.02,
                ),
            ],
        )
    ]


def cases() -> list[dict[str, str]]:
    """Questions of about 540 characters."""
    words = "what do these words mean to you " * 16
    answer = "the same words as the label"
    return [
        {"id": f"c{n:04d}", "split": "dev", "question": f"question {n}: {words}", "answer": answer}
        for n in range(MANY)
    ]


Ask = Callable[[int], Measured]


def _a_case(ask: Ask) -> Measured:
    few, many = ask(FEW), ask(MANY)
    return {
        f"{name} us a case": (many[key] - few[key]) / (MANY - FEW) * 1e6
        for name, key in (("CPU", "cpu"), ("wall", "wall"))
    }


@contextmanager
def _worker(side: str, place: str, file: Path) -> Iterator[Ask]:
    python = str(peer(place) / "python") if place else sys.executable
    with subprocess.Popen(
        [python, str(HERE / "evals_peer.py"), side, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=clean_environment(),
        cwd=ROOT,
        text=True,
    ) as process:
        yield partial(_ask, process)
        assert process.stdin is not None
        process.stdin.close()


def _ask(process: subprocess.Popen[str], cases: int) -> Measured:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps({"cases": cases}) + "\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise ProgramFailed(f"{process.args!r} ended: run it by hand to see why")
    measured: Measured = json.loads(line)
    return measured
