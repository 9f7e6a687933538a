"""What differs from one HTTP client to the next, against a server that writes given bytes."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from shared.errors import (
    BadSettings,
    CallError,
    ConnectionFailed,
    MissingExtra,
    RateLimited,
    StreamBroken,
)
from shared.messages import Request, TextDelta, user
from shared.models import Model
from shared.providers.opening import open_provider
from shared.providers.provider import Provider
from shared.providers.retry import RetryPolicy
from shared.settings import Settings

ASK = Request(messages=(user("hello"),))
MODEL = Model("served", "compatible", "chat", 128_000)
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def word(text: str) -> bytes:
    event = {"model": "m", "choices": [{"index": 0, "delta": {"content": text}}]}
    return chunk(b"data: " + json.dumps(event).encode() + b"\n\n")


def whole(status: int = 200, headers: str = "", text: str = "ok") -> bytes:
    choice = {"index": 0, "message": {"content": text}, "finish_reason": "stop"}
    body = json.dumps({"model": "m", "choices": [choice]}).encode()
    head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{headers}"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


@dataclass
class Wires:
    """Answers every request with the same bytes; `ends` closes the connection after them.

    `more` follows once `heard` is set.
    """

    answer: bytes = b""
    more: bytes = b""
    ends: bool = False
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    heads: list[str] = field(default_factory=list)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                self.heads.append(head)
                length = head.lower().partition("content-length: ")[2].split("\r\n")[0]
                await reader.readexactly(int(length or 0))
                writer.write(self.answer)
                if self.more:
                    await self.heard.wait()
                    writer.write(self.more)
                if self.ends:
                    break
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()
            await writer.wait_closed()
            self.answered.set()

    def sent(self, name: str) -> list[str]:
        lines = [line.partition(": ") for head in self.heads for line in head.split("\r\n")]
        return [value for key, _, value in lines if key.lower() == name]


@pytest.fixture
async def raw() -> AsyncIterator[Wires]:
    made = Wires()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made


def provider(engine: str, address: str, timeout_s: float = 20) -> Provider:
    given = {"OPENAI_BASE_URL": address, "OPENAI_API_KEY": "own-key", "STAGES_ENGINE": engine}
    settings = Settings(_env_file=None, STAGES_TIMEOUT_S=timeout_s, **given)
    return open_provider(MODEL, settings, retry=RetryPolicy(tries=1))


async def streamed(raw: Wires, engine: str, *, slow: bool) -> tuple[str, CallError]:
    """What was said before it broke. A slow reader takes its time until the server has ended."""
    said = ""
    with pytest.raises(CallError) as caught:  # noqa: PT012
        async with (
            provider(engine, f"http://127.0.0.1:{raw.port}") as asked,
            asked.stream(ASK) as s,
        ):
            async for event in s:
                said += event.text if isinstance(event, TextDelta) else ""
                raw.heard.set()
                if slow:
                    await raw.answered.wait()
                    await asyncio.sleep(0.02)  # until the end has reached the client's socket
    return said, caught.value


@pytest.mark.parametrize("slow", [False, True], ids=["fast", "slow"])
async def test_what_arrived_before_a_cut_is_given_out(raw: Wires, engine: str, slow: bool) -> None:
    raw.answer, raw.ends = STREAM + word("one ") + word("two ") + word("three"), True
    said, error = await streamed(raw, engine, slow=slow)
    assert type(error) is StreamBroken
    assert error.partial is not None
    assert said == error.partial.text == "one two three"


async def test_a_malformed_chunk_breaks_the_stream_at_once(raw: Wires, engine: str) -> None:
    """Not with the time budget: the connection is of no use any more."""
    raw.answer, raw.more = STREAM + word("one "), b"zz\r\nno chunk"
    said, error = await streamed(raw, engine, slow=False)
    assert (said, type(error)) == ("one ", StreamBroken)


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"",
        whole()[:-9],
        whole(headers="content-encoding: gzip\r\n"),
        whole(headers=f"x-endless: {'a' * 200_000}\r\n"),
    ],
    ids=["not_http", "nothing", "half", "not_gzip", "endless_header"],
)
async def test_an_answer_that_cannot_be_read(raw: Wires, engine: str, answer: bytes) -> None:
    raw.answer, raw.ends = answer, True
    async with provider(engine, f"http://127.0.0.1:{raw.port}") as asked:
        with pytest.raises(ConnectionFailed) as caught:
            await asked.complete(ASK)
    assert len(str(caught.value)) < 300


async def test_the_headers_of_a_talkative_gateway(raw: Wires, engine: str) -> None:
    many = "".join(f"x-trace-{n}: {n}\r\n" for n in range(150))
    raw.answer = whole(429, f"retry-after: 7\r\nx-big: {'a' * 40_000}\r\n{many}")
    async with provider(engine, f"http://127.0.0.1:{raw.port}") as asked:
        with pytest.raises(RateLimited) as caught:
            await asked.complete(ASK)
    assert caught.value.retry_after_s == 7


async def test_a_password_in_the_address_is_sent_and_never_told(raw: Wires, engine: str) -> None:
    raw.answer = whole()
    async with provider(engine, f"http://me:secret@127.0.0.1:{raw.port}") as asked:
        assert (await asked.complete(ASK)).text == "ok"
        raw.answer, raw.ends = b"", True
        with pytest.raises(ConnectionFailed) as caught:
            await asked.complete(ASK)
    assert set(raw.sent("authorization")) == {"Basic bWU6c2VjcmV0"}
    assert "secret" not in f"{caught.value}{caught.value.__cause__}"


@pytest.fixture
def proxied(raw: Wires, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Wires:
    """`raw` as the proxy for the outside world, beside a password file that knows the server."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine model.test login me password not-this\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, f"http://gate:keeper@127.0.0.1:{raw.port}")
    raw.answer = whole()
    return raw


async def test_a_call_to_the_outside_takes_the_proxy(proxied: Wires, engine: str) -> None:
    async with provider(engine, "http://model.test/v1") as asked:
        assert (await asked.complete(ASK)).text == "ok"
    assert proxied.heads[0].startswith("POST http://model.test/v1/chat/completions ")
    assert proxied.sent("proxy-authorization") == ["Basic Z2F0ZTprZWVwZXI="]
    assert proxied.sent("authorization") == ["Bearer own-key"]


async def test_a_local_call_takes_no_proxy(
    proxied: Wires, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with provider(engine, f"http://127.0.0.1:{proxied.port}/v1") as asked:
        assert (await asked.complete(ASK)).text == "ok"
    assert proxied.heads[0].startswith("POST /v1/chat/completions ")


async def test_no_proxy_for_a_server_that_is_excepted(
    proxied: Wires, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "model.invalid")
    monkeypatch.setenv("NO_PROXY", "model.invalid")
    async with provider(engine, "http://model.invalid/v1") as asked:
        with pytest.raises(ConnectionFailed):
            await asked.complete(ASK)
    assert proxied.heads == []


@pytest.mark.parametrize("kind", ["socks5", "gopher"])
def test_a_proxy_of_another_kind_is_a_sentence(
    engine: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"{kind}://127.0.0.1:9")
    with pytest.raises(BadSettings, match="ALL_PROXY"):
        provider(engine, "http://model.test/v1")


def test_aiohttp_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp", None)  # what an import finds nothing under
    with pytest.raises(MissingExtra, match=r"aiohttp is not installed: `uv sync .*STAGES_ENGINE"):
        provider("aiohttp", "http://127.0.0.1:9")
