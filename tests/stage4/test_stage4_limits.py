"""What bounds a run: steps, money, time, circles, and the size of what the model is shown."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest
from tests.stage4.conftest import play, tool

from shared.messages import Reply, Request, ToolCall, Usage
from stage4_agent.contract import Arguments, Limits
from stage4_agent.scripted import call, calls, says

END = 60.0  # a guard, not a measure

pytestmark = pytest.mark.usefixtures("each_way")


async def double(given: Arguments, _key: str) -> int:
    return int(given["n"]) * 2


async def test_going_in_circles_ends_with_a_last_call_without_tools() -> None:
    """A, B, A, B, … : after two turns of nothing new the model is told to answer."""

    def script(request: Request) -> Reply:
        if request.tool_choice == "none":
            return says("I have 2.")
        return calls(call("double", n=1 + len(request.messages) // 2 % 2))

    run = await play(script, tool("double", double), limits=Limits(steps=50))
    assert run.outcome.status == "partial"
    assert "again and again" in run.outcome.reason
    assert run.outcome.answer.startswith("Partial answer (")
    assert run.outcome.steps <= 6
    assert run.outcome.calls == 2


async def test_the_step_limit_gives_an_answer_from_the_work_so_far() -> None:
    numbers = iter(range(100))

    def script(request: Request) -> Reply:
        if request.tool_choice == "none":
            assert "This is the last call" in request.messages[-1].text
            return says("So far 0 and 2.")
        return calls(call("double", n=next(numbers)))

    run = await play(script, tool("double", double), limits=Limits(steps=3))
    assert run.outcome.status == "partial"
    assert run.outcome.answer == "Partial answer (step limit of 3): So far 0 and 2."
    assert run.outcome.steps == 3


async def test_a_partial_answer_is_no_answer_when_the_session_goes_on() -> None:
    numbers = iter(range(100))

    def script(request: Request) -> Reply:
        if request.tool_choice == "none":
            return says("So far.")
        return calls(call("double", n=next(numbers)))

    three = await play(script, tool("double", double), limits=Limits(steps=3))
    same = await play(script, tool("double", double), limits=Limits(steps=3), journal=three.journal)
    assert (same.outcome.status, same.model.requests) == ("partial", [])
    more = await play(script, tool("double", double), limits=Limits(steps=6), journal=three.journal)
    assert (more.outcome.status, more.outcome.steps) == ("partial", 6)
    assert len(more.model.requests) == 3
    assert "last call" not in str(more.model.requests[0].messages)


async def test_a_model_that_ignores_the_limit_is_stopped_by_it() -> None:
    numbers = iter(range(100))
    run = await play(
        lambda _: calls(call("double", n=next(numbers))),
        tool("double", double),
        limits=Limits(steps=4),
    )
    assert run.outcome.status == "partial"
    assert len(run.model.requests) == 4
    assert "double: 4" in run.outcome.answer  # what it had found


async def test_no_call_is_made_that_could_break_the_money_limit() -> None:
    def price(usage: Usage) -> Decimal:
        return Decimal(usage.input_tokens + usage.output_tokens) / 1000

    numbers = iter(range(100))
    limits = Limits(usd=Decimal("2.0"), steps=50, max_tokens=500)
    run = await play(
        lambda _: calls(call("double", n=next(numbers))),
        tool("double", double),
        limits=limits,
        price=price,
    )
    assert run.outcome.status == "partial"
    assert "money limit" in run.outcome.reason
    assert 0 < run.outcome.usd <= Decimal("2.0")
    assert len(run.model.requests) < 20


async def test_the_time_limit_ends_a_tool_that_never_answers() -> None:
    async def hang(_given: Arguments, _key: str) -> str:
        await asyncio.Event().wait()
        return ""

    run = await play(
        [calls(call("t", n=1))], tool("t", hang, deadline_s=END), limits=Limits(seconds=0.2)
    )
    assert run.outcome.status == "partial"
    assert "time limit" in run.outcome.reason


async def test_a_deadline_is_told_to_the_model() -> None:
    async def hang(_given: Arguments, _key: str) -> str:
        await asyncio.Event().wait()
        return ""

    one = call("t", n=1)
    run = await play([calls(one), says("It did not answer.")], tool("t", hang, deadline_s=0.05))
    assert "no answer within 0.05 s" in run.seen(one.id)
    assert run.outcome.status == "answered"


async def test_a_long_result_is_cut_and_the_rest_can_be_asked_for() -> None:
    text = "".join(f"line {number}\n" for number in range(3000))

    async def long(_given: Arguments, _key: str) -> str:
        return text

    first = call("t", n=1)
    more = call("read_more", result="r1", start=1000)
    run = await play([calls(first), calls(more), says("done")], tool("t", long, max_chars=1000))
    assert len(run.seen(first.id)) < 1200
    assert f"[cut at 1000 of {len(text)} characters" in run.seen(first.id)
    assert run.seen(more.id).startswith(text[1000:1400])
    assert "read_more" not in [spec.name for spec in run.model.requests[0].tools]


async def test_too_many_calls_in_one_turn_are_not_run() -> None:
    many = [call("double", n=n) for n in range(12)]
    run = await play(
        [calls(*many), says("done")], tool("double", double), limits=Limits(calls_per_turn=8)
    )
    assert run.outcome.calls <= 12
    assert run.seen(many[7].id) == "14"
    assert "too many calls" in run.seen(many[8].id)


async def test_old_results_are_shortened_and_pairs_stay_whole() -> None:
    async def long(given: Arguments, _key: str) -> str:
        return f"{given['n']}:" + "x" * 3000

    numbers = iter(range(8))

    def script(request: Request) -> Reply:
        sent = sum(len(str(message)) for message in request.messages) // 4
        number = next(numbers, None)
        reply = says("done") if number is None else calls(call("t", n=number))
        return replace(reply, usage=Usage(sent, 20))

    run = await play(script, tool("t", long), limits=Limits(history_tokens=4000))
    last = run.model.requests[-1]
    asked = [p.id for m in last.messages for p in m.parts if isinstance(p, ToolCall)]
    told = [p.call_id for m in last.messages for p in m.parts if hasattr(p, "call_id")]
    assert asked == told
    lengths = [len(p.content) for m in last.messages for p in m.parts if hasattr(p, "call_id")]
    assert max(lengths[:-3]) < 400
    assert min(lengths[-2:]) > 3000
