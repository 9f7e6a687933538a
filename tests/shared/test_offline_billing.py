"""Tokens and prompt caching: against the vocabulary itself, and against the vendors' rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.messages import Request
from shared.offline.answer import Answer
from shared.offline.billing import MESSAGE_TOKENS, REQUEST_TOKENS, pieces
from shared.offline.server import LocalServer
from shared.tokens import count_tokens

WORDS = "word " * 1500  # 1,501 tokens
MARK = {"cache_control": {"type": "ephemeral"}}
HOUR = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def think(request: Request, size: str, embedder: object) -> Answer:
    return Answer("Yes.")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(clock: Clock) -> Iterator[httpx2.Client]:
    with (
        LocalServer(think=think, clock=clock) as server,
        httpx2.Client(base_url=server.base_url, headers={"x-api-key": "k"}) as client,
    ):
        yield client


def ask(client: httpx2.Client, path: str, key: str = "k", **body: Any) -> Any:
    body = {"model": "offline-small", "max_tokens": 9} | body
    reply = client.post(path, json=body, headers={"x-api-key": key})
    assert reply.status_code == 200, reply.text
    return reply.json()["usage"]


def messages(client: httpx2.Client, *blocks: Any, **more: Any) -> tuple[int, int, int]:
    """Uncached, written and read tokens of one user message."""
    turn = {"role": "user", "content": list(blocks)}
    usage = ask(client, "/v1/messages", messages=[turn], **more)
    return (
        usage["input_tokens"],
        usage["cache_creation_input_tokens"],
        usage["cache_read_input_tokens"],
    )


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_pieces_make_the_text_and_all_its_tokens(words: str) -> None:
    cut = pieces(words)
    assert "".join(piece for piece, _ in cut) == words
    assert sum(tokens for _, tokens in cut) == count_tokens(words)


def test_input_is_text_plus_stated_overheads(client: httpx2.Client) -> None:
    usage = ask(client, "/v1/chat/completions", messages=[{"role": "user", "content": "Hi, you!"}])
    assert usage["prompt_tokens"] == count_tokens("Hi, you!") + MESSAGE_TOKENS + REQUEST_TOKENS
    assert usage["completion_tokens"] == count_tokens("Yes.")
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_all_wires_count_the_same(client: httpx2.Client) -> None:
    turn = [{"role": "user", "content": "Hi"}]
    one = ask(client, "/v1/messages", messages=turn, system="Be kind.")["input_tokens"]
    system = {"role": "system", "content": "Be kind."}
    two = ask(client, "/v1/chat/completions", messages=[system, *turn])["prompt_tokens"]
    three = ask(client, "/v1/responses", input="Hi", instructions="Be kind.")["input_tokens"]
    assert one == two == three


def test_marked_prefix_is_written_then_read(client: httpx2.Client) -> None:
    first = messages(client, text(WORDS, **MARK), text("Why?"))
    again = messages(client, text(WORDS, **MARK), text("And where?"))
    written = 1501 + MESSAGE_TOKENS + REQUEST_TOKENS
    assert first == (count_tokens("Why?"), written, 0)
    assert again == (count_tokens("And where?"), 0, written)


def test_short_or_unmarked_prefixes_are_not_cached(client: httpx2.Client) -> None:
    for blocks in ([text("word " * 900, **MARK)], [text(WORDS)]):
        for _ in range(2):
            assert messages(client, *blocks)[1:] == (0, 0)


def test_a_conversation_reads_what_its_last_turn_wrote(client: httpx2.Client) -> None:
    turns = [{"role": "user", "content": [text(WORDS, **MARK)]}]
    wrote = ask(client, "/v1/messages", messages=turns)["cache_creation_input_tokens"]
    turns[0]["content"] = [text(WORDS)]
    turns += [
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": [text("Sure?", **MARK)]},
    ]
    usage = ask(client, "/v1/messages", messages=turns)
    assert usage["cache_read_input_tokens"] == wrote
    new = count_tokens("Yes.") + count_tokens("Sure?") + 2 * MESSAGE_TOKENS
    assert usage["cache_creation_input_tokens"] == new
    assert usage["input_tokens"] == 0


def test_five_minutes_and_one_hour(client: httpx2.Client, clock: Clock) -> None:
    short, long = text(WORDS, **MARK), text(f"other {WORDS}", **HOUR)
    messages(client, short)
    messages(client, long)
    clock.now = 299
    assert messages(client, short)[2] > 0  # read, and so kept for five minutes more
    clock.now = 598
    assert messages(client, short)[2] > 0
    clock.now = 899
    assert messages(client, short)[2] == 0
    clock.now = 3599
    assert messages(client, long)[2] > 0


def test_writes_are_split_by_time_to_live(client: httpx2.Client) -> None:
    blocks = [text(WORDS, **HOUR), text("tail", **MARK)]
    usage = ask(client, "/v1/messages", messages=[{"role": "user", "content": blocks}])
    assert usage["cache_creation"] == {
        "ephemeral_5m_input_tokens": count_tokens("tail"),
        "ephemeral_1h_input_tokens": usage["cache_creation_input_tokens"] - count_tokens("tail"),
    }


def test_system_tools_and_top_level_marks(client: httpx2.Client) -> None:
    tool = {"name": "t", "description": WORDS, "input_schema": {"type": "object"}, **MARK}
    assert messages(client, text("a"), tools=[tool])[1] > 1500
    assert messages(client, text("b"), tools=[tool])[2] > 1500
    system = [text(f"system {WORDS}", **MARK)]
    assert messages(client, text("a"), system=system)[1] > 1500
    assert messages(client, text("b"), system=system)[2] > 1500
    assert messages(client, text(f"whole {WORDS}"), **MARK)[0] == 0
    assert messages(client, text(f"whole {WORDS}"), **MARK)[2] > 1500


def test_caches_are_apart_by_key_and_model(client: httpx2.Client) -> None:
    turn = [{"role": "user", "content": [text(WORDS, **MARK)]}]
    for key, model in (("k", "offline-small"), ("other", "offline-small"), ("k", "offline-large")):
        usage = ask(client, "/v1/messages", key, messages=turn, model=model)
        assert usage["cache_read_input_tokens"] == 0


def test_openai_caches_by_itself_in_steps(client: httpx2.Client, clock: Clock) -> None:
    def cached(words: str) -> int:
        usage = ask(client, "/v1/chat/completions", messages=[{"role": "user", "content": words}])
        assert usage["prompt_tokens"] == count_tokens(words) + MESSAGE_TOKENS + REQUEST_TOKENS
        return int(usage["prompt_tokens_details"]["cached_tokens"])

    assert cached(WORDS) == 0
    assert cached(WORDS) == 1408  # 11 steps of 128 fit into 1,508 tokens
    assert cached("word " * 1200 + "and something else") == 1152
    assert cached("word " * 1000) == 0
    clock.now = 301
    assert cached(WORDS) == 0


def test_more_than_four_marks_are_refused(client: httpx2.Client) -> None:
    turn = {"role": "user", "content": [text("a", **MARK)] * 5}
    body = {"model": "offline-small", "max_tokens": 9, "messages": [turn]}
    reply = client.post("/v1/messages", json=body)
    assert reply.status_code == 400
    assert "maximum of 4" in reply.json()["error"]["message"]
