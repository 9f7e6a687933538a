"""Runs a trace again without model and tools: both say what they said then.

So the loop itself can be stepped through with a debugger, and a change of the loop that would have
gone another way is seen: the calls that it asks for are compared with the record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from shared.errors import LocalError
from shared.messages import Reply, Request
from stage4_agent import agent
from stage4_agent.contract import (
    Approve,
    Arguments,
    Decision,
    Kit,
    Limits,
    Outcome,
    Proposal,
    Solve,
    Tool,
    ToolFailure,
)
from stage4_agent.journal import Event, Journal, Watch, reply_of
from stage4_agent.toolbox import Toolbox


class Departed(LocalError):
    """The run went another way than its trace."""


async def replayed(
    events: Sequence[Event],
    tools: Sequence[Tool],
    *,
    solve: Solve = agent.solve,
    watch: Watch | None = None,
) -> Outcome:
    """The outcome, made again; `Departed` where the loop asks for something else than it did."""
    journal = Journal(session=str(events[0]["session"]), watch=watch)
    kit = Kit(
        model=_Recorded(events),
        tools=Toolbox(_recorded(tool, events) for tool in tools),
        journal=journal,
        limits=Limits(steps=10_000, usd=None, seconds=None),
        approve=_decided(events),
        price=lambda _: Decimal(0),
    )
    outcome = await solve(str(events[0]["task"]), kit)
    _must_agree(events, journal.events)
    return outcome


class _Recorded:
    def __init__(self, events: Sequence[Event]) -> None:
        self._replies = [reply_of(event) for event in events if event["event"] == "reply"]

    async def complete(self, request: Request, *, feature: str = "") -> Reply:
        if not self._replies:
            raise Departed(
                "the trace ends here: the run was interrupted, or the loop asks once more"
            )
        return self._replies.pop(0)


def _recorded(tool: Tool, events: Sequence[Event]) -> Tool:
    said = {
        event["key"]: event
        for event in events
        if event["event"] == "result" and event["tool"] == tool.name and not event["again"]
    }

    async def run(_given: Arguments, key: str) -> str:
        if key not in said:
            raise Departed(f"the loop ran {tool.name} with arguments that the trace does not have")
        if not said[key]["ok"]:
            raise ToolFailure(said[key]["text"])
        return str(said[key]["text"])

    return replace(tool, run=run, returns=None)


def _decided(events: Sequence[Event]) -> Approve:
    decisions: dict[str, Decision] = {
        event["key"]: event["decision"] for event in events if event["event"] == "decision"
    }

    async def approve(proposal: Proposal) -> Decision:
        return decisions.get(proposal.key, "later")

    return approve


def _must_agree(then: Sequence[Event], now: Sequence[Event]) -> None:
    def shown(events: Sequence[Event]) -> list[tuple[str, bool]]:
        results = [event for event in events if event["event"] == "result"]
        return sorted((event["call"], event["ok"]) for event in results)

    if shown(then) != shown(now):
        raise Departed("the calls of the replay and their ends are not those of the trace")
