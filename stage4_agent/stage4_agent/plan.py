"""Plan first: one call without tools writes the steps, then the loop works with them in its prompt.

Worth its call where a person wants to read the plan before it runs, or where a model tends to
wander. It costs one call more, and the loop may still leave the plan when a result asks for it.
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

MAX_TOKENS = 400


def plan_first(solve: Solve = agent.solve) -> Solve:
    """`solve` with a plan. A session that is resumed keeps the plan that it began with."""

    async def planned(task: str, kit: Kit) -> Outcome:
        if kit.journal.events:
            return await solve(task, _with(str(kit.journal.events[0].get("plan", "")), kit))
        plan, usd = await _plan(task, kit)
        kit.journal.extra["plan"] = plan
        left = None if kit.limits.usd is None else max(kit.limits.usd - usd, Decimal(0))
        working = _with(plan, replace(kit, limits=replace(kit.limits, usd=left)))
        outcome = await solve(task, working)
        return replace(outcome, usd=outcome.usd + usd, steps=outcome.steps + 1)

    return planned


async def _plan(task: str, kit: Kit) -> tuple[str, Decimal]:
    """The plan and its price; `BudgetExceeded` before the call when there is not enough.

    A text that names no tool is no plan, unless it says that none is needed: it is dropped.
    """
    tools = "\n".join(f"- {spec.name}: {spec.description}" for spec in kit.tools.specs)
    system = f"{load_prompt('plan').text}\n\nTools:\n{tools}"
    request = Request(messages=(user(task),), system=system, max_tokens=MAX_TOKENS)
    worst = kit.price(Usage((len(system) + len(task)) // CHARS_A_TOKEN, MAX_TOKENS))
    Budget(kit.limits.usd).hold(worst)
    reply = await kit.model.complete(request, feature="plan")
    plan = reply.text.strip()
    names = [spec.name for spec in kit.tools.specs]
    said = any(name in plan for name in names) or "no tool is needed" in plan.lower()
    return plan if said else "", kit.price(reply.usage) if reply.usage else worst


def _with(plan: str, kit: Kit) -> Kit:
    if not plan:
        return kit
    return replace(kit, system=f"{kit.system}\n\nYour plan for this task:\n{plan}")
