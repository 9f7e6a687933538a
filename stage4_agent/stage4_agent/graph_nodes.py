"""The three nodes of the port: `think` asks the model, `call` runs one call, `observe` tells it.

What LangGraph does not have is written back here: limits that end in an answer, repeats, and a side
effect that happens once. Checks of arguments and results, memory and evidence are the loop's own.
Left out: how the nodes are put together and run (`langgraph_port`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal

from langgraph.runtime import Runtime
from langgraph.types import Command, Send, interrupt

from shared.errors import BudgetExceeded, CallError
from shared.messages import Message, Reply, Request, ToolCall, ToolResult, Usage
from stage4_agent import journal, memory, toolbox
from stage4_agent.agent import DENIED, LAST_CALL, TOO_MANY, UNSURE
from stage4_agent.contract import Arguments, Limits, Proposal, Tool, ToolFailure
from stage4_agent.graph_state import (
    Context,
    End,
    Known,
    State,
    Verdict,
    Wish,
    found,
    packed,
    unpacked,
    worst_usage,
)
from stage4_agent.session import REPEATED, held, idempotency_key, with_note

Next = Literal["call", "observe", "__end__"]


# --- think ---------------------------------------------------------------------------------------
async def think(state: State, runtime: Runtime[Context]) -> Command[Next]:
    context, limits = runtime.context, runtime.context.kit.limits
    last = why_last(state, limits)
    if state["steps"] >= limits.steps:
        return _ends(partial(state["ended"], last))
    note = LAST_CALL.format(last) if last else ""
    messages = unpacked(state["messages"])
    if note:
        messages[-1] = with_note(messages[-1], note)
    worst = worst_usage(state["billed"], state["unsent"], limits.max_tokens)
    try:
        reply, usd = await _asked(context, messages, note, worst)
    except BudgetExceeded:
        return _ends(partial(state["ended"], f"money limit of ${limits.usd}"))
    except CallError as error:
        why = f"the model could not be asked: {error}"
        return _ends(Verdict(status="failed", answer=held(why, found(state["ended"])), reason=why))
    turn = journal.reply_event(state["steps"] + 1, reply, usd, note)
    context.kit.journal.write(turn)
    used = journal.USED(reply.usage or worst)
    update = {
        "turn": turn,
        "steps": state["steps"] + 1,
        "usage": [a + b for a, b in zip(state["usage"], used, strict=True)],
        "billed": used[0] + used[1],
        "unsent": 0,
    }
    if last:
        said = f"Partial answer ({last}): {reply.text}"
        verdict = Verdict(status="partial", answer=said, reason=last)
        return _ends(verdict if reply.text else partial(state["ended"], last), update)
    if not reply.tool_calls:
        return _ends(_answer(state, reply), update)
    return Command(update=update, goto=_branches(state, reply, context) or "observe")


async def _asked(
    context: Context, messages: list[Message], note: str, worst: Usage
) -> tuple[Reply, Decimal]:
    kit = context.kit
    most, spent = kit.price(worst), Decimal(0)
    context.budget.hold(most)
    try:
        request = Request(
            messages=tuple(messages),
            system=kit.system,
            cache_system=bool(kit.system),
            tools=context.tools.specs,
            tool_choice="none" if note else "auto",
            max_tokens=kit.limits.max_tokens,
        )
        reply = await kit.model.complete(request, feature="agent")
        spent = kit.price(reply.usage) if reply.usage else most
    except asyncio.CancelledError:
        spent = most  # what it cost is not known, and unknown is not zero
        raise
    except CallError as error:
        spent = kit.price(error.partial.usage) if error.partial and error.partial.usage else spent
        raise
    finally:
        context.budget.settle(most, spent)
    return reply, spent


def why_last(state: State, limits: Limits) -> str:
    if state["circles"] >= limits.circles:
        return "the same calls were made again and again"
    return f"step limit of {limits.steps}" if state["steps"] >= limits.steps - 1 else ""


def _branches(state: State, reply: Reply, context: Context) -> list[Send]:
    """One for every call that has to be run; the same call twice is one."""
    tainted = any(_untrusted(context, end) for end in state["ended"])
    wishes: dict[str, Wish] = {}
    for place, one in enumerate(reply.tool_calls):
        key = idempotency_key(context.kit.journal.session, one)
        before = state["done"].get(key)
        written = [one.id, one.name, one.json]
        if place >= context.kit.limits.calls_per_turn:
            wishes[one.id] = Wish(key="", call=written, tainted=tainted, refusal=TOO_MANY)
        elif not before or not (before["ok"] or before["runs"] > 1):
            wishes.setdefault(key, Wish(key=key, call=written, tainted=tainted, refusal=""))
    return [Send("call", wish) for wish in wishes.values()]


def _untrusted(context: Context, end: End) -> bool:
    tool = context.tools.get(end["tool"])
    return bool(tool and tool.untrusted)


# --- call ----------------------------------------------------------------------------------------
async def call(state: Wish, runtime: Runtime[Context]) -> dict[str, list[End]]:
    """One branch. After an interrupt it runs again from the top, so no effect comes before it."""
    context, one, key = runtime.context, ToolCall(*state["call"]), state["key"]
    given: Arguments = {}
    ok, text = False, state["refusal"]
    try:
        if not text:
            ready = context.tools.find(one.name)
            given = toolbox.arguments(ready, one.json)
            if ready.tool.writes:
                proposal = Proposal(key, one.id, one.name, given, state["tainted"])
                text = _may_not(context, ready.tool, proposal)
            if not text:
                ok, text = True, await toolbox.run(ready, given, key)
    except (toolbox.Refused, ToolFailure) as error:
        text = str(error)
    end = End(key=key, call=one.id, tool=one.name, arguments=given, ok=ok, text=text)
    context.told(key, one, end)
    return {"ended": [end]}


def _may_not(context: Context, tool: Tool, proposal: Proposal) -> str:
    """Why a side effect is refused; empty when it may go on. It may interrupt the graph."""
    key = proposal.key
    if key in context.begun and not tool.takes_key:
        return UNSURE
    decision = context.decisions.get(key)
    if decision is None and tool.approval and tool.approval(proposal):
        decision = interrupt([getattr(proposal, name) for name in Proposal.__slots__])
        context.decisions[key] = decision
        context.write("decision", key=key, decision=decision, tool=tool.name)
    if decision == "no":
        return DENIED
    context.begun.add(key)
    context.write("begin", key=key, tool=tool.name, durable=True)
    return ""


# --- observe -------------------------------------------------------------------------------------
async def observe(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    context, limits = runtime.context, runtime.context.kit.limits
    assert state["turn"] is not None
    reply = journal.reply_of(state["turn"])
    fresh = state["ended"][state["seen"] :]
    done, known = dict(state["done"]), dict(state["done"])
    shown = {}
    for end in fresh:
        runs = 1 + (known[end["key"]]["runs"] if end["key"] in known else 0)
        now = Known(ok=end["ok"], shown=context.show(end), runs=runs)
        tool = context.tools.get(end["tool"])
        if tool and tool.writes and end["ok"]:  # what was read before may differ now
            done = {k: d for k, d in done.items() if k in context.begun}
        shown[end["call"]] = done[end["key"]] = known[end["key"]] = now
    parts = []
    for one in reply.tool_calls:
        if one.id in shown:
            now, again = shown[one.id], ""
        else:
            key = idempotency_key(context.kit.journal.session, one)
            now, again = known[key], REPEATED
            context.told(key, one, None, now)
        parts.append(ToolResult(one.id, again + now["shown"], is_error=not now["ok"]))
    unsent = state["unsent"] + sum(len(part.content) for part in parts)
    messages = [*unpacked(state["messages"]), reply.as_message(), Message("user", tuple(parts))]
    if worst_usage(state["billed"], unsent, 0).input_tokens > limits.history_tokens:
        messages = memory.shortened(messages)
    return {
        "turn": None,
        "messages": packed(messages),
        "seen": len(state["ended"]),
        "done": done,
        "circles": 0 if fresh else state["circles"] + 1,
        "unsent": unsent,
    }


# --- answer --------------------------------------------------------------------------------------
def _answer(state: State, reply: Reply) -> Verdict:
    if reply.stop == "refusal":
        return Verdict(status="failed", answer="", reason=f"the model refused: {reply.refusal}")
    if reply.stop in ("length", "context_full"):
        why = "the answer was cut at its limit"
        return Verdict(status="partial", answer=reply.text, reason=why)
    if not reply.text.strip():
        return partial(state["ended"], "the model said nothing")
    return Verdict(status="answered", answer=reply.text, reason="")


def partial(ended: Sequence[End], reason: str) -> Verdict:
    answer = held(reason, found(ended))
    return Verdict(status="partial", answer=answer, reason=reason)


def _ends(verdict: Verdict, update: dict[str, Any] | None = None) -> Command[Next]:
    return Command(update={**(update or {}), "verdict": verdict}, goto="__end__")
