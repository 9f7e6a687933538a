"""The agent: reason, act, observe, repeat, in one file. Read it from `solve` downwards.

A model is asked, the tools it calls are run at the same time, what they say goes back to it, until
it answers. Around that: limits before each call, no call run twice for nothing, no side effect
without a person or more than once, and a record from which a killed run goes on. Left out: how one
call is checked and run (`toolbox`), what is shown of a result (`memory`), the state that grows from
what happened (`session`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from shared.errors import BudgetExceeded, CallError
from shared.messages import Reply, Request, ToolCall
from stage4_agent import journal, toolbox
from stage4_agent.contract import Kit, Outcome, Proposal, Tool, ToolFailure
from stage4_agent.session import Done, Session, held, with_note

LAST_CALL = (
    "This is the last call ({}): no tool can be called any more. Answer from the results that you "
    "have, and say what is missing."
)
TOO_MANY = "Not run: too many calls in one turn."
DENIED = "A person refused this. Do not try it again or in another way; say that it was refused."
UNSURE = (
    "This was begun before the program was stopped, and its result was not seen: it may have "
    "happened. It is not run again. Check with another tool, or say so."
)


async def solve(task: str, kit: Kit) -> Outcome:
    """Works on `task` until there is an answer, a limit, or a question for a person.

    A journal that already holds events is taken up where it ended; its task is then the task.
    """
    run = Run(task, kit)
    outcome = run.begin()
    try:
        async with asyncio.timeout(kit.limits.seconds) as clock:  # one clock for all of it
            while outcome is None:
                outcome = await run.step()
    except TimeoutError:
        if not clock.expired():
            raise
        outcome = run.partial(f"time limit of {kit.limits.seconds:g} s")
    return run.end(outcome)


class Run:
    def __init__(self, task: str, kit: Kit) -> None:
        self.kit = kit
        self.state = Session(task, kit)
        self.start = time.monotonic()

    def begin(self) -> Outcome | None:
        """Opens the record; an outcome when a resumed session had already come to its answer."""
        if not self.kit.journal.events:
            names = [spec.name for spec in self.kit.tools.specs]
            book = self.kit.journal
            self._write(
                "task", task=self.state.task, session=book.session, tools=names, **book.extra
            )
        last = self.state.last
        return last if last and last.status == "answered" else None

    async def step(self) -> Outcome | None:
        """Reason, act, observe. None when there is more to do."""
        state = self.state
        if state.turn is None:
            ended = await self._reason()
            if ended:
                return ended
        assert state.turn is not None
        if not state.turn.tool_calls:
            return self._answer(state.turn)
        waiting = await self._act(state.turn.tool_calls)
        if waiting:
            return state.outcome("waiting", "", "a person must decide", waiting)
        state.close_turn()
        return None

    def end(self, outcome: Outcome) -> Outcome:
        if outcome is not self.state.last:
            self._write(
                "outcome", status=outcome.status, answer=outcome.answer, reason=outcome.reason
            )
        return replace(outcome, seconds=time.monotonic() - self.start)

    # --- reason ----------------------------------------------------------------------------------
    async def _reason(self) -> Outcome | None:
        """Asks for the next turn; an outcome when no call may be made, or none came back."""
        state, limits = self.state, self.kit.limits
        last = self._why_last()
        if state.steps >= limits.steps:
            return self.partial(last)
        note = LAST_CALL.format(last) if last else ""
        worst = self.kit.price(state.worst_usage())
        try:
            state.budget.hold(worst)
        except BudgetExceeded:
            return self.partial(f"money limit of ${limits.usd}")
        try:
            reply = await self.kit.model.complete(self._request(note), feature="agent")
        except asyncio.CancelledError:
            state.budget.settle(worst, worst)  # what it cost is not known, and unknown is not zero
            raise
        except CallError as error:
            used = error.partial.usage if error.partial else None
            state.budget.settle(worst, self.kit.price(used) if used else Decimal(0))
            return replace(self.partial(f"the model could not be asked: {error}"), status="failed")
        state.budget.settle(worst, Decimal(0))
        usd = self.kit.price(reply.usage) if reply.usage else worst
        state.replied(reply, usd)
        self.kit.journal.write(journal.reply_event(state.steps, reply, usd, note))
        if last:
            said = f"Partial answer ({last}): {reply.text}" if reply.text else ""
            return state.outcome("partial", said, last) if said else self.partial(last)
        return None

    def _why_last(self) -> str:
        """Why the next call has to be the last one; empty when it has not."""
        limits = self.kit.limits
        if self.state.circles >= limits.circles:
            return "the same calls were made again and again"
        return f"step limit of {limits.steps}" if self.state.steps >= limits.steps - 1 else ""

    def _request(self, note: str) -> Request:
        messages = tuple(self.state.messages)
        if note:
            messages = (*messages[:-1], with_note(messages[-1], note))
        return Request(
            messages=messages,
            system=self.kit.system,
            cache_system=bool(self.kit.system),
            tools=self.state.tools.specs,
            tool_choice="none" if note else "auto",
            max_tokens=self.kit.limits.max_tokens,
        )

    # --- act -------------------------------------------------------------------------------------
    async def _act(self, calls: Sequence[ToolCall]) -> tuple[Proposal, ...]:
        """Runs the open calls of a turn at the same time; what waits for a person comes back."""
        same: dict[str, list[ToolCall]] = {}
        for place, call in enumerate(calls):
            if call.id in self.state.answered:
                continue
            if place >= self.kit.limits.calls_per_turn:
                self._record("", call, {}, False, TOO_MANY)
            else:
                same.setdefault(self.state.key(call), []).append(call)
        if len(same) == 1:
            outcomes = [await self._one(*item) for item in same.items()]
        else:
            outcomes = await asyncio.gather(*(self._one(*item) for item in same.items()))
        return tuple(proposal for proposal in outcomes if proposal)

    async def _one(self, key: str, same: Sequence[ToolCall]) -> Proposal | None:
        """One call, run once however often the model wrote it. A failure is a result, too."""
        call, before = same[0], self.state.done.get(key)
        if before and (before.ok or before.runs > 1):  # what failed may be tried once more
            self._repeat(key, same, before)
            return None
        try:
            ready = self.state.tools.find(call.name)
            given = toolbox.arguments(ready, call.json)
        except toolbox.Refused as refused:
            self._record(key, call, {}, False, str(refused))
        else:
            proposal = Proposal(key, call.id, call.name, given, self.state.tainted)
            refusal = await self._may_not(ready.tool, proposal) if ready.tool.writes else ""
            if refusal is None:
                return proposal
            ok, text = (False, refusal) if refusal else await self._run(ready, given, key)
            self._record(key, call, given, ok, text)
        self._repeat(key, same[1:], self.state.done[key])
        return None

    async def _may_not(self, tool: Tool, proposal: Proposal) -> str | None:
        """Why a side effect is refused; empty when it may go on, None when a person must decide."""
        state, key = self.state, proposal.key
        if key in state.writes and not tool.takes_key:
            return UNSURE
        decision = state.decisions.get(key)
        if decision is None and tool.approval and tool.approval(proposal):
            decision = await self.kit.approve(proposal)
            if decision == "later":
                return None
            state.decisions[key] = decision
            self._write("decision", key=key, decision=decision, tool=tool.name)
        if decision == "no":
            return DENIED
        state.writes.add(key)
        self._write("begin", key=key, tool=tool.name, durable=True)
        return ""

    async def _run(
        self, ready: toolbox.Ready, given: Mapping[str, Any], key: str
    ) -> tuple[bool, str]:
        try:
            return True, await toolbox.run(ready, given, key)
        except ToolFailure as failure:
            return False, str(failure)

    # --- observe ---------------------------------------------------------------------------------
    def _record(
        self, key: str, call: ToolCall, given: Mapping[str, Any], ok: bool, text: str
    ) -> None:
        done = self.state.ended(key, call, given, ok, text)
        self._tell(key, call, given, done)

    def _repeat(self, key: str, same: Sequence[ToolCall], before: Done) -> None:
        for call in same:
            self._tell(key, call, {}, before, again=True)

    def _tell(
        self, key: str, call: ToolCall, given: Mapping[str, Any], done: Done, again: bool = False
    ) -> None:
        self.state.tell(call, done, again=again)
        text = "" if again else done.text
        self._write(
            "result", call=call.id, tool=call.name, json=call.json, arguments=given, key=key,
            ok=done.ok, text=text, again=again,
        )  # fmt: skip

    # --- answer ----------------------------------------------------------------------------------
    def _answer(self, reply: Reply) -> Outcome:
        if reply.stop == "refusal":
            return self.state.outcome("failed", "", f"the model refused: {reply.refusal}")
        if reply.stop in ("length", "context_full"):
            return self.state.outcome("partial", reply.text, "the answer was cut at its limit")
        if not reply.text.strip():
            return self.partial("the model said nothing")
        return self.state.outcome("answered", reply.text)

    def partial(self, reason: str) -> Outcome:
        return self.state.outcome("partial", held(reason, self.state.found), reason)

    def _write(self, event: str, *, durable: bool = False, **fields: Any) -> None:
        self.kit.journal.write({"event": event, "at": journal.now(), **fields}, durable=durable)
