"""What a call will cost, said before it is made.

Input tokens are counted. Output tokens and the cached share can only be expected: from what calls
of the same feature and model have needed so far, else from the length the prompt itself asks for,
and never more than `max_tokens`.
"""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from shared.messages import Request, Text, ToolCall, ToolResult, Usage
from shared.tokens import count_tokens

# Framing around each message and the request, as OpenAI documents it for its chat format.
TOKENS_A_MESSAGE = 3
TOKENS_A_REQUEST = 3
TOKENS_A_WORD = 4 / 3  # the usual rule for English
NO_HISTORY = 150  # output tokens, when nothing else is known
ASKED_LENGTH = re.compile(
    r"\b(?:in|about|around|at most|no more than|up to|under|exactly)"
    r"\s+(\d{1,4})\s+(word|sentence)s?\b",
    re.IGNORECASE,
)
WORDS_A_SENTENCE = 20


@dataclass(frozen=True, slots=True)
class Estimate:
    """`basis` says where the expected output length comes from."""

    usage: Usage
    basis: str


def estimate(request: Request, past: Sequence[Usage] = ()) -> Estimate:
    """Expected usage of `request`; `past`: earlier calls of the same feature and model."""
    expected, basis = _output_tokens(request, past)
    tokens = input_tokens(request)
    usage = Usage(
        tokens,
        min(expected, request.max_tokens),
        cache_read_tokens=round(tokens * _median_share(past, "cache_read_tokens")),
        cache_write_tokens=round(tokens * _median_share(past, "cache_write_tokens")),
    )
    return Estimate(usage, basis)


def worst_case(request: Request) -> Usage:
    """The most that `request` can be billed for."""
    return Usage(input_tokens(request), request.max_tokens)


def input_tokens(request: Request) -> int:
    """Tokens of everything that is sent, framing included."""
    parts = [request.system] if request.system else []
    framing = TOKENS_A_REQUEST + (TOKENS_A_MESSAGE if request.system else 0)
    for message in request.messages:
        framing += TOKENS_A_MESSAGE
        parts += [_text(part) for part in message.parts]
    for tool in request.tools:
        parts.append(json.dumps([tool.name, tool.description, dict(tool.parameters)]))
    if request.output:
        parts.append(json.dumps(dict(request.output.schema)))
    return framing + sum(count_tokens(part) for part in parts)


def _text(part: Text | ToolCall | ToolResult) -> str:
    match part:
        case Text(text):
            return text
        case ToolCall(_, name, arguments):
            return name + arguments
        case ToolResult(_, content):
            return content


def _median_share(past: Sequence[Usage], kind: str) -> float:
    """The usual part of the input that was of this kind, 0 to 1."""
    shares = [getattr(one, kind) / one.input_tokens for one in past if one.input_tokens]
    return statistics.median(shares) if shares else 0.0


def _output_tokens(request: Request, past: Sequence[Usage]) -> tuple[int, str]:
    if past:
        middle = statistics.median(one.output_tokens for one in past)
        return round(middle), f"median of {len(past)} earlier calls"
    last = request.messages[-1].text if request.messages else ""
    if asked := ASKED_LENGTH.search(last):
        words = int(asked[1]) * (WORDS_A_SENTENCE if asked[2].lower() == "sentence" else 1)
        return round(words * TOKENS_A_WORD), f"the prompt asks for {asked[0]}"
    return NO_HISTORY, "no earlier call: a guess"
