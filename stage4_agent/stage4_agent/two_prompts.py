"""Two prompts instead of an agent, for tasks whose steps are known beforehand.

A figure from the shop's database: one prompt writes the SQL, one puts the rows into a sentence. A
fact from a page: a search with the question as it is, one prompt to answer from what it found. No
loop, no choice of tools, nothing to go wrong but the two steps; and no second try when one does.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from shared.messages import Request, Usage, user
from stage4_agent import toolbox
from stage4_agent.contract import Kit, Outcome, ToolFailure
from stage4_agent.evidence import Found, evidence, unsupported
from stage4_agent.prompts import load_prompt

TASKS: Mapping[str, str] = {"germany": "sql", "stock": "sql", "warranty": "web"}


async def from_database(task: str, kit: Kit) -> Outcome:
    """The tables stand in the first prompt; the statement is a forced call of the query tool."""
    start, spent = time.monotonic(), _Spent(kit)
    schema = await toolbox.run(kit.tools.find("sql_schema"), {}, "")
    query = kit.tools.find("sql_query")
    first = Request(
        messages=(user(task),),
        system=f"{load_prompt('write_sql').text}\n\n{schema}",
        tools=(query.spec,),
        tool_choice=query.tool.name,
        max_tokens=300,
    )
    call = (await spent.ask(first)).tool_calls[0]
    rows = await toolbox.run(query, toolbox.arguments(query, call.json), "")
    return await _answered(
        task,
        spent,
        start,
        [Found(call.id, "sql_query", {}, rows)],
        _as_lines(rows, str(call.arguments().get("query", ""))),
    )


async def from_pages(task: str, kit: Kit) -> Outcome:
    start, spent = time.monotonic(), _Spent(kit)
    text = await toolbox.run(kit.tools.find("web_search"), {"query": task}, "")
    hits = json.loads(text)["results"]
    documents = "\n".join(f'<document id="{h["url"]}">{h["text"]}</document>' for h in hits)
    return await _answered(task, spent, start, [Found("search", "web_search", {}, text)], documents)


async def two_prompts(task: str, way: str, kit: Kit) -> Outcome:
    """What breaks is the end: there is no loop that would try something else."""
    try:
        return await (from_database if way == "sql" else from_pages)(task, kit)
    except (toolbox.Refused, ToolFailure, IndexError) as error:
        return Outcome(status="failed", answer="", reason=str(error) or "no statement was written")


class _Spent:
    def __init__(self, kit: Kit) -> None:
        self.kit, self.usage, self.usd, self.calls = kit, Usage(), Decimal(0), 0

    async def ask(self, request: Request) -> Any:
        reply = await self.kit.model.complete(request, feature="two-prompts")
        self.calls += 1
        self.usage += reply.usage or Usage()
        self.usd += self.kit.price(reply.usage or Usage())
        return reply


async def _answered(
    task: str, spent: _Spent, start: float, found: list[Found], documents: str
) -> Outcome:
    request = Request(
        messages=(user(f"{documents}\n\nQuestion: {task}"),),
        system=load_prompt("answer").text,
        max_tokens=200,
    )
    reply = await spent.ask(request)
    return Outcome(
        status="answered",
        answer=reply.text,
        evidence=evidence(reply.text, found),
        unsupported=unsupported(reply.text, task, found),
        steps=spent.calls,
        calls=len(found),
        usage=spent.usage,
        usd=spent.usd,
        seconds=time.monotonic() - start,
    )


def _as_lines(rows: str, statement: str) -> str:
    """Rows as a document of sentences: `The number of customers is 71.`

    Its title is the statement: without it, nothing says of whom the rows speak.
    """
    data = json.loads(rows)
    lines = [
        ", ".join(
            f"the {name.replace('_', ' ')} is {value}"
            for name, value in zip(data["columns"], row, strict=True)
        )
        for row in data["rows"]
    ]
    text = "\n".join(line[:1].upper() + line[1:] + "." for line in lines) or "There are no rows."
    title = re.sub(r"[^\w.,*()]+", " ", statement).strip()
    return f'<document id="database" title="{title}">\n{text}\n</document>'
