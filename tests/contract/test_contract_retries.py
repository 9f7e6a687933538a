"""The one retry layer: what is tried again, how long it wishes to wait, when it gives up."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from shared.errors import CallError, DeadlineExceeded, Overloaded, RateLimited, ServerFault
from shared.messages import Finished, Request, Retrying, StreamEvent, user

ASK = Request(messages=(user("What is RRF?"),))
OK = {"kind": "reply", "text": "ok"}


def status(number: int, **headers: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"kind": "status", "status": number, "headers": named}


async def test_retry_after_is_kept_and_told(bench: Any, mode: str) -> None:
    bench.script(status(429, retry_after="7"), OK)
    async with bench.provider() as provider:
        reply = await bench.ask(provider, ASK, mode)
    assert reply.text == "ok"
    assert reply.attempts == 2
    assert len(bench.waits) == 1
    assert 7 <= bench.waits[0] <= 7.2
    assert [entry.status for entry in await bench.finished(2)] == [429, 200]
    assert [record.reply for record in bench.records] == [reply]


@pytest.mark.parametrize(
    ("headers", "low", "high"),
    [
        ({"retry_after": "0.3"}, 0.3, 0.5),
        ({"retry_after_ms": "250"}, 0.25, 0.4),
        ({"retry_after_ms": "250", "retry_after": "9"}, 0.25, 0.4),
        ({"retry_after_ms": "soon", "retry_after": "9"}, 9, 9.2),
        # unusable ones fall back to the backoff of the first try
        ({"retry_after": "0"}, 0.25, 0.5),
        ({"retry_after": "-5"}, 0.25, 0.5),
        ({"retry_after": "nan"}, 0.25, 0.5),
        ({"retry_after": "inf"}, 0.25, 0.5),
        ({"retry_after": "soon"}, 0.25, 0.5),
        ({"retry_after": "Sun, 06 Nov 1994 08:49:37 GMT"}, 0.25, 0.5),
    ],
    ids=str,
)
async def test_every_form_of_retry_after(
    bench: Any, headers: dict[str, str], low: float, high: float
) -> None:
    bench.script(status(503, **headers), OK)
    async with bench.provider() as provider:
        await provider.complete(ASK)
    assert low <= bench.waits[0] <= high


async def test_retry_after_as_a_date(bench: Any) -> None:
    when = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    bench.script(status(429, retry_after=when), OK)
    async with bench.provider() as provider:
        await provider.complete(ASK)
    assert 15 < bench.waits[0] <= 20.2  # dates have whole seconds, and the call took some


@pytest.mark.parametrize("number", [408, 409, 429, 500, 502, 503, 504, 529])
async def test_backoff_grows_with_jitter_and_ends(bench: Any, mode: str, number: int) -> None:
    bench.script(status(number) | {"times": 9})
    async with bench.provider(tries=4) as provider:
        with pytest.raises(CallError) as caught:
            await bench.ask(provider, ASK, mode)
    assert caught.value.attempts == 4
    assert caught.value.status == number
    assert len(await bench.finished(4)) == 4
    full = [0.5, 1.0, 2.0]
    assert all(f / 2 <= wait <= f for f, wait in zip(full, bench.waits, strict=True))
    assert len({wait / f for f, wait in zip(full, bench.waits, strict=True)}) == 3  # jitter


@pytest.mark.parametrize("number", [400, 401, 402, 403, 404, 413, 422])
async def test_what_waiting_cannot_cure_is_not_tried_again(
    bench: Any, mode: str, number: int
) -> None:
    bench.script(status(number), OK)
    async with bench.provider() as provider:
        with pytest.raises(CallError):
            await bench.ask(provider, ASK, mode)
    assert bench.waits == []
    assert len(bench.server.log(bench.key)) == 1


@pytest.mark.parametrize("wish", ["61", "3600", "86400"])
async def test_a_wish_beyond_the_budget_ends_the_call_at_once(
    bench: Any, mode: str, wish: str
) -> None:
    """One SDK would sleep for a day here, the other would fail without a word about the wish."""
    bench.script(status(429, retry_after=wish), OK)
    async with bench.provider(timeout_s=60) as provider:
        start = time.monotonic()
        with pytest.raises(DeadlineExceeded, match="would have to wait") as caught:
            await bench.ask(provider, ASK, mode)
        assert time.monotonic() - start < 5
    assert bench.waits == []
    error = caught.value
    assert (error.retry_after_s, error.status, error.attempts) == (float(wish), 429, 1)
    assert isinstance(error.__cause__, RateLimited)
    assert error.request_id == (await bench.finished())[0].request_id
    assert [record.error for record in bench.records] == [error]


async def test_silence_ends_with_the_time_budget(bench: Any, mode: str) -> None:
    bench.script({"kind": "hang", "seconds": 60})
    async with bench.provider(timeout_s=0.3) as provider:
        start = time.monotonic()
        with pytest.raises(DeadlineExceeded, match=r"0\.3 s"):
            await bench.ask(provider, ASK, mode)
        assert 0.25 < time.monotonic() - start < 5
    assert (await bench.finished())[0].client_disconnected


@pytest.mark.parametrize("engine", ["http"])  # the budget is the provider's
async def test_the_budget_covers_all_tries(bench: Any, mode: str) -> None:
    """Each try alone would fit into it."""
    late = {"kind": "hang", "seconds": 0.4}
    bench.script([late, status(500, retry_after="0.01")], [late, OK])
    async with bench.provider(timeout_s=0.7) as provider:
        with pytest.raises(DeadlineExceeded) as caught:
            await bench.ask(provider, ASK, mode)
    assert caught.value.attempts == 2
    first, *_ = await bench.finished(2)
    assert first.status == 500


@pytest.mark.parametrize("engine", ["http"])
async def test_the_budget_covers_a_stream_that_drips(bench: Any) -> None:
    """Each event alone would fit into it."""
    slow = {"kind": "pace", "seconds_per_token": 0.1}
    bench.script([{"kind": "reply", "text": " ".join(["word"] * 60)}, slow])
    events: list[StreamEvent] = []
    async with bench.provider(timeout_s=0.5) as provider:
        with pytest.raises(DeadlineExceeded) as caught:
            await bench.stream(provider, ASK, into=events)
    assert caught.value.partial.text == bench.said(events) != ""


@pytest.mark.parametrize("engine", ["http"])
async def test_a_try_that_heard_nothing_has_no_request_id(bench: Any) -> None:
    """That of an earlier try would send whoever looks it up astray."""
    bench.script([OK, {"kind": "cut", "how": "reset"}], {"kind": "hang", "seconds": 60})
    async with bench.provider(timeout_s=0.4) as provider:
        with pytest.raises(DeadlineExceeded) as caught:
            await bench.ask(provider, ASK, "streaming")
    assert (caught.value.attempts, caught.value.request_id) == (2, "")


async def test_a_stream_that_stalls_ends_with_the_budget_and_keeps_its_text(bench: Any) -> None:
    bench.script([{"kind": "reply", "text": "one two three"}, {"kind": "hold", "after_tokens": 2}])
    events: list[StreamEvent] = []
    async with bench.provider(timeout_s=0.4) as provider:
        with pytest.raises(DeadlineExceeded) as caught:
            await bench.stream(provider, ASK, into=events)
    assert bench.said(events) == "one two"
    assert caught.value.partial.text == "one two"
    assert (await bench.finished())[0].client_disconnected


async def test_a_stream_says_that_it_tries_again(bench: Any) -> None:
    bench.script(status(529), status(503, retry_after="2"), OK)
    events: list[StreamEvent] = []
    async with bench.provider() as provider:
        await bench.stream(provider, ASK, into=events)
    retries = [event for event in events if isinstance(event, Retrying)]
    assert [retry.attempt for retry in retries] == [1, 2]
    assert [retry.wait_s for retry in retries] == bench.waits
    assert "529" in retries[0].reason
    assert isinstance(events[-1], Finished)
    assert events[-1].reply.attempts == 3


async def test_the_last_error_is_the_one_that_is_told(bench: Any, mode: str) -> None:
    bench.script(status(503), status(500))
    async with bench.provider(tries=2) as provider:
        with pytest.raises(ServerFault) as caught:
            await bench.ask(provider, ASK, mode)
    assert not isinstance(caught.value, Overloaded)
    assert caught.value.attempts == 2
