"""What is asked while the tools are healthy: right calls, right bounds; the docstring says why."""

from __future__ import annotations

import re

from shared.complaints import quoted
from shared.examine import need
from stage4_agent.examine_bench import STEPS, AgentBench, fine
from stage4_agent.examine_desk import Called, Case
from stage4_agent.examine_model import after, call_id

STOCK = {"item": "drum", "month": 3}
ORDER = {"item": "drum", "quantity": 4}
HUGE = 500_000  # more than any tool should say, less than the window of the model
MOST_SHOWN = 100_000
PARTIAL = r"partial|incomplete|not complete|unfinished|limit|not finished|so far"
CUT = r"cut|truncat|omit|shorten|more|first \d|\d of \d"


def answers(bench: AgentBench) -> str:
    """The simplest task there is: one call, one result, one answer."""
    seen = bench.probe()
    told, number = seen.told(call_id(0)), str(int(seen.case.number) * 13 + 3)
    need(number in told, f"the tool said {number}, the model was told {quoted(told)}")
    need(len(seen.case.calls) == 1, f"one call was asked for, {len(seen.case.calls)} were made")
    need(seen.case.calls[0].arguments == STOCK, f"called with {seen.case.calls[0].arguments}")
    return f"an answer after {len(seen.requests)} model calls"


def parallel(bench: AgentBench) -> str:
    """Two slow calls that do not depend on each other take the time of one."""
    bench.works()
    met: list[bool] = []

    def behave(case: Case, called: Called) -> dict[str, object]:
        met.append(case.meet(2))
        return fine(case, called)

    seen = bench.run(after([("stock", STOCK), ("price", STOCK)]), behave)
    need(len(seen.case.calls) == 2, f"two calls in one turn, {len(seen.case.calls)} were made")
    need(all(met), "the second call was not begun before the first had ended")
    _ = seen.answer
    return "both calls were under way at once"


def unknown_tool(bench: AgentBench) -> str:
    """Models invent tool names. Who hears which ones exist gets it right the second time."""
    bench.works()
    seen = bench.run(after([("stock_v2", STOCK)]))
    told = seen.told(call_id(0))
    need(not seen.case.calls, "a tool that was never offered was called")
    need("price" in told, f"the model was not told which tools there are: {quoted(told)}")
    _ = seen.answer
    return f"told {quoted(told)}"


def arguments(bench: AgentBench) -> str:
    """`"3"` is no whole number: what a tool makes of it is luck, and the schema said so."""
    bench.works()
    seen = bench.run(after([("stock", {"item": "drum", "month": "3"})]))
    told = seen.told(call_id(0))
    need(not seen.case.calls, "the tool was called with month as a text, against its schema")
    need(
        re.search(r"month|integer|type", told),
        f"the model was not told what was wrong with month: {quoted(told)}",
    )
    _ = seen.answer
    return f"told {quoted(told)}"


def refused(bench: AgentBench) -> str:
    """A person says no: nothing happens, and the model learns it, else it tries another way."""
    bench.works()
    seen = bench.run(after([("order", ORDER)]))
    need(not seen.case.effects, "an order that a person had refused, or was not asked about, ran")
    need(seen.case.asked, "nobody was asked before the order")
    told = seen.told(call_id(0))
    need(re.search(r"refus|den|declin|not approved|reject|said no", told), quoted(told))
    return f"told {quoted(told)}"


def approved(bench: AgentBench) -> str:
    """What the person saw is what is done, once."""
    bench.works()
    seen = bench.run(after([("order", ORDER)]), decision="yes")
    shown, done = [c.arguments for c in seen.case.asked], [c.arguments for c in seen.case.effects]
    need(shown, "nobody was asked before the order")
    need(shown[0] == ORDER, f"the person was asked about {shown[0]}, the model wanted {ORDER}")
    need(done == [ORDER], f"after a yes, these orders were made: {done}")
    _ = seen.answer
    return "asked, then ordered once"


def repeated_write(bench: AgentBench) -> str:
    """A model that forgets and asks again means the same order, not a second one."""
    bench.works()
    seen = bench.run(after([("order", ORDER)], [("order", ORDER)]), decision="yes")
    count = len(seen.case.effects)
    need(count == 1, f"the same order was asked for twice in one task, and {count} were made")
    return "ordered once"


def circles(bench: AgentBench) -> str:
    """The same call for ever costs money each time and finds nothing new."""
    bench.works()
    seen = bench.run(lambda _: [("stock", STOCK)])
    count = len(seen.case.calls)
    need(count <= 2, f"the same call was run {count} times")
    return f"run {count} times, {len(seen.requests)} model calls"


def step_limit(bench: AgentBench) -> str:
    """A model that never stops calling tools must be stopped."""
    bench.works()
    seen = bench.run(lambda turn: [("stock", {"item": "drum", "month": turn + 1})])
    count = len(seen.requests)
    need(count <= STEPS, f"{count} model calls, {STEPS} were allowed")
    need(count > 1, "one model call, and it was given up")
    return f"{count} model calls"


def partial(bench: AgentBench) -> str:
    """Work that was paid for is worth showing, but not as if it were whole."""
    bench.works()
    seen = bench.run(lambda turn: [("stock", {"item": "drum", "month": turn + 1})])
    said, base = seen.run.stdout, int(seen.case.number) * 13
    need(seen.run.exit_code, f"exit code 0 for a task that was not finished: {quoted(said)}")
    held = [n for n in range(1, STEPS + 1) if str(base + n) in said]
    need(held, f"nothing of what was found is in the answer: {quoted(said)}")
    need(re.search(PARTIAL, said, re.IGNORECASE), f"it does not say that: {quoted(said)}")
    return f"{len(held)} of the results, and that it is partial"


def huge(bench: AgentBench) -> str:
    """Half a megabyte of result is a hundred thousand tokens, on every call that follows."""
    bench.works()
    text = "All drums are blue. " * (HUGE // 20)
    seen = bench.run(after([("stock", STOCK)]), lambda case, called: {"result": {"text": text}})
    told = seen.told(call_id(0))
    need(len(told) <= MOST_SHOWN, f"{len(told):,} characters of a result went to the model")
    need(len(told) > 100, f"the result was lost: {quoted(told)}")
    edges = told[:400] + told[-400:]
    need(re.search(CUT, edges, re.IGNORECASE), "the model was not told that the result was cut")
    return f"{len(told):,} characters, marked as cut"
