"""The examiner's side door: scripts in, log out. It exists only when the server was asked for it.

POST /control/scripts {"key", "faults": [...]}      replaces the key's script (see `faults`)
POST /control/release {"key"}                       lets one held stream go on
GET  /control/log?key=K                             the requests seen, all keys without `key`
GET  /control/wait?key=K&count=N&timeout=S          the same, once N requests have finished
DELETE /control/log?key=K
"""

from __future__ import annotations

import asyncio

from shared.offline.call import MAX_BODY
from shared.offline.connection import Connection
from shared.offline.faults import read_script
from shared.offline.fields import Rejected, read_json
from shared.offline.log import Entry
from shared.offline.service import Service
from shared.offline.wire import Json

MAX_WAIT_S = 60.0


async def answer(service: Service, link: Connection) -> None:
    try:
        await link.reply_json(200, await _answer(service, link))
    except Rejected as problem:
        await link.reply_json(problem.status, {"error": problem.message})


async def _answer(service: Service, link: Connection) -> Json:
    key = link.query.get("key")
    match link.method, link.path:
        case "POST", "/control/scripts":
            body = read_json(await link.body(MAX_BODY))
            script = read_script(body)
            service.scripts.put(service.log.key_id(body.text("key")), script)
            return {"entries": len(script)}
        case "POST", "/control/release":
            body = read_json(await link.body(MAX_BODY))
            service.scripts.release(service.log.key_id(body.text("key")))
            return {}
        case "GET", "/control/log":
            return _listed(service.log.read(key))
        case "GET", "/control/wait":
            count, seconds = _number(link, "count", 1), _number(link, "timeout", 10)
            wait = service.log.wait_finished
            done = await asyncio.to_thread(wait, key, int(count), min(seconds, MAX_WAIT_S))
            return _listed(done)
        case "DELETE", "/control/log":
            service.log.clear(key)
            return {}
    raise Rejected(404, f"No control route {link.method} {link.path}")


def _number(link: Connection, name: str, default: float) -> float:
    try:
        value = float(link.query.get(name, default))
    except ValueError as error:
        raise Rejected(400, f"{name} must be a number") from error
    if not 0 <= value < 1e6:
        raise Rejected(400, f"{name} must be between 0 and 1,000,000")
    return value


def _listed(entries: list[Entry]) -> Json:
    return {"requests": [entry.as_json() for entry in entries]}
