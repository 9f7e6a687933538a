"""The memory of a chat: turns within a token budget, older ones replaced by a summary.

The system prompt is never touched, so a persona stays and its cached prefix stays valid. The
summary stands at the head of the first turn that is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from shared.messages import Message, Request, Text, ToolCall, ToolResult, ToolSpec, user
from stage1_cost_cli.estimate import input_tokens

SUMMARY_HEAD = "Summary of the conversation so far:\n"
SUMMARISE = (
    "Summarise the conversation below in at most 120 words, for somebody who has to continue it. "
    "Keep names, numbers, decisions and open questions.\n\n<conversation>\n{turns}\n</conversation>"
)
SUMMARY_TOKENS = 300


@dataclass
class Conversation:
    """`budget` is in tokens and counts the turns, not the system prompt."""

    system: str
    budget: int
    turns: list[Message] = field(default_factory=list)
    summary: str = ""

    def add(self, message: Message) -> None:
        self.turns.append(message)

    def reset(self) -> None:
        self.turns.clear()
        self.summary = ""

    def drop_unanswered(self) -> None:
        """Takes back the last question and all that followed: the answer broke off."""
        while self.turns and not _is_question(self.turns.pop()):
            pass

    def request(self, tools: tuple[ToolSpec, ...], **options: Any) -> Request:
        """The next request. The system prompt is marked for caching, since each turn repeats it."""
        turns = list(self.turns)
        if self.summary and turns:
            head = Text(f"{SUMMARY_HEAD}{self.summary}\n\n")
            turns[0] = replace(turns[0], parts=(head, *turns[0].parts))
        return Request(
            messages=tuple(turns), system=self.system, cache_system=True, tools=tools, **options
        )

    def too_long(self) -> list[Message]:
        """The oldest turns that must go so that the rest fills at most half of the budget.

        Empty while everything fits. The last question always stays, and a tool's result never
        loses its call: only whole exchanges are taken.
        """
        if self._tokens(self.turns) <= self.budget:
            return []
        starts = [i for i, turn in enumerate(self.turns) if _is_question(turn)]
        for start in starts[1:]:
            if self._tokens(self.turns[start:]) <= self.budget // 2:
                return self.turns[:start]
        return self.turns[: starts[-1]] if len(starts) > 1 else []

    def summary_request(self, old: list[Message]) -> Request:
        told = [f"(earlier) {self.summary}"] if self.summary else []
        told += [f"{turn.role}: {_plain(turn)}" for turn in old]
        return Request(
            messages=(user(SUMMARISE.format(turns="\n".join(told))),), max_tokens=SUMMARY_TOKENS
        )

    def replace_by_summary(self, old: list[Message], summary: str) -> None:
        self.turns = self.turns[len(old) :]
        self.summary = summary.strip()

    def to_json(self) -> dict[str, Any]:
        turns = [{"role": turn.role, "text": _plain(turn)} for turn in self.turns]
        return {"system": self.system, "summary": self.summary, "turns": turns}

    def _tokens(self, turns: list[Message]) -> int:
        return input_tokens(Request(messages=tuple(turns))) if turns else 0


def _is_question(turn: Message) -> bool:
    return turn.role == "user" and not any(isinstance(part, ToolResult) for part in turn.parts)


def _plain(turn: Message) -> str:
    lines = []
    for part in turn.parts:
        match part:
            case Text(text):
                lines.append(text)
            case ToolCall(_, name, arguments):
                lines.append(f"[calls {name} {arguments}]")
            case ToolResult(_, content):
                lines.append(f"[result {content}]")
    return "\n".join(lines)
