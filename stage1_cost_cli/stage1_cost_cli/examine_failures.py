"""What is asked about a call that fails, one function a check; its docstring says why."""

from __future__ import annotations

import re

from shared.complaints import new_key, quoted
from shared.examine import need
from stage1_cost_cli.examine_bench import ANSWER, REPLY, AskBench, begins

BREAK_AFTER = 12  # tokens, a third of the answer
RETRY_AFTER_S = 1
TIMER_S = 0.01  # the clocks of two processes
MOST_TRIES = 6


def rate_limit(bench: AskBench) -> str:
    """Who comes back before `retry-after` earns the next 429."""
    bench.wire()
    headers = {"retry-after": str(RETRY_AFTER_S)}
    asked = bench.ask([{"kind": "status", "status": 429, "headers": headers}, REPLY, REPLY])
    asked.must_be(ANSWER)
    calls = asked.calls
    need(len(calls) <= MOST_TRIES, f"{len(calls)} calls for one answer")
    waited_s = calls[1].arrived_at - (calls[0].finished_at or calls[0].arrived_at)
    need(
        waited_s >= RETRY_AFTER_S - TIMER_S,
        f"came back after {waited_s:.2f} s; the server had asked for {RETRY_AFTER_S} s",
    )
    return f"came back after {waited_s:.2f} s"


def cut_reset(bench: AskBench) -> str:
    return _cut(bench, "reset")


def cut_clean(bench: AskBench) -> str:
    """No SDK calls this an error: the body ends, and only the end marker is missing."""
    return _cut(bench, "clean")


def bad_key(bench: AskBench) -> str:
    """A person must learn that it is the key; trying again is no use."""
    bench.wire()
    asked = bench.ask([], key=new_key("bad-examiner"))
    said = asked.must_report()
    need(
        re.search(r"key|auth|credential", said, re.IGNORECASE),
        f"the message does not say that it is about the key: {quoted(said)}",
    )
    need(len(asked.calls) <= 1, f"tried {len(asked.calls)} times with a key that was refused")
    return quoted(said)


def overloaded(bench: AskBench) -> str:
    """A provider that stays down: give up in time, and say so."""
    status = 529 if bench.wire() == "anthropic" else 503
    asked = bench.ask([{"kind": "status", "status": status, "times": 100}])
    asked.must_report()
    need(len(asked.calls) <= MOST_TRIES, f"{len(asked.calls)} calls before it gave up")
    return f"gave up after {len(asked.calls)} tries and {asked.run.wall_s:.1f} s"


def empty_question(bench: AskBench) -> str:
    """An empty prompt costs money and answers nothing."""
    bench.wire()
    asked = bench.ask([REPLY, REPLY], question="")
    need(not asked.calls, "the empty question was sent to the provider")
    return quoted(asked.must_report())


def secret(bench: AskBench) -> str:
    """Some gateways repeat the key in their refusal; it must not end up in a log."""
    bench.wire()
    key = new_key()
    message = f"Incorrect API key provided: {key}. Find yours on the dashboard."
    bench.ask([{"kind": "status", "status": 401, "message": message, "times": 3}], key=key)
    need(not bench.leaks, "; ".join(sorted(set(bench.leaks))))
    return "no key in any output of any check"


def _cut(bench: AskBench, how: str) -> str:
    """Text that arrived stays, is not said twice, and nobody takes it for the whole answer."""
    bench.wire()
    cut = {"kind": "cut", "after_tokens": BREAK_AFTER, "how": how, "times": 20}
    asked = bench.ask([[REPLY, cut]])
    said = asked.must_report()
    answer = asked.printed.answer.strip()
    need(
        begins(ANSWER, answer),
        f"{BREAK_AFTER} tokens had arrived; standard output is {quoted(answer)}",
    )
    return quoted(said)
