"""What only the port has: checkpoints, interrupts, and a session that goes on in another process.

That it behaves as the loop does is asserted where the loop's tests run `each_way`.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.stage4.conftest import END_S, Ran, playing, tool

from shared.errors import UserError
from stage4_agent.contract import Approve, Arguments, Decision, Kit, Limits, Proposal, Solve, always
from stage4_agent.journal import Journal
from stage4_agent.matrix import run_matrix
from stage4_agent.replay import replayed
from stage4_agent.runner import Bench, run_task
from stage4_agent.scripted import ScriptedModel, call, calls, says
from stage4_agent.tasks import Task, problems
from stage4_agent.toolbox import Toolbox

pytestmark = pytest.mark.langgraph

# Sessions with two real orders, each in a forked process that dies by SIGKILL at the given point:
# after the nth event, inside the shop between the order and its result, or between two checkpoints.
PROGRAM = """
import asyncio, json, os, signal, sys
from dataclasses import replace
from pathlib import Path
from shared.messages import Reply, ToolCall, Usage
from stage4_agent.contract import Kit
from stage4_agent.journal import Journal, read_journal
from stage4_agent.langgraph_port import with_checkpoints
from stage4_agent.runner import placed
from stage4_agent.scripted import ScriptedModel
from stage4_agent.toolbox import Toolbox
from stage4_agent.tools.calculator import calculator
from stage4_agent.tools.offered import DATA
from stage4_agent.tools.orders import place_order

def reply(request):
    turns = len(request.messages) // 2
    if turns == 0:
        return Reply(tool_calls=(
            ToolCall("a", "calculator", '{"expression": "2*3"}'),
            ToolCall("b", "place_order", '{"sku": "DE-1007", "quantity": 2}'),
        ), stop="tool_use", usage=Usage(10, 5))
    if turns == 1:
        last = ToolCall("c", "place_order", '{"sku": "CH-1140", "quantity": 1}')
        return Reply(tool_calls=(last,), stop="tool_use", usage=Usage(10, 5))
    return Reply(text="Both are ordered.", stop="end", usage=Usage(10, 5))

async def yes(_):
    return "yes"

async def session(home, when):
    die = lambda: os.kill(os.getpid(), signal.SIGKILL)
    seen = 0

    def watch(event):
        nonlocal seen
        seen += 1
        if when == str(seen):
            die()

    shop = place_order(home / "orders.db", DATA / "shop.db")

    async def placed_and_died(given, key):
        result = await shop.run(given, key)
        if when == "inside":
            die()
        return result

    with Journal(home / "trace.jsonl", watch=watch) as journal:
        tools = Toolbox([calculator(), replace(shop, run=placed_and_died)])
        kit = Kit(model=ScriptedModel(reply), tools=tools, journal=journal, approve=yes)
        async with with_checkpoints(home / "checkpoints.db") as solve:
            outcome = await solve("Order both.", kit)
    (home / "answer.txt").write_text(outcome.answer)

def forked(home, when):
    child = os.fork()
    if not child:
        try:
            asyncio.run(session(home, when))
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1]

