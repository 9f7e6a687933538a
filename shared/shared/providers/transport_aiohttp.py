"""`aiohttp` as a transport: for a process with many calls at once, at a fifth of the CPU a request.

It is imported in twice the time of `httpx2`, so it is an extra and a command line does without.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shared.errors import MissingExtra
from shared.providers.transports import (
    CONNECT_S,
    CONTENT,
    bad_proxy,
    cut_off,
    failed,
    is_local,
    not_sent,
    place,
    too_slow,
    unreachable,
)

if TYPE_CHECKING:
    import ssl

    import aiohttp

LONGEST_HEADER = 64 * 1024  # bytes; aiohttp's own limits of 8 kB and 128 are less than some
MOST_HEADERS = 256  # gateways send


class AiohttpTransport:
    def __init__(self, url: str, headers: dict[str, str]) -> None:
        try:
            import aiohttp  # noqa: F401 - 0.3 s: before the first call, not inside it
        except ImportError as error:
            raise MissingExtra(
                f"{error.name} is not installed: `uv sync --all-packages --extra aiohttp` "
                "(or `pip install 'stages-shared[aiohttp]'`), or STAGES_ENGINE=http"
            ) from error
        self._url = url
        self._headers = _without_key_beside_password(url, headers | CONTENT)
        self._proxy = _proxy(url)
        self._session: aiohttp.ClientSession | None = None  # can be made only inside a running loop

    async def send(self, body: bytes) -> AiohttpReceived:
        self._session = self._session or self._new_session()
        with _errors(self._url):
            response = await self._session.post(self._url, data=body, allow_redirects=False)
        return AiohttpReceived(response, self._url)

    async def aclose(self) -> None:
        if self._session:
            await self._session.close()

    def _new_session(self) -> aiohttp.ClientSession:
        import aiohttp

        return aiohttp.ClientSession(
            headers=self._headers,
            timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_S),
            connector=_connector(_trust(self._url)),
            proxy=self._proxy,
            cookie_jar=aiohttp.DummyCookieJar(),
            max_line_size=LONGEST_HEADER,
            max_field_size=LONGEST_HEADER,
            max_headers=MOST_HEADERS,
        )


class AiohttpReceived:
    def __init__(self, response: aiohttp.ClientResponse, url: str) -> None:
        self._response = response
        self._url = url
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.headers.items()}

    async def chunks(self) -> AsyncIterator[bytes]:
        import aiohttp

        content = self._response.content
        with _errors(self._url):
            try:
                while chunk := await content.readany():
                    yield chunk
            except aiohttp.ClientError:
                if held := content._read_nowait(-1):  # what `readany` throws away after a cut
                    yield held
                raise

    async def aclose(self) -> None:
        self._response.close()  # at the end of the body the connection has already gone back


def _connector(trust: ssl.SSLContext | bool) -> aiohttp.TCPConnector:
    import aiohttp
    from aiohttp.client_proto import ResponseHandler

    class Handler(ResponseHandler):
        """Ends a body whose chunks are malformed: aiohttp's parser tells its reader nothing."""

        def connection_lost(self, exc: BaseException | None) -> None:
            content = self._payload
            super().connection_lost(exc)
            if content is not None and not content.is_eof() and content.exception() is None:
                content.set_exception(aiohttp.ClientPayloadError("the body is malformed"))

    connector = aiohttp.TCPConnector(limit=0, ssl=trust)
    connector._factory = partial(Handler, loop=connector._loop)  # type: ignore[assignment]
    return connector


def _without_key_beside_password(url: str, headers: dict[str, str]) -> dict[str, str]:
    """A password in the address is sent in the key's place, as `httpx2` and the SDKs do."""
    if "@" not in urlsplit(url).netloc:
        return headers
    return {name: value for name, value in headers.items() if name != "authorization"}


def _trust(url: str) -> ssl.SSLContext | bool:
    """The certificates that `httpx2` trusts: the system's, or those of SSL_CERT_FILE."""
    if not url.startswith("https"):
        return True
    import httpx2

    return httpx2.create_ssl_context(trust_env=not is_local(url))


def _proxy(url: str) -> str | None:
    """Looked up once: with `trust_env` aiohttp would ask at every call, and for ~/.netrc too."""
    from urllib.request import getproxies, proxy_bypass

    if is_local(url) or proxy_bypass(place(url)):
        return None
    proxies = getproxies()
    found = proxies.get(urlsplit(url).scheme) or proxies.get("all") or ""
    if found and "://" not in found:
        return f"http://{found}"
    if found and not found.startswith(("http://", "https://")):
        raise bad_proxy(ValueError("aiohttp knows no other"))
    return found or None


@contextmanager
def _errors(url: str) -> Iterator[None]:
    import aiohttp

    try:
        yield
    except TimeoutError as error:
        raise too_slow(url, error) from error
    except aiohttp.ClientConnectorError as error:
        raise unreachable(url, error) from error
    except aiohttp.ClientResponseError as error:  # no HTTP, or a proxy's; its text has the address
        raise failed(url, " ".join(f"{error.status} {error.message}".split())[:100]) from None
    except (aiohttp.NonHttpUrlClientError, ValueError) as error:
        raise not_sent(url, error) from None
    except aiohttp.ClientError as error:
        raise cut_off(url) from error
