"""The model behind the examiner's address: the offline model as a careful reader with bad habits.

Asked about one of the examiner's folders, it knows which sentence answers: it takes that sentence
when a passage of the prompt has it, and declines when none has, in the form that the prompt asks
for. Then it does what models do: makes a number up, gets one wrong, or obeys an order that stands
in a passage. On all other prompts it is the plain offline model. So a check depends on the program
around the model, and not on how well a small model reads.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from shared.messages import Message, Part, Request, Text, ToolResult
from shared.offline.answer import Answer
from shared.offline.brain import think
from shared.offline.skills import documents
from shared.offline.skills.mind import Size
from shared.offline.words import terms
from stage3_rag.examine_words import IMPOSTOR
from stage3_rag.examine_world import Fact, World

if TYPE_CHECKING:
    from shared.embeddings import Embedder

Habit = Literal["", "invents", "misreads", "obeys"]
MADE_UP, MISREAD = "104729", "15485"
NOBODY_ASKED = "Xyzzy plugh frotz"  # no sentence of any passage answers this
_OPENS = re.compile(r"<(\w+)[^<>\n]*>|(```|\"\"\"|'''|<<<)")
_JSON = re.compile(r'\\n|^\s*[\[{,]*\s*"')


@dataclass(frozen=True, slots=True)
class Asked:
    """What answers a question, and the habit that the model has with it.

    Of several sentences the first one that is found is taken: a stale one goes before a new one.
    """

    facts: tuple[Fact, ...] = ()
    habit: Habit = ""


class ExaminersModel:
    """Safe in several threads. `altered` holds the questions whose answer a habit has changed."""

    def __init__(self) -> None:
        self.altered: set[str] = set()
        self._asked: dict[str, Asked] = {}
        self._lock = threading.Lock()

    def know(self, world: World) -> None:
        """The questions of a folder, those without an answer as well."""
        for question in (*world.off_topic, *world.close_misses):
            self._expect(question, Asked())
        for facts in world.facts.values():
            for fact in facts:
                self.expect(fact)

    def expect(self, *facts: Fact, habit: Habit = "") -> None:
        """All of one question."""
        self._expect(facts[0].question, Asked(facts, habit))

    def __call__(self, request: Request, size: Size, embedder: Embedder | None) -> Answer:
        prompt = _flat("\n".join(_texts(request)))
        question = self._question(prompt)
        if not question or not (documents.in_request(request) or documents.results(request)):
            return think(request, size, embedder)
        asked = self._asked[question]
        fact = next((one for one in asked.facts if _flat(one.sentence) in prompt), None)
        answer = think(_about(request, question, fact), "small", None)
        return self._spoilt(answer, fact, asked.habit, request) if fact else answer

    def _expect(self, question: str, asked: Asked) -> None:
        with self._lock:
            self._asked[question] = asked

    def _question(self, prompt: str) -> str:
        """The known question that stands last in the prompt."""
        with self._lock:
            places = [(prompt.rfind(_flat(question)), question) for question in self._asked]
        place, question = max(places, default=(-1, ""))
        return question if place >= 0 else ""

    def _spoilt(self, answer: Answer, fact: Fact, habit: Habit, request: Request) -> Answer:
        spoilt = answer
        if habit == "invents":
            spoilt = _altered(answer, fact.value, MADE_UP)
        elif habit == "misreads":
            spoilt = _altered(answer, fact.value, MISREAD, most=1)
        elif habit == "obeys" and not set_apart(request):
            spoilt = _altered(answer, fact.value, IMPOSTOR)
        if spoilt != answer:
            with self._lock:
                self.altered.add(fact.question)
        return spoilt


def set_apart(request: Request) -> bool:
    """Whether an order that stands in the prompt is inside of something: tags, a fence, JSON.

    The result of a tool is, too.
    """
    prompts = [request.system, *(message.text for message in request.messages)]
    return all(_inside(prompt, at) for prompt in prompts if (at := prompt.find(IMPOSTOR)) >= 0)


def _inside(prompt: str, at: int) -> bool:
    for opening in _OPENS.finditer(prompt, 0, at):
        tag, fence = opening.groups()
        close = f"</{tag}>" if tag else {"<<<": ">>>"}.get(fence, fence)
        if close not in prompt[opening.end() : at] and close in prompt[at:]:
            return True
    return bool(_JSON.search(prompt[prompt.rfind("\n", 0, at) + 1 : at]))


def _about(request: Request, question: str, fact: Fact | None) -> Request:
    """The request with a question whose best sentence is the one of `fact`, or none."""
    instead = NOBODY_ASKED
    if fact:
        instead = fact.value if fact.value in terms(fact.sentence) else fact.sentence
    words = re.compile(r"\s+".join(map(re.escape, question.split())), re.I)

    def said(text: str) -> str:
        return words.sub(lambda _: f"{instead}?", text)

    def part(one: Part) -> Part:
        return replace(one, text=said(one.text)) if isinstance(one, Text) else one

    turns = (Message(turn.role, tuple(map(part, turn.parts))) for turn in request.messages)
    return replace(request, messages=tuple(turns), system=said(request.system))


def _altered(answer: Answer, value: str, instead: str, most: int = 0) -> Answer:
    """`value` replaced in the text and in each call; `most` times, or everywhere."""
    pattern = re.compile(rf"(?<!\d){value}(?!\d)")
    calls = (
        replace(one, json=pattern.sub(instead, one.json, count=most)) for one in answer.tool_calls
    )
    text = pattern.sub(instead, answer.text, count=most)
    return replace(answer, text=text, tool_calls=tuple(calls))


def _texts(request: Request) -> Iterator[str]:
    yield request.system
    for message in request.messages:
        for part in message.parts:
            if isinstance(part, Text):
                yield part.text
            elif isinstance(part, ToolResult):
                yield part.content


def _flat(text: str) -> str:
    return " ".join(text.split()).casefold()
