"""What an HTTP client must offer to our own engine, and what both of ours do alike.

A transport decides how its client is made (pool, TLS, proxies, limits) and what its exceptions
mean; status, JSON and events are `engine_http`'s. None follows a redirect, which would hand the key
to whoever answers there, and none has a limit of time but for connecting: `call` holds the budget.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol
from urllib.parse import urlsplit

from shared.errors import BadRequest, BadSettings, CallTimedOut, ConnectionFailed
from shared.providers.wires import Headers

CONNECT_S = 5.0  # finding the address, TCP and TLS together
CONTENT = {"content-type": "application/json"}


class Received(Protocol):
    """An answer whose head has arrived."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Headers: ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes; what had arrived before a cut is given out before the error."""
        ...

    async def aclose(self) -> None:
        """Keeps the connection when the body was read to its end and closes it otherwise."""
        ...


class Transport(Protocol):
    """Every failure leaves as a `BadRequest`, `CallTimedOut` or `ConnectionFailed`."""

    async def send(self, body: bytes) -> Received: ...
    async def aclose(self) -> None: ...


def is_local(url: str) -> bool:
    """A proxy set for the outside world must not see local calls."""
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")


def place(url: str) -> str:
    """Host and port, never a password in the address."""
    return urlsplit(url).netloc.rpartition("@")[2]


def too_slow(url: str, error: Exception) -> CallTimedOut:
    return CallTimedOut(f"no answer from {place(url)} in time ({type(error).__name__})")


def unreachable(url: str, error: Exception) -> ConnectionFailed:
    return ConnectionFailed(
        f"cannot reach {place(url)}: is the address right and the network up? ({error})"
    )


def cut_off(url: str) -> ConnectionFailed:
    return ConnectionFailed(f"{place(url)} closed the connection in the middle")


def failed(url: str, why: object) -> ConnectionFailed:
    return ConnectionFailed(f"the call to {place(url)} failed: {why}")


def not_sent(url: str, error: Exception) -> BadRequest:
    """Without the client's own text, which can hold the key: it quotes a header that it refuses."""
    return BadRequest(f"no request could be made for {place(url)!r} ({type(error).__name__})")


def bad_proxy(error: Exception) -> BadSettings:
    return BadSettings(
        "the proxy that HTTP_PROXY, HTTPS_PROXY or ALL_PROXY names cannot be used: set an http:// "
        f"one, or add the server to NO_PROXY ({error})"
    )
