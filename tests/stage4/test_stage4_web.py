"""Search over bundled pages, and fetching: only from hosts that are allowed, never inside."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from stage4_agent.contract import ToolFailure
from stage4_agent.tools.fetch import (
    LONGEST_BYTES,
    addresses,
    fetch_page,
    is_public,
    live_fetch,
    offline_fetch,
)
from stage4_agent.tools.offered import DATA
from stage4_agent.tools.web import PageIndex, brave_search, offline_search, web_search

HOST = "pages.example"


class Pages(BaseHTTPRequestHandler):
    """A real server whose answers are chosen by the path; `seen` are host header and path."""

    seen: list[tuple[str, str]]

    def do_GET(self) -> None:
        self.server.seen.append((self.headers["Host"], self.path))  # type: ignore[attr-defined]
        path, _, target = self.path.partition("?to=")
        path = path.partition("?")[0]
        match path:
            case "/html":
                self._say(
                    200, "text/html", b"<h1>Title</h1><script>evil()</script><p>Hello there.</p>"
                )
            case "/go":
                self._say(302, "text/plain", b"", location=target)
            case "/big":
                self._say(200, "text/plain", b"x" * (LONGEST_BYTES + 5_000_000))
            case "/image":
                self._say(200, "image/png", b"\x89PNG")
            case "/gone":
                self._say(404, "text/plain", b"no")
            case "/search":
                hits = [{"url": "https://a.example/", "title": "A", "description": "about a"}]
                self._say(200, "application/json", json.dumps({"web": {"results": hits}}).encode())
            case "/odd":
                self._say(200, "application/json", b'{"results": 3}')

    def _say(self, status: int, kind: str, body: bytes, location: str = "") -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        if location:
            self.send_header("location", location)
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:  # it had enough
            return

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def pages() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    server.seen = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


async def to_loopback(_host: str, _port: int) -> list[str]:
    return ["127.0.0.1"]


def anywhere(_: str) -> bool:
    return True


async def test_the_best_page_comes_first() -> None:
    found = await offline_search(PageIndex(DATA / "pages"))("warranty on chairs")
    assert found[0].title == "Warranty"


@pytest.mark.parametrize(
    "query", ["", "the of a", '"', "NEAR(", "a* OR", "'; DROP TABLE page", "-"]
)
async def test_any_query_is_only_words(query: str) -> None:
    assert isinstance(await offline_search(PageIndex(DATA / "pages"))(query), list)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True), ("2606:2800:220:1::1", True), ("127.0.0.1", False),
        ("10.1.2.3", False), ("192.168.0.1", False), ("172.16.0.1", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False), ("::1", False), ("fe80::1%eth0", False), ("fd00::1", False),
        ("::ffff:127.0.0.1", False), ("2002:7f00:1::", False), ("224.0.0.1", False),
        ("100.64.0.1", False), ("255.255.255.255", False),
    ],
)  # fmt: skip
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


async def test_only_addresses_that_were_found_or_given_are_read() -> None:
    """A page cannot make the model send data out in an address of its own making."""
    index = PageIndex(DATA / "pages")
    seen = addresses("Read https://help.deskly.example/care, please.")
    allowed = ["help.deskly.example", "www.deskly.example"]
    fetch = fetch_page(offline_fetch(index), seen, allowed)
    assert "oak desk" in (await fetch.run({"url": "https://help.deskly.example/care"}, ""))["text"]
    leak = {"url": "https://help.deskly.example/care?data=sami.abel@example.com"}
    with pytest.raises(ToolFailure, match="neither from a search result"):
        await fetch.run(leak, "")
    search = web_search(offline_search(index), seen)
    await search.run({"query": "founded employees"}, "")
    assert (await fetch.run({"url": "https://www.deskly.example/about"}, ""))["text"]


async def test_a_found_address_on_another_host_is_not_read() -> None:
    index = PageIndex(DATA / "pages")
    url = "https://collect.example.net/?data=1"
    fetch = fetch_page(offline_fetch(index), {url}, ["help.deskly.example"])
    with pytest.raises(ToolFailure, match="not on the list"):
        await fetch.run({"url": url}, "")


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "ftp://pages.example/x", "http://user:pw@pages.example/", "http:///x",
        "gopher://pages.example", "http://pages.example:99999/", "http://evilpages.example/",
        "http://pages.example.evil.com/", "javascript:alert(1)",
    ],
)  # fmt: skip
async def test_addresses_that_are_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(ToolFailure):
        await live_fetch([HOST], resolve=to_loopback, public=anywhere)(url)


async def test_a_name_that_leads_inside_is_not_read(pages: ThreadingHTTPServer) -> None:
    url = f"http://{HOST}:{pages.server_port}/html"
    with pytest.raises(ToolFailure, match="private network"):
        await live_fetch([HOST], resolve=to_loopback)(url)
    assert pages.seen == []  # type: ignore[attr-defined]


async def test_one_private_address_among_public_ones_is_enough() -> None:
    async def mixed(_host: str, _port: int) -> list[str]:
        return ["93.184.216.34", "10.0.0.1"]

    with pytest.raises(ToolFailure, match="private network"):
        await live_fetch([HOST], resolve=mixed)(f"http://{HOST}/")


async def test_the_name_is_resolved_once_and_never_again(pages: ThreadingHTTPServer) -> None:
    """DNS rebinding: a second look-up would give another address. There is none."""
    asked: list[str] = []

    async def rebinding(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    fetch = live_fetch([HOST], resolve=rebinding, public=lambda a: a == "127.0.0.1")
    assert await fetch(f"http://{HOST}:{pages.server_port}/html") == "Title\nHello there."
    assert asked == [HOST]
    assert pages.seen == [(f"{HOST}:{pages.server_port}", "/html")]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("http://169.254.169.254/latest/meta-data/", "not on the list"),
        ("file:///etc/passwd", "only plain http"),
        ("http://inside.pages.example/", "private network"),
        ("/go?to=/go?to=/go?to=/go?to=/html", "redirects more than"),
    ],
)
async def test_every_redirect_is_checked(
    pages: ThreadingHTTPServer, target: str, reason: str
) -> None:
    async def resolve(host: str, _port: int) -> list[str]:
        return ["10.0.0.1"] if host.startswith("inside") else ["127.0.0.1"]

    def public(address: str) -> bool:
        return address == "127.0.0.1"

    fetch = live_fetch([HOST], resolve=resolve, public=public)
    with pytest.raises(ToolFailure, match=reason):
        await fetch(f"http://{HOST}:{pages.server_port}/go?to={target}")


@pytest.mark.parametrize(("path", "reason"), [("/image", "not text"), ("/gone", "404")])
async def test_what_is_no_page(pages: ThreadingHTTPServer, path: str, reason: str) -> None:
    fetch = live_fetch([HOST], resolve=to_loopback, public=anywhere)
    with pytest.raises(ToolFailure, match=reason):
        await fetch(f"http://{HOST}:{pages.server_port}{path}")


async def test_a_huge_page_is_read_to_its_limit(pages: ThreadingHTTPServer) -> None:
    fetch = live_fetch([HOST], resolve=to_loopback, public=anywhere)
    assert len(await fetch(f"http://{HOST}:{pages.server_port}/big")) == LONGEST_BYTES


async def test_a_server_that_is_not_there_is_a_sentence() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    fetch = live_fetch([HOST], resolve=to_loopback, public=anywhere)
    with pytest.raises(ToolFailure, match="could not be read"):
        await fetch(f"http://{HOST}:{port}/")


async def test_the_search_api(pages: ThreadingHTTPServer) -> None:
    root = f"http://127.0.0.1:{pages.server_port}"
    (hit,) = await brave_search(f"{root}/search", "key")("a")
    assert (hit.url, hit.text) == ("https://a.example/", "about a")
    for path, reason in (("/odd", "unknown form"), ("/gone", "answered 404")):
        with pytest.raises(ToolFailure, match=reason):
            await brave_search(f"{root}{path}", "key")("a")


async def test_a_slow_server_ends_at_the_tools_deadline() -> None:
    from dataclasses import replace

    from stage4_agent.toolbox import Toolbox
    from stage4_agent.toolbox import run as run_tool

    async def silent(_reader: Any, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    url = f"http://{HOST}:{port}/"
    fetch = live_fetch([HOST], resolve=to_loopback, public=anywhere)
    box = Toolbox([replace(fetch_page(fetch, {url}, [HOST]), deadline_s=0.2)])
    with pytest.raises(ToolFailure, match="no answer within"):
        await run_tool(box.find("fetch_page"), {"url": url}, "")
    server.close()
