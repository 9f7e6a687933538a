"""`httpx2` as a transport: the default, since it is imported in half of `aiohttp`'s time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shared.providers.transports import (
    CONNECT_S,
    CONTENT,
    bad_proxy,
    cut_off,
    failed,
    is_local,
    not_sent,
    too_slow,
    unreachable,
)

if TYPE_CHECKING:
    import httpx2


class Httpx2Transport:
    def __init__(self, url: str, headers: dict[str, str]) -> None:
        import httpx2  # 0.14 s: only when the first call is near

        self._url = url
        try:
            self._client = httpx2.AsyncClient(
                headers=headers | CONTENT,
                timeout=httpx2.Timeout(None, connect=CONNECT_S),
                limits=httpx2.Limits(max_connections=None, max_keepalive_connections=100),
                trust_env=not is_local(url),
                verify=url.startswith("https"),  # building a TLS context takes 80 ms
            )
        except (ImportError, ValueError) as error:
            raise bad_proxy(error) from error

    async def send(self, body: bytes) -> Httpx2Received:
        with _errors(self._url):
            request = self._client.build_request("POST", self._url, content=body)
            return Httpx2Received(await self._client.send(request, stream=True), self._url)

    async def aclose(self) -> None:
        await self._client.aclose()


class Httpx2Received:
    def __init__(self, response: httpx2.Response, url: str) -> None:
        self._response = response
        self._url = url
        self.status = response.status_code
        self.headers = {name.lower(): value for name, value in response.headers.items()}

    async def chunks(self) -> AsyncIterator[bytes]:
        with _errors(self._url):
            async for chunk in self._response.aiter_bytes():
                yield chunk

    async def aclose(self) -> None:
        await self._response.aclose()


@contextmanager
def _errors(url: str) -> Iterator[None]:
    import httpx2

    try:
        yield
    except httpx2.TimeoutException as error:
        raise too_slow(url, error) from error
    except httpx2.ConnectError as error:
        raise unreachable(url, error) from error
    except (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.CloseError) as error:
        raise cut_off(url) from error
    except (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError, httpx2.InvalidURL) as error:
        raise not_sent(url, error) from None
    except httpx2.HTTPError as error:
        raise failed(url, error) from error
