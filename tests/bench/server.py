"""A model server that answers at once, so that only the client is measured.

Speaks just enough of Chat Completions and Anthropic Messages for one text answer, whole or
streamed. The path says how: `/50ms/20words/v1/chat/completions` waits 50 ms and says 20 words. It
prints its port and ends when its standard input closes, so it never outlives the benchmark.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sys
import threading
from functools import lru_cache
from typing import Any

SHAPE = re.compile(rb"POST (?:/(\d+)ms/(\d+)words)?(/\S*) HTTP")
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
DEFAULT_WORDS = 8


class Connection(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._held = b""
        # Without this the kernel holds back the second small packet for 40 ms.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        self._held += data
        head, found, rest = self._held.partition(b"\r\n\r\n")
        if not found:
            return
        length = LENGTH.search(head)
        size = int(length[1]) if length else 0
        if len(rest) < size:
            return
        self._held = rest[size:]
        self._answer(head, rest[:size])

    def _answer(self, head: bytes, body: bytes) -> None:
        shape = SHAPE.match(head)
        if shape is None:
            self._transport.close()
            return
        wait_s = int(shape[1] or 0) / 1000
        words = int(shape[2] or DEFAULT_WORDS)
        streamed = json.loads(body).get("stream") is True
        parts = answer(shape[3].endswith(b"/messages"), streamed, words)
        if wait_s:
            asyncio.get_running_loop().call_later(wait_s, self._write, parts)
        else:
            self._write(parts)

    def _write(self, parts: tuple[bytes, ...]) -> None:
        for part in parts:
            if not self._transport.is_closing():
                self._transport.write(part)


@lru_cache
def answer(anthropic: bool, streamed: bool, words: int) -> tuple[bytes, ...]:
    """The bytes of one HTTP answer: everything up to the first word, then the rest."""
    if not streamed:
        text = " ".join(["word"] * words)
        return (_whole(json.dumps(_message(text) if anthropic else _completion(text)).encode()),)
    events = _messages_stream(words) if anthropic else _chat_stream(words)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n"
    first = 3  # events up to the first word, in both formats
    rest = b"".join(_chunk(event) for event in events[first:]) + b"0\r\n\r\n"
    return head + b"\r\n" + b"".join(_chunk(event) for event in events[:first]), rest


def _whole(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def _completion(text: str) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "bench",
        "choices": [choice | {"finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 8, "total_tokens": 17},
    }


def _chat_stream(words: int) -> list[bytes]:
    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return data({"choices": [choice], "usage": None})

    def data(fields: dict[str, Any]) -> bytes:
        same = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "bench"}
        return b"data: " + json.dumps(same | fields).encode() + b"\n\n"

    start = [chunk({"role": "assistant", "content": ""})]
    said = [chunk({"content": "word "})] * words
    usage = {"prompt_tokens": 9, "completion_tokens": words, "total_tokens": 9 + words}
    end = [chunk({}, "stop"), data({"choices": [], "usage": usage}), b"data: [DONE]\n\n"]
    return start + said + end


def _message(text: str) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "bench",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 9, "output_tokens": 8},
    }


def _messages_stream(words: int) -> list[bytes]:
    def event(type: str, **fields: Any) -> bytes:
        return f"event: {type}\ndata: {json.dumps({'type': type, **fields})}\n\n".encode()

    empty = _message("") | {"content": [], "stop_reason": None}
    block = {"type": "text", "text": ""}
    word = event("content_block_delta", index=0, delta={"type": "text_delta", "text": "word "})
    end = {"stop_reason": "end_turn", "stop_sequence": None}
    return [
        event("message_start", message=empty),
        event("content_block_start", index=0, content_block=block),
        *[word] * words,
        event("content_block_stop", index=0),
        event("message_delta", delta=end, usage={"output_tokens": words}),
        event("message_stop"),
    ]


async def serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", 0, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    parent_gone = asyncio.Event()

    def watch() -> None:
        sys.stdin.read()
        loop.call_soon_threadsafe(parent_gone.set)

    threading.Thread(target=watch, daemon=True).start()
    await parent_gone.wait()


if __name__ == "__main__":
    asyncio.run(serve())
