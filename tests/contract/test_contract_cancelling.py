"""Calls that are left or cancelled: the connection closes, and the taps hear of it once."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from shared.errors import CallError
from shared.messages import Request, StreamEvent, TextDelta, user
from shared.offline.answer import Answer
from shared.offline.server import LocalServer

ASK = Request(messages=(user("What is RRF?"),))
FOUR = {"kind": "reply", "text": "one two three four"}
OK = {"kind": "reply", "text": "ok"}


async def test_leaving_early_closes_the_connection(bench: Any) -> None:
    bench.script([FOUR, {"kind": "hold", "after_tokens": 1}], OK)
    async with bench.provider() as provider:
        async with provider.stream(ASK) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    break
        log = (await bench.finished())[0]
        assert log.client_disconnected
        assert log.output_tokens_sent == 1
        assert (await provider.complete(ASK)).text == "ok"  # the provider is still of use
    record = bench.records[0]
    assert record.cancelled
    assert record.error is None
    assert record.reply.text == "one"
    assert (record.usage is not None) == (bench.wire == "anthropic")


async def test_cancelling_the_task_closes_the_connection(bench: Any) -> None:
    bench.script([FOUR, {"kind": "hold", "after_tokens": 2}])
    seen: list[StreamEvent] = []
    second_word = asyncio.Event()

    async def read() -> None:
        async with provider.stream(ASK) as events:
            async for event in events:
                seen.append(event)
                if bench.said(seen) == "one two":
                    second_word.set()

    async with bench.provider() as provider:
        task = asyncio.create_task(read())
        await second_word.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await bench.finished())[0].client_disconnected
    assert [(r.cancelled, r.reply.text) for r in bench.records] == [(True, "one two")]


@pytest.fixture
def arrivals() -> Iterator[tuple[LocalServer, threading.Event]]:
    """A server that says when a call has reached its model."""
    arrived = threading.Event()

    def think(*_: Any) -> Answer:
        arrived.set()
        return Answer("never read")

    with LocalServer(think=think) as server:
        yield server, arrived


async def test_cancelling_a_blocking_call_closes_the_connection(bench: Any, arrivals: Any) -> None:
    bench.server, arrived = arrivals
    bench.script({"kind": "hold"})
    async with bench.provider() as provider:
        task = asyncio.create_task(provider.complete(ASK))
        assert await asyncio.to_thread(arrived.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await bench.finished())[0].client_disconnected
    assert [(r.cancelled, r.reply, r.error) for r in bench.records] == [(True, None, None)]


async def test_cancelling_during_a_wait_ends_at_once(bench: Any, mode: str) -> None:
    bench.script({"kind": "status", "status": 529}, OK)
    waiting = asyncio.Event()

    async def sleep(_: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    async with bench.provider(sleep=sleep) as provider:
        task = asyncio.create_task(bench.ask(provider, ASK, mode))
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert len(bench.server.log(bench.key)) == 1
    assert [r.cancelled for r in bench.records] == [True]


async def test_a_tap_hears_of_every_call_once(bench: Any, mode: str) -> None:
    status = {"kind": "status", "status": 500}
    bench.script(OK, status, OK, {"kind": "status", "status": 401}, OK)
    async with bench.provider() as provider:
        first = await bench.ask(provider, ASK, mode)
        second = await bench.ask(provider, ASK, mode)
        with pytest.raises(CallError) as caught:
            await bench.ask(provider, ASK, mode)
        third = await bench.ask(provider, ASK, mode)
    records = bench.records
    assert [record.reply for record in records] == [first, second, None, third]
    assert [record.error for record in records] == [None, None, caught.value, None]
    assert all(record.request is ASK for record in records)
    assert {record.streamed for record in records} == {mode == "streaming"}
    assert not any(record.cancelled for record in records)
    assert all(record.total_s > 0 for record in records)
