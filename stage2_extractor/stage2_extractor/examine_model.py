"""The model behind the examiner's address: the offline model, with the habits of a real one.

On a paper of the checks it answers a program always alike, and then does what models do: makes a
value up, writes a date in words, obeys an order that stands in the paper. It finds the value in
its own answer, so it does not matter which schema the program asked for. On all other texts it is
the plain offline model.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from shared.messages import Request, Text
from shared.offline.answer import Answer
from shared.offline.brain import think
from shared.offline.skills.mind import Size
from stage2_extractor.examine_papers import (
    HIDDEN,
    IMPOSTOR,
    INVENTED,
    LARGE,
    LARGE_SUM,
    SELLER,
    WORDY,
    paper,
)

if TYPE_CHECKING:
    from shared.embeddings import Embedder

NUMBER = re.compile(r"\b(AQ\d)-(\d{6})\b")
MADE_UP_NUMBER, MADE_UP_TOTAL = "QX-40817", "9318.46"
DATE_IN_WORDS = "Thursday 3 Sept 2026"
TOTAL = re.compile(r"(?<![\d.,])272[.,]520?(?!\d)")
ISSUED = re.compile(r'"(2026-09-03|0?3[./]0?9[./]2026|0?9/0?3/2026|3 September 2026)"')
Habit = Sequence[tuple[re.Pattern[str], str]]
HABITS: dict[str, Habit] = {
    INVENTED: ((NUMBER, MADE_UP_NUMBER), (TOTAL, MADE_UP_TOTAL)),
    WORDY: ((ISSUED, f'"{DATE_IN_WORDS}"'),),
    HIDDEN: ((re.compile(re.escape(SELLER)), IMPOSTOR),),
    LARGE: ((re.compile(r"(?<!\d)9007199254740\d(\.\d+)?"), str(LARGE_SUM)),),
}
# What people put around a document so that it is not mistaken for their own words.
OPENS = re.compile(r"(<[^<>\n]+>|```\w*|\"\"\"|'''|[-=#*~_]{3,}|<<<\w*|\[\[\w*\]?\]?)\s*$")
CLOSES = re.compile(r"\s*(</[^<>\n]+>|```|\"\"\"|'''|[-=#*~_]{3,}|\w*>>>|\[?\[?/?\w*\]\])")


class ExaminersModel:
    """Safe in several threads. `altered` holds the numbers of papers whose answer was changed."""

    def __init__(self) -> None:
        self.altered: set[str] = set()
        self._answers: dict[tuple[str, ...], Answer] = {}
        self._lock = threading.Lock()

    def __call__(self, request: Request, size: Size, embedder: Embedder | None) -> Answer:
        found = NUMBER.search("\n".join(_texts(request)))
        if found is None:
            return think(request, size, embedder)
        answer = self._first_answer(found[0], request)
        kind, number = found.groups()
        if kind == HIDDEN and set_apart(request, paper(kind, number).text):
            return answer
        text, changes = _altered(answer.text, HABITS.get(kind, ()))
        calls = []
        for call in answer.tool_calls:
            written, more = _altered(call.json, HABITS.get(kind, ()))
            calls.append(replace(call, json=written))
            changes += more
        if changes:
            self.altered.add(found[0])
        return replace(answer, text=text, tool_calls=tuple(calls))

    def _first_answer(self, number: str, request: Request) -> Answer:
        """Kept, since a program asks about the same paper in many checks and tries."""
        key = (number, request.system, repr(request.output), repr(request.tools))
        with self._lock:
            if key not in self._answers:
                self._answers[key] = think(request, "small", None)
            return self._answers[key]


def set_apart(request: Request, document: str) -> bool:
    """Whether the prompt shows where the document begins and ends: by marks, or in a part alone."""
    return all(_marked(part, document) for part in _texts(request))


def _marked(part: str, document: str) -> bool:
    first, last = document.strip().split("\n")[0], document.strip().split("\n")[-1]
    end = part.rfind(last)
    start = part.rfind(first, 0, max(end, 0))
    if start < 0 or "\n" not in part[start:end]:  # not here, or as JSON, which is mark enough
        return True
    before, after = part[:start].strip(), part[end + len(last) :].strip()
    if not before and not after:
        return True
    return bool(OPENS.search(before)) and (not after or bool(CLOSES.match(after)))


def _altered(written: str, habit: Habit) -> tuple[str, int]:
    """The answer after a habit, and how many values that changed."""
    changes = 0
    for pattern, instead in habit:
        written, more = pattern.subn(instead, written)
        changes += more
    return written, changes


def _texts(request: Request) -> Iterator[str]:
    yield request.system
    for message in request.messages:
        yield from (part.text for part in message.parts if isinstance(part, Text))
