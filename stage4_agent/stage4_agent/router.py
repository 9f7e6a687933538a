"""A router and workers: one small call decides which of a few narrow agents takes the task.

The honest alternative to agents that talk to each other: what a worker cannot do it has no tool
for, prompts stay short, and there is one loop, not several. Left out: handing a task on to a second
worker; a task that needs two kinds of sources goes to the whole agent (`agent.solve`).
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from shared.budget import Budget
from shared.messages import Request, Usage, user
from stage4_agent import agent
from stage4_agent.contract import Kit, Outcome, Solve
from stage4_agent.memory import CHARS_A_TOKEN
from stage4_agent.prompts import load_prompt
from stage4_agent.toolbox import Toolbox

WORKERS: dict[str, tuple[str, ...]] = {
    "data": ("sql_schema", "sql_query", "calculator"),
    "web": ("web_search", "fetch_page", "calculator"),
    "order": ("sql_schema", "sql_query", "place_order"),
    "talk": (),
}
MAX_TOKENS = 20


def routed(solve: Solve = agent.solve) -> Solve:
    """`solve` with the tools of one worker. An answer that names no worker gives all tools."""

    async def run(task: str, kit: Kit) -> Outcome:
        if kit.journal.events:
            return await solve(task, _narrowed(str(kit.journal.events[0].get("worker", "")), kit))
        worker, usd = await _route(task, kit)
        kit.journal.extra["worker"] = worker
        left = None if kit.limits.usd is None else max(kit.limits.usd - usd, Decimal(0))
        outcome = await solve(
            task, _narrowed(worker, replace(kit, limits=replace(kit.limits, usd=left)))
        )
        return replace(outcome, usd=outcome.usd + usd, steps=outcome.steps + 1)

    return run


async def _route(task: str, kit: Kit) -> tuple[str, Decimal]:
    """The worker's name, empty when there was none in the reply, and the price of the call."""
    system = load_prompt("router").text
    request = Request(messages=(user(task),), system=system, max_tokens=MAX_TOKENS)
    worst = kit.price(Usage((len(system) + len(task)) // CHARS_A_TOKEN, MAX_TOKENS))
    Budget(kit.limits.usd).hold(worst)
    reply = await kit.model.complete(request, feature="route")
    said = reply.text.lower()
    found = [name for name in WORKERS if name in said]
    usd = kit.price(reply.usage) if reply.usage else worst
    return (found[0] if len(found) == 1 else ""), usd


def _narrowed(worker: str, kit: Kit) -> Kit:
    if worker not in WORKERS:
        return kit
    kept = [tool for tool in kit.tools.tools if tool.name in WORKERS[worker]]
    return replace(kit, tools=Toolbox(kept))
