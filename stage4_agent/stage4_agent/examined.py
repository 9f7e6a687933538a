"""The reference as `make compare` examines it: the bare loop over tools behind HTTP.

What is read from standard input and asked of the tools' address is described in `examine_contract`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import httpx2

from shared.models import resolve
from shared.providers.opening import open_provider
from shared.settings import Settings
from stage4_agent.agent import solve
from stage4_agent.contract import (
    Arguments,
    Decision,
    Kit,
    Limits,
    Outcome,
    Proposal,
    Tool,
    ToolFailure,
    always,
)
from stage4_agent.examine_contract import Job
from stage4_agent.journal import Journal
from stage4_agent.prompts import load_prompt
from stage4_agent.toolbox import Toolbox


async def work(job: Job, model: str, settings: Settings) -> Outcome:
    """Money is not examined and so not limited: reading the price list takes longer than a run."""
    async with (
        open_provider(resolve(model, settings), settings) as provider,
        httpx2.AsyncClient(base_url=job.tools_url, timeout=None, trust_env=False) as http,
    ):
        kit = Kit(
            model=provider,
            tools=Toolbox([_tool(one, job, http) for one in job.tools]),
            journal=Journal(),
            system=load_prompt("agent").text,
            limits=Limits(steps=job.steps, usd=None),
            approve=partial(_approve, http),
        )
        return await solve(job.task, kit)


def _tool(spec: dict[str, Any], job: Job, http: httpx2.AsyncClient) -> Tool:
    name = str(spec["name"])

    async def run(given: Arguments, key: str) -> Any:
        answer = await _post(http, "/call", name=name, arguments=given, key=key)
        if "error" in answer:
            raise ToolFailure(str(answer["error"]))
        return answer.get("result")

    return Tool(
        name=name,
        description=str(spec["description"]),
        parameters=spec["parameters"],
        run=run,
        writes=bool(spec["writes"]),
        approval=always if spec["writes"] else None,
        takes_key=True,
        untrusted=not spec["writes"],
        deadline_s=job.tool_timeout_s,
    )


async def _approve(http: httpx2.AsyncClient, proposal: Proposal) -> Decision:
    try:
        answer = await _post(http, "/approve", name=proposal.tool, arguments=proposal.arguments)
    except ToolFailure:
        return "later"
    return "yes" if answer.get("decision") == "yes" else "no"


async def _post(http: httpx2.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
    try:
        reply = await http.post(path, json=body)
        answer = reply.json()
    except httpx2.HTTPError as error:
        raise ToolFailure(f"The tool cannot be reached: {error or type(error).__name__}") from None
    except ValueError:
        raise ToolFailure(f"The tool is out of order (status {reply.status_code}).") from None
    if reply.status_code != 200 or not isinstance(answer, dict):
        raise ToolFailure(f"The tool is out of order (status {reply.status_code}).")
    return answer
