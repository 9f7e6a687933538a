"""The same agent on LangGraph: a graph of three nodes, checkpoints and interrupts. Needs the extra.

LangGraph runs the branches, keeps the state after each of them, waits for people and goes on after
a crash. What `ported` gives is called as the loop is, so the same tasks and faults examine it.
`COMPARISON.md` counts what was taken away and what had to be written back. Left out: what the nodes
do (`graph_nodes`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command, StateSnapshot

from shared.errors import UserError
from shared.messages import Usage
from stage4_agent.contract import Decision, Kit, Outcome, Proposal, Solve
from stage4_agent.evidence import evidence, unsupported
from stage4_agent.graph_nodes import call, observe, partial, think
from stage4_agent.graph_state import Context, State, Verdict, Wish, found, new_state


@asynccontextmanager
async def with_checkpoints(file: Path) -> AsyncIterator[Solve]:
    """The port with its checkpoints in a file, from which a killed session goes on."""
    async with AsyncSqliteSaver.from_conn_string(str(file)) as saver:
        yield ported(saver)


def ported(saver: BaseCheckpointSaver[Any] | None = None) -> Solve:
    """Without a saver, sessions live as long as what is returned here."""
    graph = StateGraph(State, context_schema=Context)
    graph.add_node("think", think)
    graph.add_node("call", call, input_schema=Wish)
    graph.add_node("observe", observe)
    graph.add_edge(START, "think")  # from where `think` says itself what comes next
    graph.add_edge("call", "observe")
    graph.add_edge("observe", "think")
    compiled = graph.compile(checkpointer=saver or InMemorySaver())

    async def solve(task: str, kit: Kit) -> Outcome:
        return await Session(compiled, kit).run(task)

    return solve


class Session:
    """One session of a compiled graph: begins, goes on, asks people, and tells how it ended."""

    def __init__(self, graph: Any, kit: Kit) -> None:
        self.graph, self.kit = graph, kit
        self.context = Context.of(kit)
        # Their limit raises instead of answering, so ours has to come first: three nodes a step.
        self.config: RunnableConfig = {
            "configurable": {"thread_id": kit.journal.session},
            "recursion_limit": 3 * kit.limits.steps + 10,
        }

    async def run(self, task: str) -> Outcome:
        start = time.monotonic()
        snapshot = await self.graph.aget_state(self.config)
        before = snapshot.values.get("verdict")
        if before and before["status"] == "answered":
            return self._outcome(snapshot, (), "")
        entry = self._entry(task, snapshot)
        waiting: tuple[Proposal, ...] = ()
        cut = ""
        try:
            async with asyncio.timeout(self.kit.limits.seconds) as clock:
                waiting = await self._go(entry)
        except TimeoutError:
            if not clock.expired():
                raise
            cut = f"time limit of {self.kit.limits.seconds:g} s"
        outcome = self._outcome(await self.graph.aget_state(self.config), waiting, cut)
        self.context.write(
            "outcome", status=outcome.status, answer=outcome.answer, reason=outcome.reason
        )
        return replace(outcome, seconds=time.monotonic() - start)

    def _entry(self, task: str, snapshot: StateSnapshot) -> Any:
        """What the graph is started with: a new state, or nothing when it goes on where it was."""
        kit, state = self.kit, snapshot.values
        if state:
            for end in state["ended"][: state["seen"]]:
                self.context.show(end)  # so that later results get later labels
            return None if snapshot.next else {"verdict": None}
        if kit.journal.events[1:]:
            raise UserError("this record has no checkpoint: go on with --loop bare")
        if kit.journal.events:  # killed before the first checkpoint: nothing had happened
            task = kit.journal.events[0]["task"]
        else:
            names = [spec.name for spec in kit.tools.specs]
            book = kit.journal
            self.context.write("task", task=task, session=book.session, tools=names, **book.extra)
        return new_state(task, kit)

    async def _go(self, entry: Any) -> tuple[Proposal, ...]:
        """Runs until the end, or until nobody decides what some branches wait for."""
        later: set[str] = set()
        while True:
            found = await self.graph.ainvoke(
                entry, self.config, context=self.context, durability="sync", version="v2"
            )
            waiting = {one.id: Proposal(*one.value) for one in found.interrupts}
            said: dict[str, Decision] = {}
            for id, proposal in waiting.items():
                if id not in later:
                    said[id] = await self.kit.approve(proposal)
            later |= {id for id, decision in said.items() if decision == "later"}
            if not (said.keys() - later):
                return tuple(waiting.values())
            entry = Command(resume={id: said[id] for id in said.keys() - later})

    def _outcome(self, snapshot: StateSnapshot, waiting: tuple[Proposal, ...], cut: str) -> Outcome:
        state = snapshot.values
        ended = list(state["ended"])
        for task in snapshot.tasks:  # of a turn that was cut or waits: the branches that are done
            ended += (task.result or {}).get("ended", ())
        waits = Verdict(status="waiting", answer="", reason="a person must decide")
        verdict = partial(ended, cut) if cut else state["verdict"] or waits
        results = found(ended)
        return Outcome(
            status=verdict["status"],  # type: ignore[arg-type]
            answer=verdict["answer"],
            reason=verdict["reason"],
            evidence=evidence(verdict["answer"], results),
            unsupported=unsupported(verdict["answer"], state["task"], results),
            proposals=waiting,
            steps=state["steps"],
            calls=len(ended),
            usage=Usage(*state["usage"]),
            usd=self.context.budget.spent_usd,
        )
