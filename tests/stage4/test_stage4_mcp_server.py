"""The stage's tools as an MCP server: a second process, asked through the SDK's own client."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from tests.stage4.conftest import play

from stage4_agent.journal import read_journal
from stage4_agent.mcp_client import mcp_tools
from stage4_agent.scripted import call, calls, says

SERVE = ["-m", "stage4_agent", "serve-mcp"]
PLAIN = Path(__file__).parent / "data/plain_mcp_server.py"
OWN = {"web_search", "fetch_page", "sql_schema", "sql_query", "calculator"}


@asynccontextmanager
async def over_stdio(home: Path, *words: str) -> AsyncIterator[Client]:
    environment = {"STAGES_HOME": str(home)}
    command = StdioServerParameters(command=sys.executable, args=[*SERVE, *words], env=environment)
    async with Client(command) as client:
        yield client


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    serve = [sys.executable, *SERVE, "--http", "0"]
    with subprocess.Popen(serve, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stderr
        line = process.stderr.readline()
        yield next(word.rstrip(";") for word in line.split() if word.startswith("http://"))
        process.terminate()


def text(result: Any) -> str:
    return "\n".join(part.text for part in result.content)


async def check(client: Client) -> None:
    listed = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert set(listed) == OWN
    assert all(tool.annotations.read_only_hint for tool in listed.values())
    right = await client.call_tool("calculator", {"expression": "0.1 + 0.2"})
    assert not right.is_error
    assert "0.3" in text(right)
    assert "0.30000" not in text(right)
    rows = await client.call_tool("sql_query", {"query": "SELECT count(*) AS n FROM products"})
    assert not rows.is_error
    for name, given, reason in [
        ("sql_query", {"query": "SELECT * FROM nowhere"}, "nowhere"),
        ("sql_query", {"query": "DROP TABLE products"}, ""),
        ("calculator", {"expression": "9**9**9"}, ""),
        ("calculator", {"expression": 5}, "expression"),
        ("calculator", {"expression": "1", "more": 1}, "more"),
        ("calculater", {}, "Did you mean calculator?"),
        ("place_order", {"sku": "DE-1007", "quantity": 1}, "There is no tool"),
    ]:
        wrong = await client.call_tool(name, given)
        assert wrong.is_error, name
        assert reason in text(wrong)
        assert "Traceback" not in text(wrong)
        assert len(text(wrong)) > 15


async def test_over_stdio_the_tools_answer_and_fail_with_a_reason(tmp_path: Path) -> None:
    async with over_stdio(tmp_path) as client:
        await check(client)


async def test_over_http_they_do_the_same_and_the_agent_is_a_client_of_it(url: str) -> None:
    async with Client(url) as client:
        await check(client)
    async with mcp_tools(url) as (found, left_out):
        sum_, drop = call("calculator", expression="7 * 6"), call("sql_query", query="DROP TABLE x")
        played = await play([calls(sum_, drop), says("42")], *found)
    assert not left_out
    assert "42" in played.seen(sum_.id)
    assert "failed" not in played.seen(sum_.id)
    assert [one["ok"] for one in played.results] == [True, False]


async def test_the_tool_with_a_side_effect_is_offered_only_when_asked_for(tmp_path: Path) -> None:
    async with over_stdio(tmp_path, "--writes") as client:
        listed = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert set(listed) == OWN | {"place_order"}
    assert listed["place_order"].annotations.read_only_hint is False


@pytest.mark.embeddings
def test_the_command_offers_foreign_tools_and_names_those_it_leaves_out(
    stage4: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGES_HOME", str(tmp_path))
    ran = stage4("run", "What is 2 + 2?", "--json", "--mcp", f"{sys.executable} '{PLAIN}'")
    assert ran.err.count("is left out") == 3
    [task, *_] = read_journal(Path(ran.json["trace"]))
    assert {"double", "dies", "sql_query"} <= set(task["tools"])
    bare = stage4("replay", ran.json["trace"])
    assert bare.code == 2
    assert "name it with --mcp" in bare.err
    again = stage4("replay", ran.json["trace"], "--mcp", f"{sys.executable} '{PLAIN}'", "--json")
    assert again.json["answer"] == ran.json["answer"]
    assert stage4("run", "2 + 2", "--mcp", "no-such-command-at-all").code == 2
