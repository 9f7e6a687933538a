"""Killed at any step, a session goes on and no side effect is repeated."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.stage4.conftest import END_S, play, tool

from shared.errors import UserError
from stage4_agent.journal import Journal, read_journal
from stage4_agent.runner import placed
from stage4_agent.scripted import call, calls, says

# Runs a session with two real orders and dies by SIGKILL at the given point: after the nth event,
# or inside the shop between the order and its result ("inside").
PROGRAM = """
import asyncio, os, signal, sys
from dataclasses import replace
from pathlib import Path
from shared.messages import Reply, ToolCall, Usage
from stage4_agent.agent import solve
from stage4_agent.contract import Kit
from stage4_agent.journal import Journal
from stage4_agent.scripted import ScriptedModel
from stage4_agent.toolbox import Toolbox
from stage4_agent.tools.calculator import calculator
from stage4_agent.tools.offered import DATA
from stage4_agent.tools.orders import place_order

home, when = Path(sys.argv[1]), sys.argv[2]
die = lambda: os.kill(os.getpid(), signal.SIGKILL)
events = 0

def watch(event):
    global events
    events += 1
    if when == str(events):
        die()

shop = place_order(home / "orders.db", DATA / "shop.db")

async def placed_and_died(given, key):
    result = await shop.run(given, key)
    if when == "inside":
        die()
    return result

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

async def main():
    with Journal(home / "trace.jsonl", watch=watch) as journal:
        tools = Toolbox([calculator(), replace(shop, run=placed_and_died)])
        kit = Kit(model=ScriptedModel(reply), tools=tools, journal=journal, approve=yes)
        print((await solve("Order both.", kit)).answer)

asyncio.run(main())
"""


def run(home: Path, when: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(home), when],
        capture_output=True,
        text=True,
        timeout=END_S,
        check=False,
    )


def test_killed_at_any_event_it_goes_on_and_orders_once(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    assert run(whole, "never").stdout == "Both are ordered.\n"
    events = len(read_journal(whole / "trace.jsonl"))
    assert events >= 10
    for point in [*map(str, range(1, events + 1)), "inside"]:
        home = tmp_path / point
        assert run(home, point).returncode == -signal.SIGKILL
        done = run(home, "never")
        assert done.stdout == "Both are ordered.\n", (point, done.stderr)
        assert sorted(placed(home / "orders.db")) == [("CH-1140", 1), ("DE-1007", 2)], point


def test_killed_again_and_again_it_still_orders_once(tmp_path: Path) -> None:
    for _ in range(20):  # two new events a run, then dead
        if run(tmp_path, "2").returncode == 0:
            break
    assert run(tmp_path, "never").stdout == "Both are ordered.\n"
    assert sorted(placed(tmp_path / "orders.db")) == [("CH-1140", 1), ("DE-1007", 2)]


async def test_a_cut_last_line_is_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "trace.jsonl"

    async def add(given: object, _key: str) -> int:
        return 4

    with Journal(file) as journal:
        await play([calls(call("t", n=1)), says("4")], tool("t", add), journal=journal)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:2]) + lines[2][:9])
    with Journal(file) as journal:
        assert len(journal.events) == 2
        again = await play([says("4 again")], tool("t", add), journal=journal)
    assert again.outcome.answer == "4 again"
    assert len(read_journal(file)) > 3


async def test_an_answered_session_gives_its_answer_again_without_a_call(tmp_path: Path) -> None:
    file = tmp_path / "trace.jsonl"
    with Journal(file) as journal:
        await play([says("Here it is.")], journal=journal)
    with Journal(file) as journal:
        again = await play([says("another one")], journal=journal)
    assert again.outcome.answer == "Here it is."
    assert again.model.requests == []


def test_a_file_that_is_no_trace_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("my notes\n", encoding="utf-8")
    with pytest.raises(UserError, match="no trace"):
        Journal(file)
    assert file.read_text(encoding="utf-8") == "my notes\n"


@pytest.mark.skipif(os.name == "nt", reason="no file locks")
def test_two_processes_cannot_run_one_session(tmp_path: Path) -> None:
    with Journal(tmp_path / "t.jsonl"), pytest.raises(UserError, match="another process"):
        Journal(tmp_path / "t.jsonl")


def test_half_a_surrogate_pair_is_kept(tmp_path: Path) -> None:
    with Journal(tmp_path / "t.jsonl") as journal:
        journal.write({"event": "task", "task": "\ud83d", "session": "s"})
    assert read_journal(tmp_path / "t.jsonl")[0]["task"] == "\ud83d"
