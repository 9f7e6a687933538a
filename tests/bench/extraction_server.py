"""`server` for extraction: answers at once with a record that fits the schema.

`POST /quoted/good/…` gets the good one, `POST /quoted/bad-first/…` one that does not validate and
the good one in turn on each connection; `/plain/…` the record without quotes. `GET /bodies` gives
the last two bodies that were posted. Usage: extraction_server.py FILE, where FILE holds
`{"model": …, "quoted": [good, bad], "plain": [good, bad]}`.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections import deque
from pathlib import Path
from typing import Any

from server import Connection

ROUTE = re.compile(rb"POST /(quoted|plain)/(good|bad-first)/")
Answers = dict[tuple[bytes, bool, bool], bytes]  # schema, is it good, is it a tool call


class Extraction(Connection):
    def __init__(self, answers: Answers, bodies: deque[bytes]) -> None:
        self._answers = answers
        self._bodies = bodies
        self._bad_next = True

    def _answer(self, head: bytes, body: bytes) -> None:
        route = ROUTE.match(head)
        if route is None:
            self._write((_whole([one.decode() for one in self._bodies]),))
            return
        self._bodies.append(body)
        good = route[2] == b"good" or not self._bad_next
        self._bad_next = good
        self._write((self._answers[route[1], good, b'"tool_choice":' in body],))


def answers(known: dict[str, Any]) -> Answers:
    return {
        (schema.encode(), good, tool): _whole(_completion(known["model"], text, tool))
        for schema in ("quoted", "plain")
        for text, good in zip(known[schema], (True, False), strict=True)
        for tool in (False, True)
    }


def _completion(model: str, text: str, tool: bool) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if tool:  # named after the model class, as instructor does
        function = {"name": "Record", "arguments": text}
        call = {"id": "1", "type": "function", "function": function}
        message |= {"content": None, "tool_calls": [call]}
    finish = "tool_calls" if tool else "stop"
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 4000, "completion_tokens": 700, "total_tokens": 4700},
    }


def _whole(payload: object) -> bytes:
    body = json.dumps(payload).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


async def serve(known: dict[str, Any]) -> None:
    made, bodies = answers(known), deque[bytes](maxlen=2)
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: Extraction(made, bodies), "127.0.0.1", 0)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)  # ends with the parent


if __name__ == "__main__":
    asyncio.run(serve(json.loads(Path(sys.argv[1]).read_text())))
