"""A question made better to search with: a follow-up standing alone, expansion, HyDE, self-query.

Each is one call of a model and none is on by default except the first, which only runs when there
were turns before. A model that fails or answers nonsense is an error, never a silent fallback. The
offline model can do none of them: `joined` is what follow-ups get without a real one. Left out:
searching with the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, Field

from shared import front_matter
from shared.messages import Message, Reply, Request, assistant, user
from shared.providers.provider import Provider
from shared.schemas import output_schema, validated
from stage3_rag.contract import Filters, Turn

PROMPTS = Path(__file__).parent / "prompts"
MAX_TOKENS = 400
TURNS = 6  # of the conversation, the last ones: older ones rarely matter and cost tokens
Model = TypeVar("Model", bound=BaseModel)


class Standalone(BaseModel):
    question: str = Field(description="The last question, understandable by itself.", min_length=1)


class Expanded(BaseModel):
    questions: list[str] = Field(description="Other ways to ask it, at most three.")


class Hypothetical(BaseModel):
    passage: str = Field(description="A passage that would answer the question.", min_length=1)


class Restricted(BaseModel):
    question: str = Field(description="The question without its restrictions.", min_length=1)
    tags: list[str] = Field(description="Known tags that it is restricted to.")
    since: date | None = Field(description="Only documents of this day or later.")
    until: date | None = Field(description="Only documents of this day or before.")


async def standalone(
    question: str, history: Sequence[Turn], provider: Provider
) -> tuple[str, Reply | None]:
    """The question as it can be searched for; without turns before it, as it is and for nothing."""
    if not history:
        return question, None
    said = [message for turn in history[-TURNS:] for message in _messages(turn)]
    found, reply = await _ask("standalone-1", Standalone, [*said, user(question)], provider)
    return found.question, reply


def joined(question: str, history: Sequence[Turn]) -> str:
    """Without a model: the last question before it and this one, as one text to search with."""
    return f"{history[-1].question}\n{question}" if history else question


async def expanded(question: str, provider: Provider) -> tuple[str, Reply]:
    """The question with other wordings after it: one text, searched for once."""
    found, reply = await _ask("expansion-1", Expanded, [user(question)], provider)
    return "\n".join([question, *found.questions[:3]]), reply


async def hypothetical(question: str, provider: Provider) -> tuple[str, Reply]:
    """The question with a passage that might answer it."""
    found, reply = await _ask("hyde-1", Hypothetical, [user(question)], provider)
    return f"{question}\n{found.passage}", reply


async def self_query(
    question: str, known_tags: Sequence[str], provider: Provider
) -> tuple[str, Filters, Reply]:
    """The question and the filter it implies. A tag that the collection lacks is dropped."""
    given = user(f"Known tags: {', '.join(sorted(known_tags)) or 'none'}\n\nQuestion: {question}")
    found, reply = await _ask("self-query-1", Restricted, [given], provider)
    tags = tuple(tag for tag in found.tags if tag in set(known_tags))
    return found.question, Filters(tags=tags, since=found.since, until=found.until), reply


async def _ask(
    prompt: str, form: type[Model], messages: Sequence[Message], provider: Provider
) -> tuple[Model, Reply]:
    system = front_matter.read(PROMPTS / f"{prompt}.md")[1].strip()
    request = Request(
        system=system,
        messages=tuple(messages),
        max_tokens=MAX_TOKENS,
        output=output_schema(form),
    )
    reply = await provider.complete(request, feature=f"rag:{prompt}")
    return validated(reply, form), reply


def _messages(turn: Turn) -> tuple[Message, Message]:
    return user(turn.question), assistant(turn.answer)
