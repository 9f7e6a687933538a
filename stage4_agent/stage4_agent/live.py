"""Shows a run while it goes, one line an event: thought, call, result, approval, cost so far.

Plain text, since it is read in terminals, pipes and logs. What comes from tools is shown without
control characters: a page must not move the cursor.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal

from stage4_agent.journal import Event

WIDTH = 160


class Live:
    """Call it with each event; `out` writes a line."""

    def __init__(self, out: Callable[[str], None]) -> None:
        self._out = out
        self._usd = Decimal(0)

    def __call__(self, event: Event) -> None:
        match event["event"]:
            case "task":
                self._out(f"task     {_flat(event['task'])}")
                for name in ("plan", "worker"):
                    if event.get(name):
                        self._out(f"{name:8} {_flat(event[name])}")
            case "reply":
                self._usd += Decimal(event["usd"])
                self._reply(event)
            case "decision":
                self._out(f"  person {event['decision']} to {event['tool']}")
            case "result":
                mark = "again" if event["again"] else "ok" if event["ok"] else "failed"
                said = "" if event["again"] else f": {_flat(event['text'])}"
                self._out(f"  {mark:6} {event['tool']}{said}")

    def _reply(self, event: Event) -> None:
        step = f"step {event['step']:<3}"
        if event["note"]:
            self._out(f"{step} limit: {_flat(event['note'])}")
        if event["text"] and event["calls"]:
            self._out(f"{step} thought: {_flat(event['text'])}")
        for call in event["calls"]:
            self._out(f"{step} {call['name']} {_flat(call['json'])}   ${self._usd:.6f} so far")


def _flat(text: object) -> str:
    one_line = " ".join(str(text).split())
    shown = "".join(c if c.isprintable() else "\ufffd" for c in one_line)
    return shown if len(shown) <= WIDTH else shown[: WIDTH - 1] + "…"


def as_line(event: Event) -> str:
    return json.dumps(event, ensure_ascii=False, default=str)
