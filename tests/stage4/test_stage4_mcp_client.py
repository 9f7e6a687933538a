"""The agent as the client of a stranger's MCP server, in a process of its own, over stdio."""

from __future__ import annotations

import shlex
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.stage4.conftest import Played, play

from shared.errors import UserError
from stage4_agent.contract import Decision, Proposal, Tool
from stage4_agent.mcp_client import mcp_tools
from stage4_agent.scripted import call, calls, says

PLAIN = Path(__file__).parent / "data/plain_mcp_server.py"
COMMAND = shlex.join([sys.executable, str(PLAIN)])
READING = {"double", "plain", "fails", "lies", "breaks", "dies", "hangs"}


@asynccontextmanager
async def tools(*words: str, call_s: float = 10.0) -> AsyncIterator[dict[str, Tool]]:
    async with mcp_tools(" ".join([COMMAND, *words]), ["calculator"], call_s=call_s) as (found, _):
        yield {tool.name: tool for tool in found}


async def test_every_page_is_read_and_what_cannot_be_used_is_left_out() -> None:
    async with mcp_tools(COMMAND, ["calculator"]) as (found, left_out):
        assert {tool.name for tool in found} == READING | {"writes"}
        reasons = "\n".join(left_out)
        assert "https://example.org/n.json, and nothing is fetched" in reasons
        assert "'bad name!' is no tool name" in reasons
        assert "a tool called calculator is there already" in reasons
        assert len(left_out) == 3
        for tool in found:
            assert tool.untrusted
            assert tool.writes == (tool.name == "writes") == (tool.approval is not None)
            assert not tool.takes_key


async def test_failures_of_every_kind_reach_the_model_and_the_healthy_calls_survive() -> None:
    async with tools(call_s=1.0) as found:
        names = ["double", "plain", "fails", "lies", "breaks", "hangs"]
        first = [call(name, n=21) for name in names]
        played = await play([calls(*first), says("Done.")], *found.values())
    assert played.outcome.status == "answered"
    told = {one.name: played.seen(one.id) for one in first}
    assert '{"n": 42}' in told["double"]
    assert "it is 42" in told["plain"]
    assert told["fails"] == "n must be even: try 4"
    assert "not its declared form" in told["lies"]
    assert "instructions" not in told["lies"]
    assert "The server of breaks failed" in told["breaks"]
    assert "Traceback" not in told["breaks"]
    assert "no answer within 1 s" in told["hangs"]


async def test_a_server_that_dies_in_the_middle_costs_its_tools_not_the_run() -> None:
    async with tools() as found:
        both = [call("dies", n=1), call("hangs", n=1)]
        later = call("double", n=1)
        played = await play([calls(*both), calls(later), says("It is gone.")], *found.values())
    assert played.outcome.answer == "It is gone."
    for one in (*both, later):
        assert "The server of" in played.seen(one.id)


async def test_a_tool_that_is_not_declared_read_only_waits_for_a_person() -> None:
    asked: list[Proposal] = []

    async def no(proposal: Proposal) -> Decision:
        asked.append(proposal)
        return "no"

    async with tools() as found:
        wanted = call("writes", n=1)
        played: Played = await play([calls(wanted), says("Refused.")], *found.values(), approve=no)
    assert [one.tool for one in asked] == ["writes"]
    assert "A person refused this" in played.seen(wanted.id)


async def test_wrong_arguments_are_refused_before_the_server_sees_them() -> None:
    async with tools() as found:
        wrong = [call("double", n="21"), call("dies", n=True), call("double", n=1, m=2)]
        played = await play([calls(*wrong), says("So.")], *found.values())
    assert all("Not run" in played.seen(one.id) for one in wrong)


async def test_a_list_that_changes_later_changes_nothing_for_the_run() -> None:
    async with tools("--grow") as found:
        script = [calls(call("plain", n=1)), calls(late := call("late", n=1)),
                  calls(again := call("double", n=4)), says("Done.")]  # fmt: skip
        played = await play(script, *found.values())
    assert "There is no tool 'late'" in played.seen(late.id)
    assert '{"n": 8}' in played.seen(again.id)
    offered = {spec.name: spec.description for spec in played.model.requests[-1].tools}
    assert offered["double"] == "Doubles a number."


@pytest.mark.parametrize(
    ("server", "says"),
    [
        ("no-such-command-at-all", "No such file or directory"),
        (f"{COMMAND} --silent", "gave no answer within 2 s"),
        (f"{COMMAND} --broken", "no licence key"),
        ("'", "cannot read the command"),
        ("http://127.0.0.1:9/mcp", "cannot be used"),
    ],
)
async def test_a_server_that_cannot_be_used_is_one_sentence(server: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        async with mcp_tools(server, start_s=2.0):
            raise AssertionError
