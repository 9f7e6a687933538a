"""The routes that answer at once: what is served here, and how long a prompt is."""

from __future__ import annotations

import asyncio

from shared.offline import wire_anthropic_request, wire_responses_request
from shared.offline.call import Headers, describe, read_body
from shared.offline.catalog import MODELS, Served
from shared.offline.connection import Connection
from shared.offline.fields import Rejected, read_json
from shared.offline.log import Entry
from shared.offline.service import Service
from shared.offline.wire import Json, Parse

CREATED = 1_793_491_200  # 2026-11-01, the day these models were made
CREATED_TEXT = "2026-11-01T00:00:00Z"


async def count_tokens(service: Service, link: Connection, seen: Entry, headers: Headers) -> None:
    tokens = await _count(service, link, seen, wire_anthropic_request.parse_count)
    await link.reply_json(200, {"input_tokens": tokens}, headers)


async def input_tokens(service: Service, link: Connection, seen: Entry, headers: Headers) -> None:
    tokens = await _count(service, link, seen, wire_responses_request.parse)
    page = {"object": "response.input_tokens", "input_tokens": tokens}
    await link.reply_json(200, page, headers)


async def _count(service: Service, link: Connection, seen: Entry, parse: Parse) -> int:
    raw = await read_body(service, link, seen)
    parsed = parse(read_json(raw), link.headers)
    describe(seen, parsed)
    service.size_of(parsed.model)
    return await asyncio.to_thread(service.count, parsed, seen.key)


async def models(service: Service, link: Connection, seen: Entry, headers: Headers) -> None:
    """The list in the shape of the vendor whose headers the client sends."""
    anthropic = "anthropic-version" in link.headers
    rows = [_anthropic(m) if anthropic else _openai(m) for m in MODELS.values()]
    page: Json = {"object": "list", "data": rows}
    if anthropic:
        ids = list(MODELS)
        page = {"data": rows, "has_more": False, "first_id": ids[0], "last_id": ids[-1]}
    await link.reply_json(200, page, headers)


def _anthropic(model: Served) -> Json:
    return {
        "id": model.id,
        "type": "model",
        "display_name": model.name,
        "created_at": CREATED_TEXT,
    }


def _openai(model: Served) -> Json:
    return {"id": model.id, "object": "model", "created": CREATED, "owned_by": "offline"}


async def model(service: Service, link: Connection, seen: Entry, headers: Headers) -> None:
    wanted = MODELS.get(link.path.removeprefix("/v1/models/"))
    if wanted is None:
        raise Rejected(404, "No such model", param="model", code="model_not_found")
    anthropic = "anthropic-version" in link.headers
    await link.reply_json(200, _anthropic(wanted) if anthropic else _openai(wanted), headers)
