"""What an agent must do so that `make compare STAGE=4 MINE='…'` can examine it, in any language.

Called as      `MINE`, the command that you name, without a shell, in the folder that you start
               from, without arguments.
Standard in    one JSON object: `task` (text), `tools` (a list of `name`, `description`,
               `parameters`, which is a JSON schema, and `writes`, whether it has a side effect),
               `tools_url`, `steps` (the most model calls), `tool_timeout_s` (a tool that has not
               answered by then is broken).
A tool         is called by POST {tools_url}/call with {"name", "arguments", "key"}. The answer is
               {"result": any JSON} or {"error": "what is wrong and what would be right"}. `key` may
               be left out; a call with the key of an earlier one is not done a second time. A
               broken tool does what broken tools do: status 500, no answer, a closed connection.
A side effect  needs a person: POST {tools_url}/approve with {"name", "arguments"} answers
               {"decision": "yes"} or {"decision": "no"}. Ask for every tool that `writes`.
Environment    ANTHROPIC_BASE_URL, OPENAI_BASE_URL (ends in /v1), ANTHROPIC_API_KEY, OPENAI_API_KEY.
               Both lead to the examiner, which speaks Anthropic Messages, OpenAI Chat Completions
               and OpenAI Responses. Take either one, with native function calling. Any model id is
               answered, by a script: the model calls what the check wants to see, once a turn of
               calls has come back with its results the next, and answers when it has no tools.
Standard out   the answer and nothing else.
Exit code      0 with a full answer. Anything else with a partial one, which says that it is partial
               and holds what was found; or with none and a sentence on standard error.

`examine_checks` and `examine_failures` hold what is asked. Left out: streaming, memory, Windows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from shared.errors import UserError


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Standard in, read."""

    task: str
    tools: list[dict[str, Any]]
    tools_url: str
    steps: int
    tool_timeout_s: float


def read_job(text: str) -> Job:
    try:
        given = json.loads(text)
        return Job(**{name: given[name] for name in Job.__dataclass_fields__})
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(
            f"standard input is not the JSON object that `examine_contract` describes: {error}"
        ) from None
