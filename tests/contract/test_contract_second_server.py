"""OpenAI-compatible servers through a base URL, against a second server that is not ours.

It is written from what Ollama, vLLM and Gemini's endpoint do differently from OpenAI, shares no
code with the offline model, and differs from it in every habit that a client could come to rely on.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from shared.errors import MissingKey, ModelNotFound, ServerFault, StreamBroken
from shared.messages import Finished, Request, TextDelta, ToolSpec, Usage, user
from shared.models import resolve
from shared.providers.opening import open_provider
from shared.settings import Settings

ASK = Request(messages=(user("hello"),), system="Be brief.", max_tokens=50)
TOOL = ToolSpec("look_up", "Looks it up.", {"type": "object", "properties": {}})
USAGE = {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}


@dataclass
class Compatible:
    """No request id, no rate limits, usage in the last chunk, comments as keep-alives."""

    newline: str = "\n"
    done: bool = True
    tool_calls: tuple[dict[str, Any], ...] = ()
    breaks: str = ""
    hangs_up: bool = False
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                start, *lines = head.decode().split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in lines if line)
                body = json.loads(await reader.readexactly(int(headers["content-length"])))
                self.bodies.append(body)
                self.headers.append(headers)
                if not start.startswith("POST /v1/chat/completions ") or body["model"] == "none":
                    self.whole(writer, 404, {"error": "model 'none' not found"})
                elif body.get("stream"):
                    self.stream(writer)
                else:
                    self.whole(writer, 200, self.answer())
                await writer.drain()
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    def whole(self, writer: asyncio.StreamWriter, status: int, value: Any) -> None:
        data = json.dumps(value).encode()
        head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json; charset=utf-8\r\n"
        writer.write(f"{head}content-length: {len(data)}\r\n\r\n".encode() + data)

    def answer(self) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": "héllo you"}
        if self.tool_calls:
            message = {"role": "assistant", "content": "", "tool_calls": list(self.tool_calls)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return {"model": "served", "choices": [choice], "usage": USAGE}

    def stream(self, writer: asyncio.StreamWriter) -> None:
        head = "HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream\r\n"
        writer.write(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        lines = [": keep-alive", *(f"data: {json.dumps(chunk)}" for chunk in self.chunks())]
        if self.done:
            lines.append("data: [DONE]")
        text = "".join(line + self.newline * 2 for line in lines).encode()
        for at in range(0, len(text), 7):  # cut without regard to lines and characters
            piece = text[at : at + 7]
            writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        if self.hangs_up:  # no end mark of the body
            return writer.close()
        writer.write(b"0\r\n\r\n")

    def chunks(self) -> list[dict[str, Any]]:
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        if self.tool_calls:
            deltas += [{"tool_calls": [{"index": 0} | call]} for call in self.tool_calls]
        else:
            deltas += [{"content": "hé"}, {"content": "llo you"}]
        chunks = [{"model": "served", "choices": [{"index": 0, "delta": d}]} for d in deltas]
        if self.breaks:
            return [*chunks, {"error": self.breaks}]
        last = {"index": 0, "delta": {}, "finish_reason": "stop"}
        return [*chunks, {"model": "served", "choices": [last], "usage": USAGE}]


@pytest.fixture
async def other() -> AsyncIterator[Compatible]:
    compatible = Compatible()
    server = await asyncio.start_server(compatible.serve, "127.0.0.1", 0)
    compatible.port = server.sockets[0].getsockname()[1]
    async with server:
        yield compatible


@pytest.fixture(params=["ollama/served", "compatible/served", "gemini-3.8-flash"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def settings_for(url: str, engine: str, **more: Any) -> Settings:
    addresses = dict.fromkeys(("OPENAI_BASE_URL", "OLLAMA_BASE_URL", "GEMINI_BASE_URL"), url)
    keys = {"GEMINI_API_KEY": "gemini-secret", "STAGES_ENGINE": engine}
    return Settings(_env_file=None, **(addresses | keys | more))


async def ask(name: str, settings: Settings, mode: str, request: Request = ASK) -> Any:
    async with open_provider(resolve(name, settings), settings) as provider:
        if mode == "blocking":
            return await provider.complete(request)
        async with provider.stream(request) as stream:
            events = [event async for event in stream]
    assert isinstance(events[-1], Finished)
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    assert text == events[-1].reply.text
    return events[-1].reply


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("done", [True, False], ids=["done", "no_done"])
async def test_a_compatible_server_answers(
    other: Compatible, name: str, engine: str, mode: str, newline: str, done: bool
) -> None:
    other.newline, other.done = newline, done
    reply = await ask(name, settings_for(other.base_url, engine), mode)
    assert reply.text == "héllo you"
    assert reply.usage == Usage(11, 3)
    assert (reply.stop, reply.model) == ("end", "served")
    assert (reply.request_id, reply.rate_limits) == ("", ())


async def test_the_request_is_one_that_older_servers_know(
    other: Compatible, name: str, engine: str
) -> None:
    settings = settings_for(other.base_url, engine)
    await ask(name, settings, "blocking", Request(messages=ASK.messages, temperature=0.0))
    body, headers = other.bodies[0], other.headers[0]
    limit = "max_completion_tokens" if name.startswith("gemini") else "max_tokens"
    assert body[limit] == 1024
    assert len(body.keys() & {"max_tokens", "max_completion_tokens"}) == 1
    assert body["temperature"] == 0.0
    assert headers["authorization"] == (
        "bearer gemini-secret" if name.startswith("gemini") else "bearer none"
    )


async def test_a_parameter_of_compatible_servers_only(other: Compatible, engine: str) -> None:
    request = Request(messages=ASK.messages, top_k=5)
    await ask("compatible/served", settings_for(other.base_url, engine), "blocking", request)
    assert other.bodies[0]["top_k"] == 5


async def test_a_key_of_ones_own_is_sent(other: Compatible, engine: str) -> None:
    settings = settings_for(other.base_url, engine, OPENAI_API_KEY="own-key")
    await ask("compatible/served", settings, "blocking")
    assert other.headers[0]["authorization"] == "bearer own-key"


async def test_gemini_without_a_key_says_which(other: Compatible, engine: str) -> None:
    settings = settings_for(other.base_url, engine, GEMINI_API_KEY="")
    with pytest.raises(MissingKey, match="GEMINI_API_KEY"):
        await ask("gemini-3.8-flash", settings, "blocking")


async def test_tool_calls_with_one_index_and_without_ids(
    other: Compatible, name: str, engine: str, mode: str
) -> None:
    """Gemini gives every call the index 0, some give no id, and both stop with "stop"."""
    call = {"type": "function", "function": {"name": "look_up", "arguments": '{"q": 1}'}}
    again = {"type": "function", "function": {"name": "look_up", "arguments": '{"q": 2}'}}
    other.tool_calls = (call | {"id": "a"}, again | {"id": "b"})
    settings = settings_for(other.base_url, engine)
    request = Request(messages=ASK.messages, tools=(TOOL,))
    reply = await ask(name, settings, mode, request)
    assert [(c.id, c.arguments()) for c in reply.tool_calls] == [("a", {"q": 1}), ("b", {"q": 2})]
    assert reply.stop == "tool_use"
    other.tool_calls = (call,)
    reply = await ask(name, settings, mode, request)
    assert reply.tool_calls[0].id != ""


async def test_an_error_that_is_a_mere_sentence(other: Compatible, engine: str, mode: str) -> None:
    settings = settings_for(other.base_url, engine)
    with pytest.raises(ModelNotFound, match="model 'none' not found"):
        await ask("ollama/none", settings, mode)


async def test_an_error_in_the_stream_that_is_a_mere_sentence(
    other: Compatible, engine: str
) -> None:
    other.breaks = "the runner has died"
    with pytest.raises(ServerFault, match="the runner has died") as caught:
        await ask("ollama/served", settings_for(other.base_url, engine), "streaming")
    assert caught.value.partial.text == "héllo you"


async def test_a_wrong_path_in_the_base_url(other: Compatible, engine: str) -> None:
    settings = settings_for(other.base_url.removesuffix("/v1"), engine)
    with pytest.raises(ModelNotFound, match="404"):
        await ask("ollama/served", settings, "blocking")


async def test_a_base_url_may_end_in_a_slash(other: Compatible, engine: str, mode: str) -> None:
    settings = settings_for(f"{other.base_url}/", engine)
    assert (await ask("ollama/served", settings, mode)).text == "héllo you"


async def test_connections_are_used_again(other: Compatible, engine: str, mode: str) -> None:
    """A new connection a call would cost a TLS handshake each time."""
    settings = settings_for(other.base_url, engine)
    async with open_provider(resolve("ollama/served", settings), settings) as provider:
        for _ in range(5):
            if mode == "blocking":
                await provider.complete(ASK)
            else:
                async with provider.stream(ASK) as stream:
                    assert [event async for event in stream]
    assert len(other.bodies) == 5
    assert other.connections == 1


async def test_what_breaks_after_the_end_has_broken_nothing(other: Compatible, engine: str) -> None:
    other.hangs_up = True
    reply = await ask("ollama/served", settings_for(other.base_url, engine), "streaming")
    assert (reply.text, reply.usage, reply.attempts) == ("héllo you", Usage(11, 3), 1)


async def test_no_finish_reason_is_a_broken_stream(other: Compatible, engine: str) -> None:
    other.chunks = lambda: [{"choices": [{"delta": {"content": "hi"}}]}]  # type: ignore[method-assign]
    with pytest.raises(StreamBroken) as caught:
        await ask("ollama/served", settings_for(other.base_url, engine), "streaming")
    assert caught.value.partial.text == "hi"