root = Path(sys.argv[1])
(root / "whole").mkdir()
asyncio.run(session(root / "whole", "never"))  # here, so that every fork has the imports
events = len(read_journal(root / "whole" / "trace.jsonl"))
plans = {point: [point, "never"] for point in [*map(str, range(1, events + 1)), "inside"]}
for name, points in (plans | {"again and again": ["3"] * 8 + ["never"]}).items():
    home = root / name
    home.mkdir()
    ends = [forked(home, point) for point in points]
    print(json.dumps([name, ends, (home / "answer.txt").read_text(), placed(home / "orders.db")]))
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> list[list[object]]:
    """For each way to die: how the processes ended, the answer, and the orders in the shop."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path_factory.mktemp("killed"))],
        capture_output=True,
        text=True,
        timeout=END_S,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_killed_at_any_event_it_goes_on_and_orders_once(killed: list[list[object]]) -> None:
    assert len(killed) >= 12
    for name, ends, answer, orders in killed[:-1]:
        assert ends == [signal.SIGKILL, 0], name
        assert answer == "Both are ordered.", name
        assert orders == [["DE-1007", 2], ["CH-1140", 1]], name


def test_killed_again_and_again_it_still_orders_once(killed: list[list[object]]) -> None:
    _, ends, answer, orders = killed[-1]
    assert signal.SIGKILL in ends  # type: ignore[operator]
    assert (answer, orders) == ("Both are ordered.", [["DE-1007", 2], ["CH-1140", 1]])


@pytest.fixture
def port() -> Solve:
    from stage4_agent.langgraph_port import ported

    return ported()


@pytest.mark.embeddings
async def test_the_port_solves_what_the_loop_solves(
    bench: Bench, tasks: list[Task], port: Solve
) -> None:
    runs = {task.id: (task, await run_task(task, bench, solve=port)) for task in tasks}
    missed = {id: problems(task, run) for id, (task, run) in runs.items() if task.offline}
    assert {id: found for id, found in missed.items() if found} == {}
    assert {id for id, (_, run) in runs.items() if run.outcome.unsupported} == set()


@pytest.mark.embeddings
async def test_the_port_survives_every_fault(bench: Bench, tasks: list[Task], port: Solve) -> None:
    offline = [task for task in tasks if task.offline]
    cells = await run_matrix(offline, bench, solve=port, patience_s=0.1)
    assert [(c.group, c.fault, c.task, c.why) for c in cells if not c.survived] == []
    easy = [c for c in cells if c.group == "calculator" or c.fault in ("slow", "injection")]
    assert {c.end for c in easy} == {"recovered"}


def kit_of(model: ScriptedModel, journal: Journal, approve: Approve, charged: list[int]) -> Kit:
    async def charge(given: Arguments, _key: str) -> str:
        charged.append(given["n"])
        return f"charged {given['n']}"

    tools = Toolbox([tool("charge", charge, writes=True, approval=always)])
    return Kit(model=model, tools=tools, journal=journal, approve=approve)


async def test_a_session_that_waits_goes_on_with_another_graph(tmp_path: Path) -> None:
    from stage4_agent.langgraph_port import with_checkpoints

    charged: list[int] = []
    asked: list[int] = []

    def approver(*decisions: Decision) -> Approve:
        said = iter(decisions)

        async def approve(proposal: Proposal) -> Decision:
            asked.append(proposal.arguments["n"])
            return next(said)

        return approve

    model = ScriptedModel([calls(call("charge", n=1), call("charge", n=2)), says("done")])
    for decisions, status, done in (
        (("yes", "later"), "waiting", [1]),
        (("later",), "waiting", [1]),
        (("yes",), "answered", [1, 2]),
        ((), "answered", [1, 2]),
    ):
        with Journal(tmp_path / "trace.jsonl") as journal:
            kit = kit_of(model, journal, approver(*decisions), charged)
            async with with_checkpoints(tmp_path / "checkpoints.db") as solve:
                outcome = await solve("Charge both.", kit)
        assert (outcome.status, charged) == (status, done)
    assert asked == [1, 2, 2, 2]
    assert len(model.requests) == 2


async def test_a_record_without_a_checkpoint_is_refused(port: Solve) -> None:
    from stage4_agent.agent import solve as loop

    charged: list[int] = []

    async def later(_: Proposal) -> Decision:
        return "later"

    model = ScriptedModel([calls(call("charge", n=1)), says("done")])
    kit = kit_of(model, Journal(), later, charged)
    assert (await loop("Charge.", kit)).status == "waiting"
    with pytest.raises(UserError, match="no checkpoint"):
        await port("Charge.", kit)
    assert charged == []


async def test_no_limit_of_the_framework_comes_before_ours(port: Solve) -> None:
    """Theirs raises; ours answers."""
    numbers = iter(range(1_000))
    model = ScriptedModel(lambda _: calls(call("look", n=next(numbers))))
    reading = Toolbox([tool("look", _look)])
    limits = Limits(steps=40, usd=None)
    kit = Kit(model=model, tools=reading, journal=Journal(), limits=limits)
    outcome = await port("Look.", kit)
    assert (outcome.status, outcome.steps) == ("partial", 40)


async def _look(given: Arguments, _key: str) -> int:
    return int(given["n"])


async def test_a_trace_of_the_port_is_replayed_by_both(port: Solve) -> None:
    from stage4_agent.langgraph_port import ported

    model = ScriptedModel([calls(call("look", n=3)), calls(call("look", n=3)), says("3")])
    kit = Kit(model=model, tools=Toolbox([tool("look", _look)]), journal=Journal())
    first = await port("Look.", kit)
    for solve in (playing["solve"], ported()):
        again = await replayed(kit.journal.events, kit.tools.tools, solve=solve)
        assert (again.answer, again.calls, again.steps) == (first.answer, first.calls, first.steps)


@pytest.mark.embeddings
def test_the_command_takes_up_a_waiting_session(stage4: Callable[..., Ran], tmp_path: Path) -> None:
    record = str(tmp_path / "order.jsonl")
    first = stage4("run", "order", "--loop", "langgraph", "--trace", record, "--json")
    assert (first.code, first.json["status"]) == (1, "waiting")
    (wish,) = first.json["waiting"]
    more = ("--trace", record, "--approve", wish["key"], "--json")
    second = stage4("run", "--loop", "langgraph", *more)
    assert (second.code, second.json["steps"]) == (0, 2)
    assert "378" in second.json["answer"]
