"""A model that follows a script: for tests, for replays, and to see the loop without a server.

Give it replies, or a function from the request to a reply. The last reply is given again and again.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from typing import Any

from shared.messages import Reply, Request, ToolCall, Usage

Script = Sequence[Reply] | Callable[[Request], Reply]


class ScriptedModel:
    """`requests` holds what it was asked."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.requests: list[Request] = []

    async def complete(self, request: Request, *, feature: str = "") -> Reply:
        self.requests.append(request)
        if callable(self._script):
            return self._script(request)
        return self._script[min(len(self.requests), len(self._script)) - 1]


_IDS = itertools.count(1)


def call(name: str, **given: Any) -> ToolCall:
    return ToolCall(f"call_{next(_IDS)}", name, json.dumps(given))


def calls(*wanted: ToolCall, text: str = "") -> Reply:
    return Reply(text=text, tool_calls=wanted, stop="tool_use", usage=Usage(100, 20))


def says(text: str) -> Reply:
    return Reply(text=text, stop="end", usage=Usage(100, 20))
