"""Rubbish in, crowds, and clients that leave: never a 500, never a wait for one another."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.messages import Request
from shared.offline.answer import Answer
from shared.offline.app import create_app
from shared.offline.server import LocalServer
from shared.offline.service import Options

TEXT = "One two three four five six seven eight."
PATHS = (
    "/v1/messages",
    "/v1/messages/count_tokens",
    "/v1/chat/completions",
    "/v1/responses",
    "/v1/responses/input_tokens",
    "/v1/embeddings",
)
GOOD: dict[str, Any] = {
    "model": "offline-small",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": "hi"}],
    "input": "hi",
}
FIELD_NAMES = (
    "model max_tokens messages input system tools tool_choice stream stop stop_sequences text n "
    "response_format output_config temperature top_p stream_options instructions cache_control "
    "previous_response_id encoding_format dimensions made_up"
)
KEYS = (
    "user assistant tool system text type role content name id tool_use tool_result function "
    "tool_calls arguments input input_schema parameters source cache_control ttl json_schema"
)
WORDS = KEYS.split()

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
values = st.recursive(
    scalars | st.sampled_from(WORDS),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


def think(request: Request, size: str, embedder: object) -> Answer:
    return Answer(TEXT)


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer(think=think) as server:
        yield server


@pytest.fixture(scope="module")
def client(server: LocalServer) -> Iterator[httpx2.Client]:
    headers = {"authorization": "Bearer k"}
    with httpx2.Client(base_url=server.base_url, headers=headers) as client:
        yield client


few = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@few
@given(path=st.sampled_from(PATHS), raw=st.binary(max_size=60))
def test_bytes_that_are_no_json(client: httpx2.Client, path: str, raw: bytes) -> None:
    assert client.post(path, content=raw).status_code == 400


@few
@given(
    path=st.sampled_from(PATHS[:5]),
    changes=st.dictionaries(st.sampled_from(FIELD_NAMES.split()), values, min_size=1, max_size=3),
)
def test_wrong_types_and_unknown_fields(
    client: httpx2.Client, path: str, changes: dict[str, Any]
) -> None:
    reply = client.post(path, content=json.dumps(GOOD | changes).encode())
    assert reply.status_code in (200, 400, 404)
    if reply.status_code != 200:
        assert reply.json()["error"]["message"]


@few
@given(
    path=st.sampled_from(PATHS[:5]),
    turns=st.lists(st.dictionaries(st.sampled_from(WORDS), values, max_size=5), max_size=4),
)
def test_messages_of_any_shape(
    client: httpx2.Client, path: str, turns: list[dict[str, Any]]
) -> None:
    content = json.dumps(GOOD | {"messages": turns, "input": turns}).encode()
    assert client.post(path, content=content).status_code in (200, 400)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[" * 100_000,
        b'{"model": ' + b"9" * 5000 + b"}",
        json.dumps(GOOD).replace('"hi"', '"\\ud800"').encode(),
        json.dumps(GOOD).replace("9", "NaN").encode(),
        json.dumps(GOOD).encode()[:-1],
        b"\xff\xfe" + json.dumps(GOOD).encode(),
    ],
    ids=["empty", "null", "deep", "long number", "half pair", "NaN", "cut", "wrong encoding"],
)
def test_json_that_is_not_usable(client: httpx2.Client, raw: bytes) -> None:
    for path in PATHS:
        assert client.post(path, content=raw).status_code == 400


def test_a_deep_schema_is_no_crash(client: httpx2.Client) -> None:
    schema = '{"a":' * 900 + "1" + "}" * 900
    shape = '{"type":"json_schema","json_schema":{"name":"a","schema":' + schema + "}}"
    body = json.dumps(GOOD)[:-1] + ', "response_format": ' + shape + "}"
    reply = client.post("/v1/chat/completions", content=body.encode())
    assert reply.status_code in (200, 400)


def test_a_body_over_the_limit(client: httpx2.Client) -> None:
    reply = client.post("/v1/messages", content=b" " * (32 * 2**20 + 1))
    assert reply.status_code == 413


def test_missing_max_tokens_and_unknown_paths(client: httpx2.Client) -> None:
    body = {name: value for name, value in GOOD.items() if name != "max_tokens"}
    assert "max_tokens" in client.post("/v1/messages", json=body).json()["error"]["message"]
    assert client.post("/v1/v1/messages", json=GOOD).status_code == 404
    assert client.get("/v1/messages").status_code == 405
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/control/nothing").status_code == 404


def test_a_bug_in_the_brain_is_one_500(caplog: pytest.LogCaptureFixture) -> None:
    def broken(request: Request, size: str, embedder: object) -> Answer:
        raise ZeroDivisionError("a bug")

    caplog.set_level(logging.CRITICAL, "shared.offline.app")
    with LocalServer(think=broken) as server:
        reply = httpx2.post(f"{server.base_url}/v1/messages", json=GOOD, headers={"x-api-key": "k"})
        assert reply.status_code == 500
        assert reply.json()["error"]["type"] == "api_error"
        assert "ZeroDivisionError" in server.log()[0].error


async def test_64_streams_at_once_are_held_and_let_go(server: LocalServer) -> None:
    """All 64 have their first token before any may end, so they truly run side by side."""
    server.script("crowd", [{"kind": "hold", "after_tokens": 1, "times": 64}])
    first = asyncio.Semaphore(0)
    async with openai.AsyncOpenAI(base_url=server.openai_base_url, api_key="crowd") as gpt:

        async def one() -> str:
            stream = await gpt.chat.completions.create(
                model="offline-small", messages=GOOD["messages"], stream=True
            )
            text = ""
            async for chunk in stream:
                piece = chunk.choices[0].delta.content or ""
                if piece and not text:
                    first.release()
                text += piece
            return text

        streams = [asyncio.create_task(one()) for _ in range(64)]
        for _ in streams:
            await first.acquire()
        assert not any(stream.done() for stream in streams)
        for _ in streams:
            server.release("crowd")
        assert await asyncio.gather(*streams) == [TEXT] * 64


def test_the_large_model_does_not_hold_up_others() -> None:
    thinking, go_on = threading.Event(), threading.Event()

    def slow(request: Request, size: str, embedder: object) -> Answer:
        if size == "large":
            thinking.set()
            go_on.wait(10)
        return Answer(TEXT)

    with LocalServer(think=slow) as server, httpx2.Client(base_url=server.base_url) as client:
        headers = {"x-api-key": "k"}
        body = GOOD | {"model": "offline-large"}
        large = threading.Thread(
            target=httpx2.post,
            args=(f"{server.base_url}/v1/messages",),
            kwargs={"json": body, "headers": headers, "timeout": 20},
        )
        large.start()
        assert thinking.wait(10)
        assert client.post("/v1/messages", json=GOOD, headers=headers).status_code == 200
        go_on.set()
        large.join(10)


def test_no_call_waits_for_nagle(client: httpx2.Client) -> None:
    """Without TCP_NODELAY every call takes 40 ms, so the fastest of ten shows which it is."""

    def seconds() -> float:
        started = time.perf_counter()
        assert client.post("/v1/messages", json=GOOD).status_code == 200
        return time.perf_counter() - started

    assert min(seconds() for _ in range(10)) < 0.03


def test_leaving_a_paced_stream_stops_it(server: LocalServer) -> None:
    server.script("leaver", [{"kind": "pace", "seconds_per_token": 30}])
    body = json.dumps(GOOD | {"stream": True}).encode()
    head = b"POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: leaver\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        raw.sendall(head + b"content-length: %d\r\n\r\n" % len(body) + body)
        while b"text_delta" not in raw.recv(65536):
            pass
    entry = server.wait_finished("leaver")[0]
    assert entry.client_disconnected
    assert entry.output_tokens_sent == 1


async def test_mounted_in_process() -> None:
    app = create_app(think=think, options=Options(any_model="offline-small"))
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app), base_url="http://offline"
    ) as client:
        body = GOOD | {"model": "gpt-6-sol"}
        reply = await client.post("/v1/chat/completions", json=body, headers={"x-api-key": "k"})
        assert reply.json()["model"] == "gpt-6-sol"
        assert reply.json()["choices"][0]["message"]["content"] == TEXT
        assert (await client.get("/control/log", headers={"x-api-key": "k"})).status_code == 404
