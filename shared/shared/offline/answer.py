"""What a skill gives back. How it is cut, streamed, counted and billed is the server's work."""

from __future__ import annotations

from dataclasses import dataclass

from shared.messages import ToolCall


@dataclass(frozen=True, slots=True)
class Answer:
    """Text (JSON text when a schema was asked for), tool calls, or a refusal."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    refusal: str = ""
