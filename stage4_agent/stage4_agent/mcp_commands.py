"""MCP for the commands: the SDK is an extra, so it is imported only where it is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager

from shared.errors import MissingExtra, UserError
from shared.offline.server import bind
from shared.process import note
from stage4_agent.contract import Tool
from stage4_agent.tools.offered import own_names


def serve(tools: Sequence[Tool], *, writes: bool, port: int | None) -> None:
    """Until the client hangs up, or over HTTP until Ctrl-C; `port` None is stdio."""
    with _needs_mcp():
        from stage4_agent.mcp_server import build_server, serve_http, serve_stdio
    server = build_server(tools, writes=writes)
    if port is None:
        asyncio.run(serve_stdio(server))
        return
    try:
        listener = bind(port=port)
    except OSError as error:
        raise UserError(f"port {port} cannot be used: {error.strerror}") from None
    with listener:
        listener.listen()  # whoever reads the next line may connect
        note(f"MCP at http://127.0.0.1:{listener.getsockname()[1]}/mcp; Ctrl-C ends it")
        asyncio.run(serve_http(server, listener))


async def foreign_tools(servers: Sequence[str], opened: AsyncExitStack) -> list[Tool]:
    """The tools of MCP servers, which live as long as `opened`."""
    found: list[Tool] = []
    for server in servers:
        with _needs_mcp():
            from stage4_agent.mcp_client import mcp_tools
        taken = [*own_names(), *(tool.name for tool in found)]
        more, left_out = await opened.enter_async_context(mcp_tools(server, taken))
        for problem in left_out:
            note(f"a tool of {server} is left out: {problem}")
        found += more
    return found


@contextmanager
def _needs_mcp() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise MissingExtra(
            f"{error.name} is not installed: `uv sync --all-packages --extra mcp`, or `make setup`"
        ) from None
