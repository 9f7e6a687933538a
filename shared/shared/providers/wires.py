"""What a wire format and an engine must offer. No I/O here.

A wire turns a `Request` into a JSON body and JSON back into a `Reply`. An engine moves JSON. Both
sides know nothing of each other, so every wire runs on every engine.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from shared.errors import UnsupportedParameter
from shared.messages import RateLimit, Reply, Request
from shared.models import Model

Json = dict[str, Any]
Headers = Mapping[str, str]  # names in lower case


class StreamReader(Protocol):
    """Collects one stream. `complete` turns true at the format's end marker and not before,

    `started` at the first thing that the model itself produced.
    """

    complete: bool
    started: bool

    def feed(self, event: Json) -> str:
        """Takes one event, gives the text it adds; raises `CallError` for an error event."""
        ...

    def reply(self) -> Reply:
        """Everything seen so far."""
        ...


class Wire(Protocol):
    name: str
    path: str
    request_id_header: str

    def headers(self, key: str) -> dict[str, str]: ...
    def body(self, request: Request, model: Model, *, stream: bool) -> Json: ...
    def reply(self, payload: Json) -> Reply: ...
    def ended(self, payload: Json) -> bool:
        """Whether a blocking answer says why it stopped; one that does not is no answer."""
        ...

    def reader(self) -> StreamReader: ...
    def rate_limits(self, headers: Headers) -> tuple[RateLimit, ...]: ...


@dataclass(frozen=True, slots=True)
class Answered:
    payload: Json
    headers: Headers


@dataclass(frozen=True, slots=True)
class Opened:
    headers: Headers
    events: AsyncIterator[Json]


class Engine(Protocol):
    """Every failure leaves an engine as a `CallError`."""

    async def post(self, body: Json) -> Answered: ...
    def stream(self, body: Json) -> AbstractAsyncContextManager[Opened]: ...
    async def aclose(self) -> None: ...


def refuse_unsupported(request: Request, model: Model) -> None:
    """A sampling parameter that the model does not take is an error here, never dropped."""
    for name in ("temperature", "top_p", "top_k"):
        if getattr(request, name) is not None and name not in model.accepts:
            takes = ", ".join(sorted(model.accepts)) or "no sampling parameter"
            raise UnsupportedParameter(
                f"{model.id} does not take {name} (it takes {takes}): leave it out"
            )


def read_limits(headers: Headers, patterns: Mapping[str, str]) -> tuple[RateLimit, ...]:
    """Rate limits from headers; a pattern has one gap for limit, remaining or reset."""
    found = []
    for name, pattern in patterns.items():
        limit, remaining, reset = (
            headers.get(pattern.format(part)) for part in ("limit", "remaining", "reset")
        )
        if limit or remaining:
            found.append(RateLimit(name, _int(limit), _int(remaining), reset or ""))
    return tuple(found)


def _int(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None
