"""The one time budget of a call: what it stops, and that it never stops the code that asked."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from shared.errors import ConnectionFailed, DeadlineExceeded
from shared.messages import Request
from shared.providers.call import Call


@pytest.fixture
def call() -> Iterator[Call]:
    made = Call(Request(messages=()), "", streamed=True, timeout_s=0.05)
    yield made
    made.close()


def cancels() -> int:
    task = asyncio.current_task()
    assert task is not None
    return task.cancelling()


async def never() -> None:
    await asyncio.Event().wait()


async def ready() -> str:
    return "here"


async def spend(call: Call) -> None:
    """A caller that is slower than its own budget."""
    await asyncio.sleep(call.left_s + 0.02)
    assert call.left_s < 0


async def test_what_ends_in_time_is_given(call: Call) -> None:
    assert await call.within(ready()) == "here"


async def test_what_does_not_end_is_stopped_and_leaves_no_cancellation(call: Call) -> None:
    with pytest.raises(DeadlineExceeded, match=r"0\.05 s"):
        await call.within(never())
    assert cancels() == 0
    await asyncio.sleep(0)  # would raise what was still pending


async def test_many_short_waits_share_the_budget(call: Call) -> None:
    async def drip() -> None:
        while True:
            await call.within(asyncio.sleep(0.01))

    start = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        await drip()
    assert 0.04 < time.monotonic() - start < 2


async def test_the_code_between_two_waits_is_never_stopped(call: Call) -> None:
    await call.within(ready())
    await spend(call)
    assert cancels() == 0


async def test_after_the_budget_what_is_there_is_given_and_a_wait_is_stopped(call: Call) -> None:
    await call.within(ready())
    await spend(call)
    for _ in range(3):
        assert await call.within(ready()) == "here"
        await asyncio.sleep(0.01)
    for _ in range(2):
        with pytest.raises(DeadlineExceeded):
            await call.within(never())
    assert cancels() == 0


async def test_somebody_elses_cancellation_passes(call: Call) -> None:
    task = asyncio.create_task(call.within(never()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_somebody_elses_cancellation_in_the_same_moment_wins(call: Call) -> None:
    task = asyncio.create_task(call.within(never()))
    await asyncio.sleep(0)
    call._stop()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelling() == 1  # theirs is left, ours is taken back


async def test_a_timeout_around_the_call_is_not_taken_for_ours(call: Call) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await call.within(never())
    assert cancels() == 0


async def test_an_error_made_of_our_stop_leaves_no_cancellation(call: Call) -> None:
    async def turns_it_into_an_error() -> None:
        try:
            await never()
        except asyncio.CancelledError:
            raise ConnectionFailed("closed") from None

    with pytest.raises(ConnectionFailed):
        await call.within(turns_it_into_an_error())
    assert cancels() == 0


async def test_a_closed_call_stops_nothing(call: Call) -> None:
    await call.within(ready())
    call.close()
    await spend(call)
    assert cancels() == 0
