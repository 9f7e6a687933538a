"""Reads one web page: from hosts that are allowed, at addresses that were found, never inside.

An address must come from a search result or from the user, so that a page cannot make the model
send data out in one. The name is resolved once and the connection goes to that very address, so a
name that changes its mind afterwards (DNS rebinding) reaches nothing; each redirect is checked in
the same way. Left out: JavaScript, cookies, robots.txt.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Collection
from html.parser import HTMLParser
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from stage4_agent.contract import Arguments, Tool, ToolFailure
from stage4_agent.tools.web import PageIndex

LONGEST_BYTES, SECONDS, REDIRECTS, LONGEST_TEXT = 500_000, 10.0, 3, 20_000
PORTS = {"http": 80, "https": 443}
_ADDRESS = re.compile(r"https?://[^\s<>\"')\]]+")

Resolve = Callable[[str, int], Awaitable[list[str]]]
Public = Callable[[str], bool]
Fetch = Callable[[str], Awaitable[str]]


def fetch_page(fetch: Fetch, seen: set[str], allowed: Collection[str]) -> Tool:
    """`seen`: addresses that a search found or the user wrote. `allowed`: host names."""

    async def run(given: Arguments, _key: str) -> dict[str, Any]:
        url = given["url"]
        if url not in seen:
            raise ToolFailure(
                "this address comes neither from a search result nor from the user: search first, "
                "then read one of the addresses that it gives, unchanged"
            )
        _must_be_allowed(urlsplit(url), allowed)
        return {"url": url, "text": (await fetch(url))[:LONGEST_TEXT]}

    return Tool(
        name="fetch_page",
        description="Reads the whole text of one web page that a search has found.",
        parameters={
            "type": "object",
            "properties": {
                "url": {
                    "type": "string",
                    "format": "uri",
                    "maxLength": 500,
                    "description": "address from a search result, unchanged",
                }
            },
            "required": ["url"],
        },
        returns={
            "type": "object",
            "properties": {"url": {"type": "string"}, "text": {"type": "string", "minLength": 1}},
            "required": ["url", "text"],
            "additionalProperties": False,
        },
        run=run,
        untrusted=True,
        deadline_s=SECONDS + 2,
    )


def addresses(text: str) -> set[str]:
    """The web addresses that a user wrote."""
    return {match.rstrip(".,;:!?") for match in _ADDRESS.findall(text)}


def offline_fetch(index: PageIndex) -> Fetch:
    async def fetch(url: str) -> str:
        page = index.pages.get(url)
        if page is None:
            raise ToolFailure("there is no such page in the bundled set: search for another one")
        return page.text

    return fetch


def is_public(address: str) -> bool:
    """Not private, loopback, link-local, reserved, multicast, nor one of these inside IPv6."""
    found = ipaddress.ip_address(address.partition("%")[0])
    inside = None
    if isinstance(found, ipaddress.IPv6Address):
        inside = found.ipv4_mapped or found.sixtofour or (found.teredo or (None, None))[1]
    return found.is_global and not found.is_multicast and (inside is None or inside.is_global)


async def resolve(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(where[0]) for *_, where in found]


def live_fetch(
    allowed: Collection[str], *, resolve: Resolve = resolve, public: Public = is_public
) -> Fetch:
    async def fetch(url: str) -> str:
        import httpx2

        try:
            async with asyncio.timeout(SECONDS):
                for _ in range(REDIRECTS + 1):
                    where, text = await _get(url, allowed, resolve, public)
                    if not where:
                        return text
                    url = urljoin(url, where)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            reason = "took too long" if isinstance(error, TimeoutError) else type(error).__name__
            raise ToolFailure(f"the page could not be read ({reason}): try another one") from None
        raise ToolFailure(f"the page redirects more than {REDIRECTS} times: try another one")

    return fetch


async def _get(
    url: str, allowed: Collection[str], resolve: Resolve, public: Public
) -> tuple[str, str]:
    """Where it redirects to, or its text."""
    import httpx2

    parts = urlsplit(url)
    host, port = _must_be_allowed(parts, allowed)
    address = await _public_address(host, port, resolve, public)
    literal = f"[{address}]" if ":" in address else address
    target = parts._replace(netloc=f"{literal}:{port}", fragment="").geturl()
    extensions = {"sni_hostname": host} if parts.scheme == "https" else {}
    async with (
        httpx2.AsyncClient(follow_redirects=False, trust_env=False, timeout=SECONDS) as client,
        client.stream(
            "GET", target, headers={"Host": parts.netloc, "Accept": "text/*"}, extensions=extensions
        ) as answer,
    ):
        if answer.is_redirect:
            return answer.headers.get("location", ""), ""
        if answer.status_code != 200:
            raise ToolFailure(f"the server answered {answer.status_code}: try another page")
        kind = answer.headers.get("content-type", "").partition(";")[0].strip()
        if not kind.startswith("text/"):
            raise ToolFailure(f"the page is {kind or 'of no stated kind'}, not text: try another")
        body = b""
        async for piece in answer.aiter_bytes():
            body += piece
            if len(body) > LONGEST_BYTES:
                break
        text = body[:LONGEST_BYTES].decode(answer.encoding or "utf-8", "replace")
        return "", _words(text) if kind == "text/html" else text


def _must_be_allowed(parts: SplitResult, allowed: Collection[str]) -> tuple[str, int]:
    try:
        host, port = (parts.hostname or "").lower(), parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        raise ToolFailure("this is no web address") from None
    if parts.scheme not in PORTS or not host or parts.username is not None:
        raise ToolFailure("only plain http and https addresses can be read")
    if not any(host == one or host.endswith("." + one) for one in allowed):
        raise ToolFailure(f"{host} is not on the list of hosts that may be read: use another page")
    return host, port


async def _public_address(host: str, port: int, resolve: Resolve, public: Public) -> str:
    found = await resolve(host, port)
    if not found or not all(public(address) for address in found):
        raise ToolFailure(f"{host} leads to an address inside a private network: not read")
    return found[0]


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in ("script", "style", "noscript")
        if tag in ("p", "br", "li", "tr", "div", "h1", "h2", "h3"):
            self.text.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style", "noscript") and self._hidden > 0

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.text.append(data)


def _words(html: str) -> str:
    parser = _Words()
    parser.feed(html)
    parser.close()
    lines = (" ".join(line.split()) for line in "".join(parser.text).splitlines())
    return "\n".join(line for line in lines if line)
