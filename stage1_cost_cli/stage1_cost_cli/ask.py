"""One question to one or several models at the same time, streamed.

The first model's words are printed as they come; the others are held and follow in order, so that
a pipe gets whole answers and not a mixture. What a call cost is not decided here: every call ends
as a `CallRecord` at the taps.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shared.errors import CallError, EmptyPrompt, PromptTooLong, StageError
from shared.messages import (
    Finished,
    Request,
    Retrying,
    StreamEvent,
    TextDelta,
    WireEvent,
    user,
)
from shared.models import Model
from shared.providers.provider import Provider

from stage1_cost_cli.estimate import input_tokens

FEATURE = "ask"


@dataclass(frozen=True, slots=True)
class Show:
    """Where words go: `answer` for the model's, `note` for everything about them."""

    answer: Callable[[str], None]
    note: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Asked:
    model: Model
    text: str
    error: StageError | None = None


def question_request(question: str, **options: object) -> Request:
    """The request for `question`; `EmptyPrompt` when there is nothing to ask."""
    if not question.strip():
        raise EmptyPrompt('the question is empty: write stage1 ask "…" or pipe text into it')
    given = {name: value for name, value in options.items() if value is not None}
    return Request(messages=(user(question),), **given)  # type: ignore[arg-type]


def refuse_too_long(request: Request, model: Model) -> None:
    """`PromptTooLong` when the prompt and `max_tokens` cannot fit into the model's window.

    A token is at least one byte, so a prompt of fewer bytes than the window is not even counted.
    """
    size = sum(len(message.text.encode()) for message in request.messages)
    size += len(request.system.encode())
    if size + request.max_tokens <= model.window:
        return
    counted = input_tokens(request)
    if counted + request.max_tokens > model.window:
        raise PromptTooLong(
            f"the prompt has about {counted:,} tokens and --max-tokens is {request.max_tokens:,}; "
            f"{model.id} takes {model.window:,} in all: shorten the prompt or lower --max-tokens"
        )


async def ask_all(
    providers: Sequence[Provider],
    request: Request,
    show: Show,
    *,
    stream: bool = True,
    raw: bool = False,
) -> list[Asked]:
    """Asks all at the same time; one that fails is reported and does not stop the others."""
    turns = [asyncio.Event() for _ in providers]
    turns[0].set()
    named = len(providers) > 1

    async def one(place: int) -> Asked:
        held = _Held(turns[place], show.answer)
        try:
            if named:
                held.write(f"--- {providers[place].model.id}\n")
            asked = await ask_one(providers[place], request, held.show(show), stream, raw)
            if named or not asked.text.endswith("\n"):
                held.write("\n")
            await turns[place].wait()
            held.release()
            return asked
        finally:
            if place + 1 < len(turns):
                turns[place + 1].set()

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(place)) for place in range(len(providers))]
    except BaseExceptionGroup as failures:  # a closed pipe, say: one reason is enough to stop
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


async def ask_one(
    provider: Provider, request: Request, show: Show, stream: bool = True, raw: bool = False
) -> Asked:
    """Asks one model. A failed call comes back with its error and the text seen so far."""
    said: list[str] = []
    try:
        if not stream:
            reply = await provider.complete(request, feature=FEATURE)
            show.answer(reply.text)
            return Asked(provider.model, reply.text)
        async with provider.stream(request, feature=FEATURE, raw=raw) as events:
            async for event in events:
                _handle(event, said, show, raw)
        return Asked(provider.model, "".join(said))
    except CallError as error:
        return Asked(provider.model, "".join(said), error)


def _handle(event: StreamEvent, said: list[str], show: Show, raw: bool) -> None:
    match event:
        case TextDelta(text):
            said.append(text)
            if not raw:
                show.answer(text)
        case WireEvent(data):
            show.answer(data + "\n")
        case Retrying(attempt, wait_s, reason):
            show.note(f"try {attempt} failed ({reason}); next in {wait_s:.1f} s")
        case Finished(reply) if reply.refusal:
            show.note(f"the model refused: {reply.refusal}")
        case _:
            pass


class _Held:
    """Prints at once when it is this answer's turn, and keeps the words until then."""

    def __init__(self, turn: asyncio.Event, write: Callable[[str], None]) -> None:
        self._turn = turn
        self._write = write
        self._kept: list[str] = []

    def write(self, text: str) -> None:
        self._kept.append(text)
        if self._turn.is_set():
            self.release()

    def release(self) -> None:
        for text in self._kept:
            self._write(text)
        self._kept.clear()

    def show(self, show: Show) -> Show:
        return Show(self.write, show.note)
