"""What a call costs in tokens: the prompt as segments, the answer as pieces.

Input = o200k tokens of every tool, schema, system block and message part, plus the fixed overheads
below. Output = o200k tokens of the text, of a refusal, and of each tool call's name and JSON.
What of the input is read from a cache is decided in `prompt_cache`.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.messages import Part, Text, ToolCall, ToolResult, ToolSpec
from shared.offline.connection import to_json
from shared.offline.wire import Parsed, Place

REQUEST_TOKENS = 3  # the frame around every prompt
MESSAGE_TOKENS = 4  # role and separators of one message
TOOL_TOKENS = 8  # the frame around one tool definition, call or result
FRAME = -1  # stands for one overhead token in a token list


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the prompt; a cached prefix may end after it when `ttl_s` is not zero."""

    tokens: tuple[int, ...]
    ttl_s: int = 0


def encode(text: str) -> list[int]:
    from rs_bpe import openai

    return list(openai.o200k_base().encode(text))


def pieces(text: str) -> list[tuple[str, int]]:
    """`text` cut at token borders, each piece with its tokens: those of one character together."""
    from rs_bpe import openai

    vocabulary = openai.o200k_base()
    out, pending = [], []
    for token in vocabulary.encode(text):
        pending.append(token)
        piece = vocabulary.decode(pending)  # None in the middle of a character
        if piece is not None:
            out.append((piece, len(pending)))
            pending = []
    return out


def segments(parsed: Parsed) -> list[Segment]:
    """The prompt in the order in which it is read: tools, schema, system, messages."""
    request, marks = parsed.request, parsed.marks
    out = [Segment((FRAME,) * REQUEST_TOKENS)]
    for i, tool in enumerate(request.tools):
        out.append(_segment(_tool_text(tool), TOOL_TOKENS, marks.get(("tool", i, 0), 0)))
    if request.output:
        out.append(_segment(_json(request.output.schema), TOOL_TOKENS))
    for i, block in enumerate(parsed.system_blocks):
        out.append(_segment(block, MESSAGE_TOKENS, marks.get(("system", i, 0), 0)))
    for m, message in enumerate(request.messages):
        for p, part in enumerate(message.parts):
            place: Place = ("part", m, p)
            frame = MESSAGE_TOKENS if p == 0 else 0
            out.append(_part_segment(part, message.role, frame, marks.get(place, 0)))
    return out


def _part_segment(part: Part, role: str, frame: int, ttl_s: int) -> Segment:
    match part:
        case Text(text):
            return _segment(text, frame, ttl_s)
        case ToolCall(_, name, written):
            return _segment(name + written, frame + TOOL_TOKENS, ttl_s)
        case ToolResult(_, content):
            return _segment(content, frame + TOOL_TOKENS, ttl_s)


def _segment(text: str, frame: int, ttl_s: int = 0) -> Segment:
    return Segment((*(FRAME,) * frame, *encode(text)), ttl_s)


def _tool_text(tool: ToolSpec) -> str:
    return _json(
        {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    )


def _json(value: object) -> str:
    return to_json(value).decode()
