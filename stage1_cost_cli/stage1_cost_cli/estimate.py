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
from shared.models import Model
from shared.tokens import count_tokens

# Framing around each message and the request, as OpenAI documents it for its chat format.
TOKENS_A_MESSAGE = 3
TOKENS_A_REQUEST = 3
MOST_FRAMING = 10  # nobody is known to take more around a message, a part or a tool
COUNTED_EXACTLY = ("openai", "offline")  # billed by the vocabulary that `count_tokens` counts
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


def worst_case(request: Request, model: Model) -> Usage:
    """The most that `request` can be billed for: all of `max_tokens`, and a cache being filled.

    A vocabulary that is not known here is given room for twice our count; that is a margin and no
    proof.
    """
    parts, messages = _parts(request), len(request.messages) + bool(request.system)
    framing = MOST_FRAMING * (1 + messages + len(parts))
    counted = framing + sum(count_tokens(part) for part in parts)
    tokens = counted if model.provider in COUNTED_EXACTLY else 2 * counted
    marked = (request.cache_system and request.system) or any(
        isinstance(part, Text) and part.cache for turn in request.messages for part in turn.parts
    )
    fills = tokens if marked and model.wire == "anthropic" else 0
    return Usage(tokens, request.max_tokens, cache_write_tokens=fills)


def input_tokens(request: Request) -> int:
    """Tokens of everything that is sent, framing included."""
    return _framing(request) + sum(count_tokens(part) for part in _parts(request))


def input_bytes(request: Request) -> int:
    """Never less than `input_tokens`, and known at once: a token is at least one byte."""
    return _framing(request) + sum(len(part.encode()) for part in _parts(request))


def _framing(request: Request) -> int:
    messages = len(request.messages) + bool(request.system)
    return TOKENS_A_REQUEST + TOKENS_A_MESSAGE * messages


def _parts(request: Request) -> list[str]:
    parts = [request.system] if request.system else []
    parts += [_text(part) for message in request.messages for part in message.parts]
    for tool in request.tools:
        parts.append(json.dumps([tool.name, tool.description, dict(tool.parameters)]))
    if request.output:
        parts.append(json.dumps(dict(request.output.schema)))
    return parts


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
