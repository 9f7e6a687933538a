"""One question to one or several models at the same time, streamed.

The first model's words are printed as they come; the others are held and follow in order, so that
a pipe gets whole answers and not a mixture. What a call cost is not decided here: every call ends
as a `CallRecord` at the taps.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shared.errors import (
    CallError,
    EmptyPrompt,
    PromptTooLong,
    Refused,
    StageError,
    UserError,
)
from shared.messages import (
    Finished,
    Reply,
    Request,
    Retrying,
    TextDelta,
    WireEvent,
    user,
)
from shared.models import Model
from shared.providers.provider import Provider
from stage1_cost_cli.estimate import input_bytes, input_tokens

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
    request = Request(messages=(user(question),), **given)  # type: ignore[arg-type]
    if "" in request.stop:
        raise UserError("--stop is empty: give the text to end at, or leave it out")
    return request


def refuse_too_long(request: Request, model: Model) -> None:
    """`PromptTooLong` when the prompt and `max_tokens` cannot fit into the model's window.

    Counting a megabyte takes a while, so a prompt of fewer bytes than the window is not counted.
    """
    if input_bytes(request) + request.max_tokens <= model.window:
        return
    counted = input_tokens(request)
    if counted + request.max_tokens > model.window:
        raise PromptTooLong(
            f"the prompt has about {counted:,} tokens and --max-tokens is {request.max_tokens:,}; "
            f"{model.id} takes {model.window:,} in all: shorten the prompt or lower --max-tokens"
        )


def retry_note(event: Retrying) -> str:
    return f"try {event.attempt} failed ({event.reason}); next in {event.wait_s:.1f} s"


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
        name = providers[place].model.id
        try:
            if named:
                held.write(f"--- {name}\n")
            mine = Show(held.write, _prefixed(show.note, name) if named else show.note)
            asked = await ask_one(providers[place], request, mine, stream, raw)
            await turns[place].wait()
            held.release()
            return asked
        finally:  # also after Ctrl-C: what follows begins on a line of its own
            held.end_line()
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
    """Asks one model. A failed or refused call comes back with its error and the text so far."""
    said: list[str] = []
    try:
        if stream:
            reply = await _streamed(provider, request, show, said, raw)
        else:
            reply = await provider.complete(request, feature=FEATURE)
            show.answer(reply.text)
    except CallError as error:
        return Asked(provider.model, "".join(said), error)
    return Asked(provider.model, reply.text, refusal(reply))


def refusal(reply: Reply) -> Refused | None:
    if reply.stop != "refusal" and not reply.refusal:
        return None
    return Refused(f"the model refused: {reply.refusal or 'no reason given'}", reply=reply)


async def _streamed(
    provider: Provider, request: Request, show: Show, said: list[str], raw: bool
) -> Reply:
    async with provider.stream(request, feature=FEATURE, raw=raw) as events:
        async for event in events:
            match event:
                case TextDelta(text):
                    said.append(text)
                    if not raw:
                        show.answer(text)
                case WireEvent(data):
                    show.answer(data + "\n")
                case Retrying():
                    show.note(retry_note(event))
                case Finished(reply):
                    return reply
    raise AssertionError("a stream ends with Finished or an error")


def _prefixed(note: Callable[[str], None], name: str) -> Callable[[str], None]:
    return lambda text: note(f"{name}: {text}")


class _Held:
    """Prints at once when it is this answer's turn, and keeps the words until then."""

    def __init__(self, turn: asyncio.Event, write: Callable[[str], None]) -> None:
        self._turn = turn
        self._write = write
        self._kept: list[str] = []
        self._printed = ""

    def write(self, text: str) -> None:
        self._kept.append(text)
        if self._turn.is_set():
            self.release()

    def release(self) -> None:
        while self._kept:
            text = self._kept.pop(0)
            self._write(text)
            self._printed = text or self._printed

    def end_line(self) -> None:
        if self._printed and not self._printed.endswith("\n"):
            self._write("\n")
            self._printed = "\n"
