"""What is said to a model and what comes back, in terms that no provider owns.

Everything here is frozen data. How it is written on a wire is decided in `providers/`; what a
`Usage` costs is decided in `prices`. Images, audio and provider-side tools are left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from shared.errors import InvalidOutput

Role = Literal["user", "assistant"]
StopReason = Literal["end", "length", "stop_sequence", "tool_use", "refusal", "context_full"]


@dataclass(frozen=True, slots=True)
class Text:
    """A run of text. `cache` marks the end of a prefix worth caching at the provider."""

    text: str
    cache: bool = False


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's wish to call a tool. `json` is as written, since a model can write it wrong."""

    id: str
    name: str
    json: str

    def arguments(self) -> dict[str, Any]:
        """The parsed arguments; `InvalidOutput` when they are not a JSON object."""
        try:
            value = json.loads(self.json or "{}")
        except ValueError as error:
            raise InvalidOutput(f"arguments of {self.name} are not JSON: {error}") from error
        if not isinstance(value, dict):
            raise InvalidOutput(f"arguments of {self.name} are not a JSON object")
        return value


@dataclass(frozen=True, slots=True)
class ToolResult:
    call_id: str
    content: str
    is_error: bool = False


Part = Text | ToolCall | ToolResult


@dataclass(frozen=True, slots=True)
class Message:
    role: Role
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts if isinstance(part, Text))


def user(text: str, *, cache: bool = False) -> Message:
    return Message("user", (Text(text, cache),))


def assistant(text: str) -> Message:
    return Message("assistant", (Text(text),))


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """`parameters` is a JSON schema of type object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OutputSchema:
    """The JSON schema that an answer must follow; made by `schemas.output_schema`."""

    name: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call. A parameter left at None is not sent; one the model lacks is an error, not dropped.

    `tool_choice` is "auto", "none", "required" or the name of one tool.
    """

    messages: tuple[Message, ...]
    system: str = ""
    cache_system: bool = False
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: str = "auto"
    output: OutputSchema | None = None
    max_tokens: int = 1024
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call. `input_tokens` is the whole input, cached tokens included."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cache_read_tokens + other.cache_read_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
        )


@dataclass(frozen=True, slots=True)
class RateLimit:
    """One limit as a provider's headers stated it; `reset` is kept in the provider's own words."""

    name: str
    limit: int | None
    remaining: int | None
    reset: str


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds from the first byte sent, over all tries. A blocking call has no first token."""

    first_token_s: float | None
    total_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a model answered. `usage` is None when the server did not say: unknown is not zero."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    stop: StopReason | None = None
    refusal: str = ""
    usage: Usage | None = None
    provider: str = ""
    model: str = ""
    request_id: str = ""
    rate_limits: tuple[RateLimit, ...] = ()
    timing: Timing = field(default_factory=lambda: Timing(None, 0.0))
    attempts: int = 1

    def as_message(self) -> Message:
        """This reply as the assistant's turn of the next request."""
        text = (Text(self.text),) if self.text else ()
        return Message("assistant", (*text, *self.tool_calls))


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class WireEvent:
    """One event exactly as the server sent it; emitted only when asked for."""

    data: str


@dataclass(frozen=True, slots=True)
class Retrying:
    """The try number `attempt` failed with `reason`; the next one starts in `wait_s` seconds."""

    attempt: int
    wait_s: float
    reason: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of a stream that ended well."""

    reply: Reply


StreamEvent = TextDelta | WireEvent | Retrying | Finished
