"""Server-sent events: any cut of the bytes gives the events that the HTTP library itself reads."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.providers import sse
from shared.providers.sse import EventTooLong, event_data


def ours(chunks: list[bytes]) -> list[str]:
    async def run() -> list[str]:
        async def source() -> AsyncIterator[bytes]:
            for chunk in chunks:
                yield chunk

        return [data async for data in event_data(source())]

    return asyncio.run(run())


def oracle(raw: bytes) -> list[str]:
    headers = {"content-type": "text/event-stream; charset=utf-8"}
    request = httpx2.Request("GET", "http://127.0.0.1/")
    response = httpx2.Response(200, headers=headers, content=raw, request=request)
    return [event.data for event in httpx2.EventSource(response)]


def cut(raw: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(raw) + 1) for place in places})
    return [raw[a:b] for a, b in zip([0, *ends], [*ends, len(raw)], strict=True)]


NEWLINE = st.sampled_from(["\n", "\r\n", "\r"])
WORD = st.text(
    st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=12
) | st.sampled_from(["\u2028", "\u2029", "\x85", "naïve 🦜", ' {"a": 1}', " ", ":", "\ufeff"])
FIELD = st.sampled_from(["data: ", "data:", "data", ":", ": ", "datax:", " data:"])
LINE = st.tuples(FIELD, WORD).map("".join)


@st.composite
def streams(draw: st.DrawFn) -> str:
    """Lines and blank lines with any mix of line ends, always closed by a blank line."""
    lines = draw(st.lists(LINE | st.just(""), max_size=12))
    ended = [line + draw(NEWLINE) for line in lines]
    return "".join(ended) + "\n\n"


@given(streams(), st.lists(st.integers(min_value=0, max_value=400), max_size=20))
@example("data: a\r\ndata: b\r\n\r\n", list(range(30)))
@example("data: 🦜\n\n", list(range(30)))
def test_any_cut_gives_the_events_of_the_library(text: str, places: list[int]) -> None:
    raw = text.encode()
    assert ours(cut(raw, places)) == oracle(raw)


@given(st.lists(st.integers() | st.text(), min_size=1, max_size=5), st.integers(1, 9))
def test_what_was_written_is_read(values: list[object], size: int) -> None:
    """Round trip of JSON with raw line separators inside, in chunks of one size."""
    told = [json.dumps(value, ensure_ascii=False) for value in values]
    raw = "".join(f"event: x\r\ndata: {text}\r\n\r\n" for text in told).encode("utf-8", "ignore")
    chunks = [raw[at : at + size] for at in range(0, len(raw), size)]
    assert ours(chunks) == [text.encode("utf-8", "ignore").decode() for text in told]


def test_empty_chunks_change_nothing() -> None:
    assert ours([b"data: a\r", b"", b"\ndata: b\r", b"", b"\n", b"\r", b"\n"]) == ["a\nb"]


def test_a_bom_at_the_start_is_no_part_of_the_first_line() -> None:
    assert ours([b"\xef", b"\xbb\xbfdata: a\n\n"]) == ["a"]


def test_an_event_without_its_blank_line_is_dropped() -> None:
    assert ours([b"data: a\n\ndata: b\n"]) == ["a"]


def test_bytes_that_are_no_text_do_not_stop_the_stream() -> None:
    assert ours([b"data: \xff\xfe\n\ndata: b\n\n"]) == ["\ufffd\ufffd", "b"]


@pytest.mark.parametrize(
    "line", [b"x" * 100, b"data: x\n", b"data:\n"], ids=["line", "lines", "empty"]
)
def test_a_stream_that_never_ends_an_event_does_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch, line: bytes
) -> None:
    monkeypatch.setattr(sse, "LONGEST_EVENT", 10_000)
    with pytest.raises(EventTooLong):
        ours([line] * 10_000)


def test_comments_without_end_are_no_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "LONGEST_EVENT", 10_000)
    assert ours([b": keep-alive\n"] * 5_000 + [b"data: a\n\n"]) == ["a"]
