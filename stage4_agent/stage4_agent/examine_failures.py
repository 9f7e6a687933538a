"""What is asked while a tool or the model is broken; the docstring says why."""

from __future__ import annotations

import re
from typing import Any

from shared.complaints import must_report, new_key, quoted
from shared.examine import need
from stage4_agent.examine_bench import TOOL_S, AgentBench, Seen, fine
from stage4_agent.examine_checks import ORDER, STOCK
from stage4_agent.examine_desk import Called, Case, Misdeed
from stage4_agent.examine_model import after, call_id

REASON = "there is no item 'drum' in this shop: its items are barrel, cask and keg"
ALWAYS = 100
HANG_S = 15.0  # a run and one time limit, on a busy machine


def tool_error(bench: AgentBench) -> str:
    """The tool says what would be right; only a model that is told so can do it."""
    bench.works()
    told = _goes_on(bench.run(after([("stock", STOCK)]), lambda case, called: {"error": REASON}))
    need("barrel, cask and keg" in told, f"the model was not told the reason: {quoted(told)}")
    return "the model was told the reason"


def crash(bench: AgentBench) -> str:
    """A server error is a result, too: the model can try another tool or say so."""
    bench.works()
    told = _goes_on(bench.run(after([("stock", STOCK)]), lambda case, called: "crash"))
    need("Traceback" not in told, f"a stack trace went to the model: {quoted(told)}")
    return f"told {quoted(told)}"


def hang(bench: AgentBench) -> str:
    """A tool that never answers must not take the run with it."""
    bench.works()
    seen = bench.run(after([("stock", STOCK)]), lambda case, called: "hang", run_s=HANG_S)
    told = _goes_on(seen)
    return f"told {quoted(told)} after {TOOL_S:g} s"


def siblings(bench: AgentBench) -> str:
    """One of two parallel calls fails; the other one was paid for."""
    bench.works()

    def behave(case: Case, called: Called) -> dict[str, Any] | Misdeed:
        return "lose" if called.name == "stock" else fine(case, called)

    seen = bench.run(after([("stock", STOCK), ("price", STOCK)]), behave)
    _goes_on(seen)
    told, number = seen.told(call_id(0, 1)), str(int(seen.case.number) * 13 + 3)
    need(number in told, f"the healthy call's result was lost: {quoted(told)}")
    return "the healthy call's result reached the model"


def lost_write(bench: AgentBench) -> str:
    """The order was made and its answer lost. The model asks again; it must stay one order."""
    bench.works()

    def behave(case: Case, called: Called) -> dict[str, Any] | Misdeed:
        return "lose" if len(case.calls) == 1 else fine(case, called)

    seen = bench.run(after([("order", ORDER)], [("order", ORDER)]), behave, decision="yes")
    seen.told(call_id(0))
    need(seen.case.effects, "after a yes, no order was made")
    count = len(seen.case.effects)
    need(count == 1, f"{count} orders: send a key that is the same for the same call")
    return "ordered once"


def model_down(bench: AgentBench) -> str:
    """A provider that stays down: give up in time, and say so."""
    bench.works()
    fault = {"kind": "status", "status": 400, "message": "no credit left", "times": ALWAYS}
    seen = bench.run(after(), script=[fault])
    said = must_report(seen.run, seen.run.stderr.strip())
    need(re.search(r"credit|model|400|provider|refus", said), f"not why: {quoted(said)}")
    return quoted(said)


def secret(bench: AgentBench) -> str:
    """Some gateways repeat the key in their refusal; it must not end up in a log."""
    bench.works()
    key = new_key()
    message = f"Incorrect API key provided: {key}. Find yours on the dashboard."
    fault = {"kind": "status", "status": 401, "message": message, "times": ALWAYS}
    bench.run(after(), script=[fault], key=key)
    need(not bench.leaks, "; ".join(sorted(set(bench.leaks))))
    return "no key in any output of any check"


def _goes_on(seen: Seen) -> str:
    """What the model was told of its first call; `Failed` when the run did not come to its end."""
    told = seen.told(call_id(0))
    need(told.strip(), "the model was told nothing: an empty result")
    _ = seen.answer
    return told
