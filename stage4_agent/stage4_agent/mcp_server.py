"""The tools of this stage for any MCP client, over stdio or streamable HTTP.

The SDK's low-level server, since the tools have their schemas. The same checks as in the loop stand
before and behind each tool, and what goes wrong is a result with `is_error` and a sentence: an
exception would reach the client as "Error executing tool" after half a second of traceback. A tool
with side effects is offered only when asked for, since here nobody can be asked. Left out: users
and their rights; the HTTP server listens on this machine alone.
"""

from __future__ import annotations

import json
import logging
import socket
import uuid
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    TextContent,
    ToolAnnotations,
)
from mcp.types import Tool as ServerTool

from stage4_agent import toolbox
from stage4_agent.contract import Tool, ToolFailure


def build_server(tools: Iterable[Tool], *, writes: bool = False) -> Server[Any]:
    box = toolbox.Toolbox(tool for tool in tools if writes or not tool.writes)

    async def list_tools(_: Any, __: Any) -> ListToolsResult:
        return ListToolsResult(
            tools=[_listed(tool, box.find(tool.name).spec.parameters) for tool in box.tools]
        )

    async def call_tool(_: Any, asked: CallToolRequestParams) -> CallToolResult:
        try:
            ready = box.find(asked.name)
            given = toolbox.arguments(ready, json.dumps(asked.arguments or {}))
            text = await toolbox.run(ready, given, uuid.uuid4().hex)
        except (toolbox.Refused, ToolFailure) as problem:
            return CallToolResult(content=[TextContent(text=str(problem))], is_error=True)
        structured = json.loads(text) if _declared(ready.tool) else None
        return CallToolResult(content=[TextContent(text=text)], structured_content=structured)

    logging.getLogger("mcp").addHandler(logging.NullHandler())
    return Server(
        "stage4",
        version=version("stage4-agent"),
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


async def serve_stdio(server: Server[Any]) -> None:
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


async def serve_http(server: Server[Any], listener: socket.socket) -> None:
    """At /mcp; requests from web pages of other origins are refused by the SDK."""
    import uvicorn

    app = server.streamable_http_app()
    await uvicorn.Server(uvicorn.Config(app, log_config=None, log_level=60)).serve([listener])


def _listed(tool: Tool, parameters: Any) -> ServerTool:
    return ServerTool(
        name=tool.name,
        description=tool.description,
        input_schema=dict(parameters),
        output_schema=dict(tool.returns) if tool.returns and _declared(tool) else None,
        annotations=ToolAnnotations(
            read_only_hint=not tool.writes,
            destructive_hint=tool.writes,
            idempotent_hint=not tool.writes,
            open_world_hint=tool.untrusted,
        ),
    )


def _declared(tool: Tool) -> bool:
    """Clients of the older protocol take an object or nothing."""
    return bool(tool.returns) and tool.returns is not None and tool.returns.get("type") == "object"
