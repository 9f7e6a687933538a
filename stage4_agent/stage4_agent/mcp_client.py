"""The tools of any MCP server as tools of the agent; the official SDK speaks the protocol.

The server is a stranger. Its tools are taken once: what it changes later is not followed, so a tool
cannot become another one after a person has looked at it. A tool that is not declared read-only has
side effects and needs a person. What it says is untrusted text, and what breaks its own schema is
thrown away. A server that dies or hangs costs its tools, not the run. Left out: a server that calls
itself read-only and is not; its owner is trusted that far, or not asked at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shlex
import tempfile
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import IO, Any, cast

from mcp import Client, MCPError, StdioServerParameters, stdio_client
from mcp.types import CallToolResult, TextContent
from mcp.types import Tool as ServerTool
from pydantic import ValidationError

from shared.complaints import quoted
from shared.errors import UserError
from stage4_agent.contract import Arguments, Tool, ToolFailure, UnsafeTool, always
from stage4_agent.toolbox import Toolbox

START_S = 20.0  # a server that Python or Node must first load
CALL_S = 10.0
MOST_TOOLS = 128
LONGEST_DESCRIPTION = 1_000


@asynccontextmanager
async def mcp_tools(
    server: str, taken: Iterable[str] = (), *, start_s: float = START_S, call_s: float = CALL_S
) -> AsyncIterator[tuple[Sequence[Tool], Sequence[str]]]:
    """The tools of `server`, an http(s) URL or a command, and why others of it are left out.

    `UserError` when there is no server that can be asked. `taken`: names that are in use.
    """
    logging.getLogger("mcp").addHandler(logging.NullHandler())  # it would print stack traces
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as complaints:
        client, listed = await _connected(server, complaints, start_s)
        try:
            yield _usable(client, listed, taken, call_s)
        finally:
            with contextlib.suppress(Exception):  # it may be dead, and is not needed any more
                await client.__aexit__(None, None, None)


async def _connected(
    server: str, complaints: IO[str], start_s: float
) -> tuple[Client, list[ServerTool]]:
    client = Client(_place(server, complaints))
    try:
        async with asyncio.timeout(start_s):
            await client.__aenter__()
        try:
            async with asyncio.timeout(start_s):
                return client, await _list(client)
        except BaseException:
            await client.__aexit__(None, None, None)
            raise
    except TimeoutError:
        reason = f"gave no answer within {start_s:g} s"
    except Exception as error:  # foreign code behind a foreign protocol: any failure is one
        reason = f"cannot be used: {_cause(error)}"
    complaints.seek(0)
    said = complaints.read()
    raise UserError(
        f"the MCP server {server!r} {reason}" + (f"; it said {quoted(said)}" if said else "")
    )


def _place(server: str, complaints: IO[str]) -> Any:
    if server.startswith(("http://", "https://")):
        return server
    try:
        command, *arguments = shlex.split(server)
    except ValueError as error:
        raise UserError(f"cannot read the command {server!r}: {error}") from None
    # Started without our environment: no key reaches it.
    return stdio_client(
        StdioServerParameters(command=command, args=arguments), errlog=cast(Any, complaints)
    )


async def _list(client: Client) -> list[ServerTool]:
    found: list[ServerTool] = []
    cursor = None
    while len(found) < MOST_TOOLS:
        page = await client.list_tools(cursor=cursor)
        found += page.tools
        cursor = page.next_cursor
        if not cursor or not page.tools:
            break
    return found[:MOST_TOOLS]


def _usable(
    client: Client, listed: Iterable[ServerTool], taken: Iterable[str], call_s: float
) -> tuple[list[Tool], list[str]]:
    names, tools, left_out = set(taken), list[Tool](), list[str]()
    for one in listed:
        tool = _tool(client, one, call_s)
        try:
            if tool.name in names:
                raise UnsafeTool(f"a tool called {tool.name} is there already")
            Toolbox([tool])  # its name and its schemas can be used
        except UnsafeTool as problem:
            left_out.append(str(problem))
            continue
        names.add(tool.name)
        tools.append(tool)
    return tools, left_out


def _tool(client: Client, listed: ServerTool, call_s: float) -> Tool:
    hints = listed.annotations
    writes = not (hints and hints.read_only_hint)

    async def run(given: Arguments, _: str) -> Any:
        return await _call(client, listed.name, given)

    return Tool(
        name=listed.name,
        description=(listed.description or listed.title or listed.name)[:LONGEST_DESCRIPTION],
        parameters=listed.input_schema,
        run=run,
        returns=listed.output_schema,
        writes=writes,
        approval=always if writes else None,
        untrusted=True,
        deadline_s=call_s,
    )


async def _call(client: Client, name: str, given: Arguments) -> Any:
    try:
        result = await client.call_tool(name, dict(given))
    except MCPError as error:
        raise ToolFailure(f"The server of {name} failed: {error.message}") from None
    except (RuntimeError, ValidationError):  # without its text, which quotes what came
        raise ToolFailure(
            f"{name} returned something that is not its declared form; it was thrown away. Use "
            "another tool, or say so."
        ) from None
    except Exception as error:
        raise ToolFailure(f"The server of {name} cannot be reached: {_cause(error)}") from None
    if result.is_error:
        raise ToolFailure(_text(result) or f"{name} failed and did not say why.")
    return _text(result) if result.structured_content is None else result.structured_content


def _text(result: CallToolResult) -> str:
    return "\n".join(
        part.text if isinstance(part, TextContent) else f"[{part.type}, not shown]"
        for part in result.content
    )


def _cause(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):  # what a task group makes of one failure
        error = error.exceptions[0]
    return str(error) or type(error).__name__
