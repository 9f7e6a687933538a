"""What an agent adds to a model's answer: CPU a tool step, and the import.

Our loop (arguments checked, evidence kept, its record on disk), its port to LangGraph, LangGraph's
prebuilt agent and PydanticAI, in one run with the same instant model. Every measurement is a
process of its own. A model call takes half a second, so none of this is felt by a person: it is
felt by a test suite of thousands of runs, and the import by every command line.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from environments import HERE, PEERS, ROOT, clean_environment, peer
from processes import LONGEST_S, ProgramFailed, timed
from series import Comparison, Measured, Section, differences, interleave, ratios

AGENTS = {"langgraph": ["langgraph==1.2.24"], "pydantic-ai": ["pydantic-ai-slim==2.68.0"]}
LOOP, PORT = "our loop", "our port to LangGraph"
PREBUILT, PYDANTIC = "LangGraph, prebuilt", "PydanticAI"
EMPTY = "python -c print()"
# Row -> agent of steps_peer.py, and the environment that has it; empty: this project's own.
ROWS = {
    "floor: 10 lines, no checks": ("floor", ""),
    LOOP: ("loop", ""),
    PORT: ("port", ""),
    f"{PORT}, on disk": ("port_on_disk", ""),
    PREBUILT: ("langgraph", "langgraph"),
    f"{PREBUILT}, checkpoints": ("langgraph_saving", "langgraph"),
    PYDANTIC: ("pydantic_ai", "pydantic-ai"),
}
IMPORTS = {
    LOOP: "import stage4_agent.agent",
    PORT: "import stage4_agent.langgraph_port",
    PREBUILT: "from langgraph.prebuilt import create_react_agent",
    PYDANTIC: "from pydantic_ai import Agent",
}
ROUNDS = 5
STEP_BAR_US, IMPORT_BAR_MS = 100.0, 200.0
SHORT, LONG = "us at 10", "us at 50"


def step_sections() -> list[Section]:
    PEERS.update(AGENTS)
    return [_steps(), _imports()]


def _steps() -> Section:
    table = interleave({row: partial(_measured, *ROWS[row]) for row in ROWS}, ROUNDS)
    return Section(
        "6a An agent's step",
        f"CPU microseconds a tool step, runs of 10 and of 50 steps; {ROUNDS} interleaved rounds.",
        table,
        [
            Comparison(f"{LOOP}, at 10 steps", table[LOOP][SHORT], "us", STEP_BAR_US),
            Comparison(f"{LOOP}, 50 steps : 10", _growth(table[LOOP]), aim=1.25),
            *(
                Comparison(f"{LOOP} : {row}, at 10", ratios(table, SHORT, LOOP, row), aim=0.1)
                for row in (PREBUILT, PYDANTIC)
            ),
            Comparison(f"{PORT} : {LOOP}, at 10", ratios(table, SHORT, PORT, LOOP)),
        ],
    )


def _growth(cells: dict[str, list[float]]) -> list[float]:
    return [long / short for long, short in zip(cells[LONG], cells[SHORT], strict=True)]


def _imports() -> Section:
    places = {row: _python(place) for row, (_, place) in ROWS.items() if row in IMPORTS}
    commands = {row: [places[row], "-c", f"{IMPORTS[row]}; print()"] for row in IMPORTS}
    commands[EMPTY] = [sys.executable, "-c", "print()"]
    with tempfile.TemporaryDirectory() as name:
        measures = {row: partial(timed, one, Path(name), {}) for row, one in commands.items()}
        table = interleave(measures, ROUNDS, 1)
    return Section(
        "6b An agent's import",
        f"A process that imports it and prints a line; {ROUNDS} rounds. No SDK is loaded by any.",
        table,
        [
            Comparison(
                f"{row} - {EMPTY}, CPU",
                differences(table, "CPU ms", row, EMPTY),
                "ms",
                IMPORT_BAR_MS if row == LOOP else None,
            )
            for row in IMPORTS
        ],
    )


def _python(place: str) -> str:
    return str(peer(place) / "python") if place else sys.executable


def _measured(agent: str, place: str) -> Measured:
    done = subprocess.run(
        [_python(place), str(HERE / "steps_peer.py"), agent],
        capture_output=True,
        text=True,
        env=clean_environment(),
        cwd=ROOT,
        timeout=LONGEST_S,
        check=False,
    )
    if done.returncode:
        raise ProgramFailed(f"steps_peer.py {agent}: {done.stderr[-600:]}")
    measured: Measured = json.loads(done.stdout)
    return measured
