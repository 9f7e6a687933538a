"""A side effect happens when a person agreed, once, and never otherwise."""

from __future__ import annotations

from typing import Any

import pytest
from tests.stage4.conftest import play, tool

from shared.messages import Reply, ToolCall
from stage4_agent.contract import (
    Arguments,
    Decision,
    Proposal,
    ToolFailure,
    UnsafeTool,
    always,
    when_tainted,
)
from stage4_agent.journal import Journal
from stage4_agent.scripted import call, calls, says
from stage4_agent.toolbox import Toolbox

pytestmark = pytest.mark.usefixtures("each_way")


class Shop:
    """Counts what really happened."""

    def __init__(self) -> None:
        self.charged: list[int] = []

    async def charge(self, given: Arguments, _key: str) -> str:
        self.charged.append(given["n"])
        return f"charged {given['n']}"

    def tool(self, **more: Any) -> Any:
        return tool("charge", self.charge, **({"writes": True, "approval": always} | more))


def says_always(decision: Decision, asked: list[Proposal] | None = None) -> Any:
    async def approve(proposal: Proposal) -> Decision:
        if asked is not None:
            asked.append(proposal)
        return decision

    return approve


def test_a_side_effect_without_a_rule_cannot_be_registered() -> None:
    with pytest.raises(UnsafeTool, match="no approval rule"):
        Toolbox([tool("charge", Shop().charge, writes=True)])


async def test_without_approval_it_waits_and_never_runs() -> None:
    shop = Shop()
    run = await play([calls(call("charge", n=5)), says("done")], shop.tool())
    assert shop.charged == []
    assert run.outcome.status == "waiting"
    (proposal,) = run.outcome.proposals
    assert (proposal.tool, proposal.arguments) == ("charge", {"n": 5})


async def test_refused_it_never_runs_and_the_model_is_told() -> None:
    shop = Shop()
    one = call("charge", n=5)
    run = await play([calls(one), says("It was refused.")], shop.tool(), approve=says_always("no"))
    assert shop.charged == []
    assert "A person refused this" in run.seen(one.id)


async def test_in_a_parallel_turn_the_reads_run_and_the_write_waits() -> None:
    shop, read = Shop(), []

    async def look(given: Arguments, _key: str) -> str:
        read.append(given["n"])
        return "seen"

    turn = calls(call("look", n=1), call("charge", n=5), call("look", n=2))
    first = await play([turn, says("done")], shop.tool(), tool("look", look))
    assert (shop.charged, sorted(read), first.outcome.status) == ([], [1, 2], "waiting")
    again = await play(
        [says("done")],
        shop.tool(),
        tool("look", look),
        journal=first.journal,
        approve=says_always("yes"),
    )
    assert again.outcome.status == "answered"
    assert shop.charged == [5]
    assert sorted(read) == [1, 2]  # siblings are not repeated on resume


async def test_a_repeat_of_a_write_returns_the_first_result() -> None:
    shop = Shop()
    asked: list[Proposal] = []
    two = calls(call("charge", n=5), ToolCall("twin", "charge", '{"n":5}'))
    script = [two, calls(ToolCall("later", "charge", '{ "n": 5 }')), says("done")]
    run = await play(script, shop.tool(), approve=says_always("yes", asked))
    assert shop.charged == [5]
    assert len(asked) == 1
    for again in ("twin", "later"):
        assert "charged 5" in run.seen(again)


async def test_approval_is_for_these_arguments_only() -> None:
    shop = Shop()

    async def only_five(proposal: Proposal) -> Decision:
        return "yes" if proposal.arguments["n"] == 5 else "no"

    script = [calls(call("charge", n=5)), calls(call("charge", n=500)), says("done")]
    await play(script, shop.tool(), approve=only_five)
    assert shop.charged == [5]


async def test_a_write_with_an_unknown_end_is_not_run_again_without_a_key() -> None:
    """It was begun, then the program died: nobody knows whether it happened."""
    shop = Shop()
    first = await play([calls(call("charge", n=5))], shop.tool())
    (proposal,) = first.outcome.proposals
    cut = Journal()
    for event in first.journal.events:
        if event["event"] != "outcome":
            cut.write(event)
    cut.session = first.journal.session
    cut.write({"event": "decision", "key": proposal.key, "decision": "yes", "tool": "charge"})
    cut.write({"event": "begin", "key": proposal.key, "tool": "charge"})
    run = await play([says("It may have happened.")], shop.tool(), journal=cut)
    assert shop.charged == []
    assert "may have happened" in run.seen(proposal.call_id)


async def test_what_takes_a_key_is_run_again_with_the_same_key() -> None:
    keys: list[str] = []

    async def once(_given: Arguments, key: str) -> str:
        keys.append(key)
        if len(keys) == 1:
            raise ToolFailure("connection lost")
        return "placed"

    write = tool("place", once, writes=True, approval=always, takes_key=True)
    script = [calls(call("place", n=1)), calls(call("place", n=1)), says("done")]
    await play(script, write, approve=says_always("yes"))
    assert len(keys) == 2
    assert keys[0] == keys[1]


async def test_a_rule_can_ask_only_after_strangers_text_was_read() -> None:
    shop, asked = Shop(), []

    async def page(_given: Arguments, _key: str) -> str:
        return "text from the web"

    script = [
        calls(call("charge", n=1)),
        calls(call("page", n=1)),
        calls(call("charge", n=2)),
        says("done"),
    ]
    await play(
        script,
        shop.tool(approval=when_tainted),
        tool("page", page, untrusted=True),
        approve=says_always("no", asked),
    )
    assert shop.charged == [1]
    assert [proposal.tainted for proposal in asked] == [True]


async def test_a_read_after_a_write_is_made_again() -> None:
    """The world has changed: the balance may be another one."""
    shop, read = Shop(), []

    async def look(_given: Arguments, _key: str) -> str:
        read.append(1)
        return "balance"

    look_again: list[Reply] = [calls(call("look", n=1)), calls(call("charge", n=1))]
    script = [*look_again, calls(call("look", n=1)), says("done")]
    await play(script, shop.tool(), tool("look", look), approve=says_always("yes"))
    assert len(read) == 2
