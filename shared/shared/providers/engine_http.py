"""Our own engine: JSON over plain HTTP, on `httpx2`.

What the SDKs add and this leaves to `provider`: retries and total time. What it has that they lack:
an HTML page or a stream that is cut is always an error, and nothing is imported but the client.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shared.errors import BadRequest, CallError, CallTimedOut, ConnectionFailed, StreamBroken
from shared.providers.failures import from_status, not_the_api
from shared.providers.sse import EventTooLong, event_data
from shared.providers.wires import Answered, Json, Opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

CONNECT_S = 5.0
DRAIN_S = 0.5
LONGEST_PAGE = 200_000  # bytes of an error body worth reading


class HttpEngine:
    def __init__(self, base_url: str, path: str, headers: dict[str, str]) -> None:
        import httpx2  # 0.14 s: only when the first call is near

        local = urlsplit(base_url).hostname in ("127.0.0.1", "localhost", "::1")
        self._url = base_url.rstrip("/") + path
        self._client = httpx2.AsyncClient(
            headers=headers,
            timeout=httpx2.Timeout(None, connect=CONNECT_S),  # `provider` holds the time budget
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=100),
            trust_env=not local,  # a proxy set for the outside world must not see local calls
            verify=base_url.startswith("https"),  # building a TLS context takes 80 ms
        )

    async def post(self, body: Json) -> Answered:
        with _transport_errors(self._url):
            response = await self._client.post(self._url, json=body)
        headers = _lower(response.headers)
        if response.status_code >= 300:
            raise from_status(response.status_code, headers, response.text)
        try:
            payload = json.loads(response.content)
        except (ValueError, RecursionError):
            payload = None
        if not isinstance(payload, dict):
            raise not_the_api(headers.get("content-type", ""), response.text)
        return Answered(payload, headers)

    @asynccontextmanager
    async def stream(self, body: Json) -> AsyncIterator[Opened]:
        with _transport_errors(self._url):
            request = self._client.build_request("POST", self._url, json=body)
            response = await self._client.send(request, stream=True)
        try:
            headers = _lower(response.headers)
            if response.status_code >= 300:
                raise from_status(response.status_code, headers, await _start(response))
            if "text/event-stream" not in headers.get("content-type", "").lower():
                raise not_the_api(headers.get("content-type", ""), await _start(response))
            yield Opened(headers, self._events(response))
        finally:
            await response.aclose()  # also what cancels: the server sees the closed connection

    async def _events(self, response: httpx2.Response) -> AsyncIterator[Json]:
        with _transport_errors(self._url, cut=StreamBroken):
            events = event_data(response.aiter_bytes())
            async for data in events:
                if data == "[DONE]":
                    await _drain(events)
                    return
                yield _event(data)

    async def aclose(self) -> None:
        await self._client.aclose()


async def _drain(events: AsyncIterator[str]) -> None:
    """Reads the end mark of the body: a connection that has more to say is not used again."""
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_S):
            async for _ in events:
                pass


def _event(data: str) -> Json:
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict):
        raise StreamBroken(f"an event of the stream is not a JSON object: {data[:80]!r}")
    return event


async def _start(response: httpx2.Response) -> str:
    """The first part of a body that is not what was asked for."""
    held = b""
    with _transport_errors(str(response.url)):
        async for chunk in response.aiter_bytes():
            held += chunk
            if len(held) > LONGEST_PAGE:
                break
    return held.decode("utf-8", "replace")


def _lower(headers: httpx2.Headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@contextmanager
def _transport_errors(url: str, cut: type[CallError] = ConnectionFailed) -> Iterator[None]:
    """`cut` is what a closed connection means at this point."""
    import httpx2

    where = urlsplit(url).netloc.rpartition("@")[2]  # never a password in the address
    try:
        yield
    except httpx2.TimeoutException as error:
        raise CallTimedOut(f"no answer from {where} in time ({type(error).__name__})") from error
    except httpx2.ConnectError as error:
        raise ConnectionFailed(
            f"cannot reach {where}: is the address right and the network up? ({error})"
        ) from error
    except (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.CloseError) as error:
        raise cut(f"{where} closed the connection in the middle") from error
    except (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError, httpx2.InvalidURL) as error:
        kind = type(error).__name__  # its text can hold the key: it quotes a header it refuses
        raise BadRequest(f"no request could be made for {where!r} ({kind})") from None
    except httpx2.HTTPError as error:
        raise cut(f"the call to {where} failed: {error}") from error
    except EventTooLong as error:
        raise StreamBroken(str(error)) from error
