"""The tools of a run: what may be registered, what arguments are let through, what comes back.

Strict where frameworks are lenient: `"1"` and `true` are no integers, an unknown argument is an
error, and every refusal says what would be right. Left out: when a call is made, and how often
(`agent`).
"""

from __future__ import annotations

import asyncio
import difflib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from shared.messages import ToolSpec
from stage4_agent.contract import Arguments, Tool, ToolFailure, UnsafeTool

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
LONGEST_ERROR = 600


class Refused(Exception):
    """A call that is not run; the message tells the model what would be right."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A registered tool with its compiled checks."""

    tool: Tool
    spec: ToolSpec
    takes: jsonschema_rs.Validator
    returns: jsonschema_rs.Validator | None


class Toolbox:
    """Refuses, with `UnsafeTool`, a tool with side effects that has no approval rule."""

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._tools: dict[str, Ready] = {}
        for tool in tools:
            if tool.name in self._tools:
                raise UnsafeTool(f"two tools are called {tool.name}: rename one")
            self._tools[tool.name] = _ready(tool)
        self.specs = tuple(ready.spec for ready in self._tools.values())

    @property
    def tools(self) -> tuple[Tool, ...]:
        return tuple(ready.tool for ready in self._tools.values())

    def get(self, name: str) -> Tool | None:
        ready = self._tools.get(name)
        return ready.tool if ready else None

    def plus(self, tool: Tool) -> Toolbox:
        """The same tools and one more; nothing is compiled again."""
        more = Toolbox([tool])
        more._tools = self._tools | more._tools
        more.specs = (*self.specs, *more.specs)
        return more

    def find(self, name: str) -> Ready:
        ready = self._tools.get(name)
        if ready is None:
            near = difflib.get_close_matches(name, self._tools, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise Refused(f"There is no tool {name!r}.{hint} There are: {', '.join(self._tools)}.")
        return ready


def arguments(ready: Ready, written: str) -> Arguments:
    """The arguments a model wrote, when they are exactly what the tool takes; else `Refused`."""
    try:
        given = _STRICT.decode(written or "{}")
    except (ValueError, RecursionError) as error:
        raise Refused(f"The arguments are not JSON ({error}): write one JSON object.") from None
    if not isinstance(given, dict):
        raise Refused("The arguments are not a JSON object: write one, with a name for each value.")
    if not ready.takes.is_valid(given):
        wrong = "; ".join(_complaint(error) for error in ready.takes.iter_errors(given))
        known = ready.tool.parameters.get("properties", {})
        takes = ", ".join(f"{name} ({_kind(one)})" for name, one in known.items()) or "no arguments"
        raise Refused(f"Not run: {wrong[:LONGEST_ERROR]}. {ready.tool.name} takes {takes}.")
    return given


async def run(ready: Ready, given: Arguments, key: str) -> str:
    """The checked result as text; `ToolFailure` for everything that goes wrong."""
    tool = ready.tool
    try:
        async with asyncio.timeout(tool.deadline_s) as clock:
            found = await tool.run(given, key)
    except ToolFailure as error:
        raise ToolFailure(_sentence(str(error))) from None
    except TimeoutError as error:
        if not clock.expired():
            raise ToolFailure(_sentence(f"{tool.name} failed: {error or 'timed out'}")) from None
        raise ToolFailure(
            f"{tool.name} gave no answer within {tool.deadline_s:g} s: ask for less, or use "
            "another tool."
        ) from None
    except Exception as error:  # foreign code: the model learns the cause, never the stack
        raise ToolFailure(
            _sentence(f"{tool.name} failed: {type(error).__name__}: {error}")
        ) from error
    return _checked(ready, found)


def _checked(ready: Ready, found: Any) -> str:
    try:
        if ready.returns is not None and not ready.returns.is_valid(found):
            where = next(ready.returns.iter_errors(found)).instance_path
            raise ToolFailure(  # without what it returned: that may be anything
                f"{ready.tool.name} returned something that is not its declared form"
                f"{' at ' + '.'.join(map(str, where)) if where else ''}; it was thrown away. Use "
                "another tool, or say so."
            )
        text = found if isinstance(found, str) else _PLAIN.encode(found)
    except (TypeError, ValueError) as error:  # what no JSON can hold
        raise ToolFailure(f"{ready.tool.name} returned no JSON: {error}.") from None
    return text.encode("utf-8", "replace").decode()


def _ready(tool: Tool) -> Ready:
    if not NAME.fullmatch(tool.name):
        raise UnsafeTool(f"{tool.name!r} is no tool name: use letters, digits, _ and -")
    if tool.writes and tool.approval is None:
        raise UnsafeTool(
            f"{tool.name} has side effects and no approval rule: give it approval=always, or a "
            "rule of your own that says when a person must be asked"
        )
    try:
        closed = _closed(tool.parameters)
        takes = jsonschema_rs.validator_for(closed, retriever=_no_retrieval)
        returns = tool.returns and jsonschema_rs.validator_for(
            dict(tool.returns), retriever=_no_retrieval
        )
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise UnsafeTool(f"{tool.name}: its schema cannot be used: {error}") from None
    return Ready(tool, ToolSpec(tool.name, tool.description, closed), takes, returns or None)


def _closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with every object closed, unless it says itself what else it takes."""
    closed = dict(schema)
    if "properties" in closed or closed.get("type") == "object":
        closed.setdefault("additionalProperties", False)
        closed["properties"] = {
            name: _closed(one) if isinstance(one, Mapping) else one
            for name, one in closed.get("properties", {}).items()
        }
    if isinstance(closed.get("items"), Mapping):
        closed["items"] = _closed(closed["items"])
    return closed


def _complaint(error: jsonschema_rs.ValidationError) -> str:
    where = ".".join(map(str, error.instance_path))
    return f"{where}: {error.message}" if where else str(error.message)


def _kind(schema: Any) -> str:
    kind = schema.get("type", "any") if isinstance(schema, Mapping) else "any"
    return kind if isinstance(kind, str) else " or ".join(map(str, kind))


def _sentence(text: str) -> str:
    """One line without a key that a tool may have echoed."""
    from shared.process import without_secrets

    flat = " ".join(without_secrets(text).split())
    return flat if len(flat) <= LONGEST_ERROR else flat[:LONGEST_ERROR] + " …"


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON value")


def _no_retrieval(uri: str) -> Any:
    raise ValueError(f"it refers to {uri}, and nothing is fetched for a schema")


_STRICT = json.JSONDecoder(parse_constant=_no_constant)  # made once: `json.loads` makes one a call
_PLAIN = json.JSONEncoder(ensure_ascii=False)
