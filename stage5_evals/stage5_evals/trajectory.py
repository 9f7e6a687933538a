"""Checks of what an agent did, from the steps in its answer and what its case expects.

    "expect": {"tools": ["search", "send"], "never": ["delete"], "steps": 8}

`tools` must be called in this order, other calls between them are free; `never` must not be called;
`steps` is the most that may be needed. Left out: whether the arguments were good, which a judge
must say, and any path that is right in another order.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from stage5_evals.answers import Answer
from stage5_evals.cases import Case
from stage5_evals.graders import RIGHT, Grade, Rule


def trajectory_rules() -> list[Rule]:
    return [
        Rule(
            "tools_called", "which share of the tools is called, in order?", called, _has("tools")
        ),
        Rule("tools_avoided", "is no forbidden tool called?", avoided, _has("never")),
        Rule("steps_within", "are there no more steps than needed?", within, _has("steps")),
        Rule("no_repeats", "is no call made twice?", no_repeats, _has("tools")),
        Rule(
            "recovers", "is every failed call followed by one that works?", recovers, _has("tools")
        ),
    ]


def called(case: Case, answer: Answer) -> Grade:
    wanted: Sequence[str] = case.expect["tools"]
    at = 0
    for step in answer.steps:
        if at < len(wanted) and step.tool == wanted[at] and step.error is None:
            at += 1
    return RIGHT if at == len(wanted) else Grade(at / len(wanted), f"not called: {wanted[at]}")


def avoided(case: Case, answer: Answer) -> Grade:
    bad = [step.tool for step in answer.steps if step.tool in case.expect["never"]]
    return Grade(0.0, f"it called {bad[0]}") if bad else RIGHT


def within(case: Case, answer: Answer) -> Grade:
    steps = len(answer.steps)
    return RIGHT if steps <= case.expect["steps"] else Grade(0.0, f"it took {steps} steps")


def no_repeats(_: Case, answer: Answer) -> Grade:
    """A call that failed may be made again."""
    seen: set[str] = set()
    for step in answer.steps:
        call = json.dumps([step.tool, dict(step.arguments)], sort_keys=True)
        if call in seen:
            return Grade(0.0, f"{step.tool} was called twice with the same arguments")
        if step.error is None:
            seen.add(call)
    return RIGHT


def recovers(_: Case, answer: Answer) -> Grade:
    """After a failure something worked; an answer that gives up honestly counts as recovered."""
    last = next((step for step in reversed(answer.steps) if step.error is None), None)
    broken = [step for step in answer.steps if step.error is not None]
    if not broken or answer.declined:
        return RIGHT
    after = last is not None and answer.steps.index(last) > answer.steps.index(broken[-1])
    return RIGHT if after else Grade(0.0, f"after {broken[-1].tool} failed nothing worked")


def _has(name: str) -> Callable[[Case], bool]:
    return lambda case: name in case.expect
