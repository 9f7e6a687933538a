"""The tools that the examiner offers, on a real socket: each call is kept, and some misbehave.

One desk serves all programs at once; the first part of the path is the number of the case. What a
case's tools do is its `Behave`; what is asked of the program is in `examine_checks`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self

from shared.messages import Request
from stage4_agent.examine_model import Turns

MEETING_S = 1.5  # below the time limit that programs are given for a tool
HELD_S = 60.0
Misdeed = Literal["crash", "hang", "lose"]
CRASH = b"<html><h1>500</h1>Traceback (most recent call last): KeyError: 'shard-7'</html>"


@dataclass(frozen=True, slots=True)
class Called:
    name: str
    arguments: Any
    key: str


@dataclass(slots=True)
class Case:
    """One run of a program: what model and tools do in it, and what was seen of it."""

    number: str
    turns: Turns
    behave: Callable[[Case, Called], dict[str, Any] | Misdeed]
    decision: str
    requests: list[Request] = field(default_factory=list)
    calls: list[Called] = field(default_factory=list)
    asked: list[Called] = field(default_factory=list)
    met: threading.Event = field(default_factory=threading.Event)

    @property
    def effects(self) -> list[Called]:
        """Orders that were carried out; a key that was seen before adds none."""
        done: dict[str, Called] = {}
        for place, call in enumerate(self.calls):
            if call.name == "order":
                done.setdefault(call.key or f"call {place}", call)
        return list(done.values())

    def meet(self, count: int) -> bool:
        """Waits until `count` calls are here at once: what runs one after the other never meets."""
        if len(self.calls) >= count:
            self.met.set()
        return self.met.wait(MEETING_S)


class Desk:
    """`with Desk() as desk:` gives `desk.url`; `open` begins a case."""

    def __init__(self) -> None:
        self.cases: dict[str, Case] = {}
        self.closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="desk", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def open(self, case: Case) -> str:
        self.cases[case.number] = case
        return f"http://127.0.0.1:{self._server.server_port}/{case.number}"

    def answer(self, path: str, body: dict[str, Any]) -> dict[str, Any] | Misdeed:
        number, _, action = path.strip("/").partition("/")
        case = self.cases.get(number)
        if case is None or action not in ("call", "approve"):
            return {"error": f"there is nothing at {path}: use tools_url/call or tools_url/approve"}
        called = Called(str(body.get("name")), body.get("arguments"), str(body.get("key") or ""))
        if action == "approve":
            case.asked.append(called)
            return {"decision": case.decision}
        case.calls.append(called)
        return case.behave(case, called)


def _handler(desk: Desk) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                body = json.loads(raw)
            except ValueError:
                body = None
            if not isinstance(body, dict):
                self._send(400, b'{"error": "the body is not a JSON object"}')
                return
            answer = desk.answer(self.path, body)
            if answer == "hang":
                desk.closing.wait(HELD_S)
            elif answer == "crash":
                self._send(500, CRASH)
            elif isinstance(answer, dict):
                self._send(200, json.dumps(answer).encode())

        def _send(self, status: int, body: bytes) -> None:
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:  # it gave up waiting
                return

        def log_message(self, *_: object) -> None:
            """Nothing: the desk keeps the calls itself."""

    return Handler
