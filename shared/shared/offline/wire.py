"""What the three chat wires have in common: a parsed call, a finished turn, and the frames between.

`wire_*_request` modules read a call; `wire_*` modules write the answer and have the functions of
`Wire`. They know names and shapes, never faults or clocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from shared.messages import Message, Request, StopReason, ToolCall, ToolResult
from shared.offline.connection import to_json
from shared.offline.fields import Fields, Rejected

Json = dict[str, Any]
Place = tuple[str, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """One call as asked for.

    `parallel`: several tool calls in one turn are welcome. `previous` names the response that this
    one goes on from, `echo` what Responses repeats. `system_blocks` keeps the seams of the system
    text, and `marks` the places where a cached prefix may end, with seconds to live:
    ("tool", i, 0), ("system", i, 0), ("part", message, part).
    """

    model: str
    request: Request
    stream: bool = False
    include_usage: bool = True
    system_blocks: tuple[str, ...] = ()
    marks: Mapping[Place, int] = field(default_factory=dict)
    parallel: bool = True
    previous: str = ""
    stored: bool = False
    echo: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bill:
    """Tokens of one call; `total` is the whole input, cached or not."""

    total: int
    read: int = 0
    write_5m: int = 0
    write_1h: int = 0
    output: int = 0


@dataclass(frozen=True, slots=True)
class CutCall:
    """A tool call as far as it got; `pieces` joined are its JSON arguments."""

    call: ToolCall
    pieces: tuple[str, ...]

    @property
    def json(self) -> str:
        return "".join(self.pieces)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """An answer as it leaves the server: cut, billed, in pieces of one token."""

    id: str
    model: str
    created: int
    pieces: tuple[str, ...] = ()
    calls: tuple[CutCall, ...] = ()
    refusal: tuple[str, ...] = ()
    stop: StopReason = "end"
    stop_sequence: str | None = None
    usage: Json | None = None

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def tokens(self) -> int:
        """Pieces that a stream of this turn sends."""
        calls = sum(len(call.pieces) for call in self.calls)
        return len(self.pieces) + calls + len(self.refusal)


class Frame(NamedTuple):
    """One server-sent event; `final` marks those after the last token."""

    data: bytes
    tokens: int = 0
    final: bool = False


Parse = Callable[[Fields, Mapping[str, str]], Parsed]  # a body and the request headers


class Wire(Protocol):
    NAME: str
    REQUEST_ID: str
    TOO_LONG: str | None

    def usage(self, bill: Bill) -> Json: ...
    def reply(self, turn: Turn, parsed: Parsed) -> Json: ...
    def frames(self, turn: Turn, parsed: Parsed) -> Iterator[Frame]: ...
    def error(self, problem: Rejected, request_id: str) -> Json: ...
    def error_frames(self, type: str, message: str, turn: Turn, shape: str) -> Iterator[Frame]: ...


def data_frame(value: Json, tokens: int = 0, *, final: bool = False) -> Frame:
    return Frame(b"data: " + to_json(value) + b"\n\n", tokens, final)


def named_frame(value: Json, tokens: int = 0, *, final: bool = False) -> Frame:
    """An event whose `event:` line repeats its type, as Anthropic and Responses send them."""
    name = str(value["type"]).encode()
    return Frame(b"event: " + name + b"\ndata: " + to_json(value) + b"\n\n", tokens, final)


def unanswered_call(messages: tuple[Message, ...]) -> str | None:
    """The id of a tool call whose next message does not hold its result, if there is one."""
    for message, following in zip(messages, (*messages[1:], None), strict=True):
        called = [part.id for part in message.parts if isinstance(part, ToolCall)]
        results = {part.call_id for part in _results(following)}
        for call_id in called:
            if call_id not in results:
                return call_id
    return None


def stray_result(messages: tuple[Message, ...]) -> str | None:
    """The id of a tool result that answers no call of the message before it, if there is one."""
    called: set[str] = set()
    for message in messages:
        for result in _results(message):
            if result.call_id not in called:
                return result.call_id
        called = {part.id for part in message.parts if isinstance(part, ToolCall)}
    return None


def _results(message: Message | None) -> list[ToolResult]:
    return [p for p in message.parts if isinstance(p, ToolResult)] if message else []


def merged(messages: list[Message]) -> tuple[Message, ...]:
    """Neighbours of one role become one message, so that parallel results stand together."""
    out: list[Message] = []
    for message in messages:
        if out and out[-1].role == message.role:
            out[-1] = Message(message.role, out[-1].parts + message.parts)
        else:
            out.append(message)
    return tuple(out)
