"""`make compare STAGE=4`: any agent that follows `examine_contract`, beside the reference.

The examiner is the model and the tools: the model follows a script, the tools fail on request, and
both keep what they saw. `CHECKS` is the list of what is asked.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from shared.examine import Check, Examination, chosen, examine
from shared.offline.server import LocalServer
from shared.offline.service import Options
from shared.programs import Program, clean_environment, words
from stage4_agent import examine_checks as checks
from stage4_agent import examine_failures as failures
from stage4_agent.examine_bench import AgentBench
from stage4_agent.examine_desk import Desk
from stage4_agent.examine_model import ExaminersModel

REFERENCE = (sys.executable, "-m", "stage4_agent", "answer")
WORKERS = 3
STAGE4, SHARED = "stage4_agent/stage4_agent", "shared/shared"
CHECKS: tuple[Check[AgentBench], ...] = (
    Check(
        "answers",
        "is a tool called as the model asked, and its result given back?",
        f"{STAGE4}/agent.py:solve",
        checks.answers,
    ),
    Check(
        "tool_error",
        "does the model learn the reason when a tool says what is wrong?",
        f"{STAGE4}/toolbox.py:run",
        failures.tool_error,
    ),
    Check(
        "crash",
        "does the run go on when a tool answers with status 500?",
        f"{STAGE4}/toolbox.py:run",
        failures.crash,
    ),
    Check(
        "hang",
        "and when it never answers?",
        f"{STAGE4}/contract.py:Tool",
        failures.hang,
    ),
    Check(
        "siblings",
        "does one failed call of several leave the others their results?",
        f"{STAGE4}/agent.py:Run._one",
        failures.siblings,
    ),
    Check(
        "parallel",
        "do calls of one turn run at the same time?",
        f"{STAGE4}/agent.py:Run._act",
        checks.parallel,
    ),
    Check(
        "unknown_tool",
        "is an invented tool name answered with those that exist?",
        f"{STAGE4}/toolbox.py:Toolbox.find",
        checks.unknown_tool,
    ),
    Check(
        "arguments",
        "are arguments that break the schema sent back with a reason, and not to the tool?",
        f"{STAGE4}/toolbox.py:arguments",
        checks.arguments,
    ),
    Check(
        "refused",
        "does a side effect that a person refused not happen, and does the model learn it?",
        f"{STAGE4}/agent.py:Run._may_not",
        checks.refused,
    ),
    Check(
        "approved",
        "does one that was approved happen once, as it was shown?",
        f"{STAGE4}/contract.py:Proposal",
        checks.approved,
    ),
    Check(
        "repeated_write",
        "is a side effect that the model asks for again not repeated?",
        f"{STAGE4}/session.py:Session.key",
        checks.repeated_write,
    ),
    Check(
        "lost_write",
        "nor one whose answer was lost?",
        f"{STAGE4}/session.py:Session.key",
        failures.lost_write,
    ),
    Check(
        "circles",
        "is the same call not run again and again?",
        f"{STAGE4}/agent.py:Run._repeat",
        checks.circles,
    ),
    Check(
        "step_limit",
        "does it stop at the limit of model calls?",
        f"{STAGE4}/agent.py:Run._why_last",
        checks.step_limit,
    ),
    Check(
        "partial",
        "is there an answer from the work so far then, which says that it is partial?",
        f"{STAGE4}/agent.py:Run.partial",
        checks.partial,
    ),
    Check(
        "huge",
        "is a result of half a megabyte cut, and marked as cut?",
        f"{STAGE4}/memory.py:Results.show",
        checks.huge,
    ),
    Check(
        "model_down",
        "does it end with a sentence when the model cannot be asked?",
        f"{STAGE4}/agent.py:Run._reason",
        failures.model_down,
    ),
    Check(
        "secret",
        "is the API key printed nowhere, in this check or any other?",
        f"{SHARED}/redaction.py:redact",
        failures.secret,
        last=True,
    ),
)


def compare(mine: str, only: Sequence[str]) -> Examination:
    """Examines the command `mine` and the reference; `only` names checks, none means all."""
    asked, argv = chosen(CHECKS, only), words(mine)
    options = Options(any_model="offline-small", control=True)
    with tempfile.TemporaryDirectory() as folder, Desk() as desk:
        home = Path(folder)
        empty = home / "empty"  # no `.env` is found from here
        empty.mkdir()
        with LocalServer(think=ExaminersModel(desk.cases), options=options) as server:
            environment = clean_environment()
            yours = Program(argv, environment=environment)
            ours = Program(REFERENCE, environment=environment, cwd=empty)
            bench = AgentBench(yours, server, desk, home / "yours")
            reference = AgentBench(ours, server, desk, home / "reference")
            try:
                return examine(4, mine, asked, bench, reference, workers=WORKERS)
            finally:
                yours.stop()
                ours.stop()
