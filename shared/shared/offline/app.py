"""The offline model as an ASGI application: routes, keys, errors in the words of each wire.

A raw ASGI function, not a framework: eight routes, and a start that nobody waits for. Any key that
is not empty and does not start with "bad" is accepted. Left out: batches, files, audio, images.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from shared.offline import (
    control,
    listing,
    wire_anthropic,
    wire_anthropic_request,
    wire_chat,
    wire_chat_request,
    wire_responses,
    wire_responses_request,
)
from shared.offline.call import Broken, Headers
from shared.offline.connection import ClientGone, Connection, Receive, Scope, Send
from shared.offline.embeddings_call import EmbeddingsCall
from shared.offline.exchange import Exchange, Route
from shared.offline.fields import Rejected
from shared.offline.log import Entry
from shared.offline.service import Options, Service
from shared.offline.wire import Wire

if TYPE_CHECKING:
    from shared.embeddings import Embedder
    from shared.offline.service import Think

Handler = Callable[[Service, Connection, Entry, Headers], Awaitable[None]]
CALLS: Mapping[str, Route] = {
    "/v1/messages": Route(wire_anthropic_request.parse, wire_anthropic),
    "/v1/chat/completions": Route(wire_chat_request.parse, wire_chat),
    "/v1/responses": Route(wire_responses_request.parse, wire_responses),
}


async def _embeddings(service: Service, link: Connection, seen: Entry, headers: Headers) -> None:
    await EmbeddingsCall(service, wire_chat, link, seen, headers).run()


OTHERS: Mapping[tuple[str, str], Handler] = {
    ("POST", "/v1/messages/count_tokens"): listing.count_tokens,
    ("POST", "/v1/responses/input_tokens"): listing.input_tokens,
    ("POST", "/v1/embeddings"): _embeddings,
    ("GET", "/v1/models"): listing.models,
}


def create_app(
    *,
    think: Think | None = None,
    options: Options | None = None,
    embedder: Embedder | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> App:
    """`think` is the offline brain unless a test brings its own."""
    if think is None:
        from shared.offline import brain

        think = brain.think
    return App(Service(think, options or Options(), embedder=embedder, clock=clock))


class App:
    """`service` is open to tests and examiners: scripts in, log out."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        link = Connection(scope, receive, send)
        if link.path == "/healthz":
            return await link.reply_json(200, {"status": "ok"})
        if link.path.startswith("/control/") and self.service.options.control:
            return await control.answer(self.service, link)
        await self._logged(link)

    async def _logged(self, link: Connection) -> None:
        wire = _wire_of(link)
        seen = self.service.log.open(link.key, link.path, wire.NAME)
        seen.user_agent = link.headers.get("user-agent", "")
        seen.retry_count = _digits(link.headers.get("x-stainless-retry-count", "0"))
        seen.request_id = f"req_{secrets.token_hex(12)}"
        headers = {wire.REQUEST_ID: seen.request_id}
        link.before_end = lambda: self._close(seen, link)  # whoever has the answer finds it logged
        try:
            await self._answer(link, seen, headers)
        except Rejected as problem:
            await link.reply_json(problem.status, wire.error(problem, seen.request_id), headers)
        except RecursionError:
            deep = Rejected(400, "The request is nested too deeply")
            await link.reply_json(400, wire.error(deep, seen.request_id), headers)
        except ClientGone:
            seen.client_disconnected = True
        except Broken:
            seen.error = "cut by a fault"
        except Exception as error:  # the process edge: a bug here must be seen, not hang a client
            logging.getLogger(__name__).exception("the offline server failed")
            seen.error = repr(error)
            if not link.status:
                fault = Rejected(500, f"The offline server failed: {type(error).__name__}")
                await link.reply_json(500, wire.error(fault, seen.request_id), headers)
        finally:
            self._close(seen, link)

    def _close(self, seen: Entry, link: Connection) -> None:
        seen.status, seen.first_byte_at = link.status, link.first_byte_at
        self.service.log.close(seen)

    async def _answer(self, link: Connection, seen: Entry, headers: Headers) -> None:
        _check_key(link.key)
        route = CALLS.get(link.path) if link.method == "POST" else None
        if route:
            return await Exchange(self.service, route, link, seen, headers).run()
        handler = OTHERS.get((link.method, link.path))
        if handler is None and link.method == "GET" and link.path.startswith("/v1/models/"):
            handler = listing.model
        if handler:
            return await handler(self.service, link, seen, headers)
        known = link.path in CALLS or any(path == link.path for _, path in OTHERS)
        problem = f"Invalid URL ({link.method} {link.path[:100]})"
        raise Rejected(405 if known else 404, problem)


def _wire_of(link: Connection) -> Wire:
    if link.path in CALLS:
        return CALLS[link.path].wire
    return wire_anthropic if "anthropic-version" in link.headers else wire_chat


def _check_key(key: str) -> None:
    if not key:
        raise Rejected(401, "No API key: send Authorization: Bearer KEY or x-api-key: KEY")
    if key.startswith("bad"):
        raise Rejected(401, "Invalid API key: keys that start with 'bad' are refused here")


def _digits(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 9 else 0
