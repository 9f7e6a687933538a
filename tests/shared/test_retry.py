"""Waits: never below what the server wished, never beyond what is left, never without bounds."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import (
    BadRequest,
    CallError,
    DeadlineExceeded,
    KeyRejected,
    Overloaded,
    ProtocolError,
    RateLimited,
)
from shared.messages import Reply
from shared.providers.failures import retry_after_s
from shared.providers.retry import RetryPolicy

SECONDS = st.floats(0.001, 100_000)
SEED = st.integers(0, 1000)


@given(st.integers(1, 9), st.none() | SECONDS, st.floats(-5, 100_000), SEED)
def test_a_wait_keeps_all_three_promises(
    tried: int, wish: float | None, left: float, seed: int
) -> None:
    policy = RetryPolicy(tries=10, random=random.Random(seed))
    error = RateLimited("slow", retry_after_s=wish)
    try:
        wait = policy.wait_s(tried, error, left)
    except DeadlineExceeded:
        assert (wish or policy.longest_wait_s) + 0.1 >= left
        return
    assert 0 < wait < left
    if wish is not None:
        assert wish <= wait <= wish + 0.1
    else:
        full = min(8.0, 0.5 * 2 ** (tried - 1))
        assert full / 2 <= wait <= full


@given(st.lists(SEED, min_size=30, max_size=30, unique=True))
def test_clients_do_not_come_back_in_step(seeds: list[int]) -> None:
    for error in (Overloaded("full"), RateLimited("slow", retry_after_s=2.0)):
        waits = {RetryPolicy(random=random.Random(s)).wait_s(1, error, 60) for s in seeds}
        assert len(waits) > 25


@pytest.mark.parametrize("error", [BadRequest("x"), KeyRejected("x"), ProtocolError("x")])
def test_what_no_wait_cures_is_raised_as_it_is(error: CallError) -> None:
    with pytest.raises(type(error)) as caught:
        RetryPolicy().wait_s(1, error, 60)
    assert caught.value is error


def test_the_last_try_raises_its_own_error() -> None:
    error = Overloaded("full")
    with pytest.raises(Overloaded) as caught:
        RetryPolicy(tries=3).wait_s(3, error, 60)
    assert caught.value is error
    assert RetryPolicy(tries=3).wait_s(2, error, 60) > 0


def test_a_deadline_keeps_everything_that_the_error_knew() -> None:
    partial = Reply(text="so far")
    error = RateLimited(
        "slow", status=429, code="c", request_id="req_1", retry_after_s=3600, partial=partial
    )
    with pytest.raises(DeadlineExceeded, match=r"slow.*3600.* s and 60\.0 s") as caught:
        RetryPolicy().wait_s(1, error, 60)
    deadline = caught.value
    assert (deadline.status, deadline.code, deadline.request_id) == (429, "c", "req_1")
    assert deadline.partial is partial
    assert deadline.retry_after_s == 3600
    assert deadline.__cause__ is error
    assert not deadline.retryable


@given(st.text(max_size=40) | st.floats().map(str) | st.integers().map(str))
def test_no_header_breaks_the_reading_of_it(text: str) -> None:
    for name in ("retry-after", "retry-after-ms"):
        seconds = retry_after_s({name: text})
        assert seconds is None or 0 < seconds < float("inf")


@pytest.mark.parametrize(
    "text",
    [
        "Fri, 31 Dec 9999 23:59:59 -1200",
        "Fri, 31 Dec 99999 23:59:59 GMT",
        "Fri, 31 Dec 2100 23:59:59",
        "Mon, 01 Jan 0001 00:00:00 +2359",
        "1e400",
        "-0",
        "٣",
    ],
)
def test_odd_headers(text: str) -> None:
    seconds = retry_after_s({"retry-after": text})
    assert seconds is None or seconds > 0
