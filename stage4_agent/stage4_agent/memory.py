"""What a model is shown of what the run knows: results capped and fenced, old ones shortened.

Three memories, and when each is needed: the history of one task (here; needed as soon as results
are long), a session that survives a crash (`journal`; needed as soon as a step has a side effect or
costs money), and a store that outlives sessions (`tools/notes`; needed only when the next task is
better for knowing the last). Nothing is lost here: `read_more` gives what was cut.
"""

from __future__ import annotations

import re
from dataclasses import replace

from shared.messages import Message, ToolResult
from stage4_agent.contract import Arguments, Tool, ToolFailure

KEEP_TURNS = 2  # the newest results stay whole
SHORT = 240
CHARS_A_TOKEN = 2  # fewer than any text has: an estimate that is too high stops too early, not late
FENCE = re.compile(r"</?untrusted", re.I)


class Results:
    """Full texts by their label, `r1` upwards."""

    def __init__(self) -> None:
        self._texts: dict[str, tuple[str, bool]] = {}
        self.cut = False

    def show(self, name: str, tool: Tool, text: str) -> str:
        """What the model sees: at most `max_chars`, strangers' words fenced in."""
        label = f"r{len(self._texts) + 1}"
        self._texts[label] = (text, tool.untrusted)
        return self._piece(label, 0, tool.max_chars, name)

    def read_more(self) -> Tool:
        async def run(given: Arguments, _key: str) -> str:
            if given["result"] not in self._texts:
                raise ToolFailure(
                    f"no result {given['result']!r}: there are r1 to r{len(self._texts)}"
                )
            return self._piece(given["result"], given["start"], 4_000, "read_more")

        return Tool(
            name="read_more",
            description="Gives the next part of a tool result that was cut.",
            parameters={
                "type": "object",
                "properties": {
                    "result": {"type": "string", "description": "label of the cut result, e.g. r3"},
                    "start": {"type": "integer", "minimum": 0},
                },
                "required": ["result", "start"],
            },
            run=run,
            max_chars=5_000,
        )

    def _piece(self, label: str, start: int, size: int, source: str) -> str:
        text, untrusted = self._texts[label]
        piece, end = text[start : start + size], start + size
        if untrusted:
            piece = FENCE.sub("<\u200buntrusted", piece)
            piece = f'<untrusted from="{source}">\n{piece}\n</untrusted>'
        if end < len(text):
            self.cut = True
            piece += (
                f'\n[cut at {end} of {len(text)} characters: read_more with result "{label}" and '
                f"start {end} gives the rest]"
            )
        return piece


def shortened(messages: list[Message]) -> list[Message]:
    """The history with older tool results cut to a line; calls and results stay in pairs."""
    turns = [at for at, m in enumerate(messages) if any(isinstance(p, ToolResult) for p in m.parts)]
    old = set(turns[:-KEEP_TURNS])
    return [_short(message) if at in old else message for at, message in enumerate(messages)]


def _short(message: Message) -> Message:
    parts = tuple(
        replace(
            part, content=part.content[:SHORT] + " … [shortened: call the tool again if needed]"
        )
        if isinstance(part, ToolResult) and len(part.content) > SHORT + 60
        else part
        for part in message.parts
    )
    return Message(message.role, parts)
