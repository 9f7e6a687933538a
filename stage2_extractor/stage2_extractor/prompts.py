"""Prompts as versioned files: a front matter that says what changed and why, and the words.

A file is never edited once it has been scored; a change is a new version that names its parent.
What a prompt holds beside its words: a description for each field of the schema, and solved
examples. Which version answered is part of every result.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from shared import front_matter
from shared.errors import BadSettings, UserError
from shared.messages import Message, Request, Text

FOLDER = Path(__file__).parent / "prompts"
TASKS = ("invoice", "ticket")
DOCUMENT = "<document>\n{text}\n</document>"
FENCE = re.compile(r"<(?=\s*/?\s*document\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Example:
    """A solved case: a text and the JSON that is the right answer to it."""

    name: str
    text: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """`fields` maps a field's name to its description in the schema."""

    task: str
    version: str
    date: date
    parent: str | None
    changed: str
    why: str
    system: str
    fields: Mapping[str, str] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()
    reasoning: bool = False

    @property
    def name(self) -> str:
        return f"{self.task}@{self.version}"


def list_prompts(task: str) -> list[Prompt]:
    """Every version of a task's prompt, oldest first."""
    return [load_prompt(task, file.stem.removeprefix("v")) for file in _files(task)]


def load_prompt(task: str, version: str) -> Prompt:
    """One version; `UserError` names the versions that exist."""
    files = {file.stem.removeprefix("v"): file for file in _files(task)}
    wanted = version.removeprefix("v")
    if wanted not in files:
        raise UserError(f"no prompt {task}@{version}: there are {', '.join(files)}")
    return _read(task, wanted, files[wanted])


def request(prompt: Prompt, text: str, schema: Any = None, *, max_tokens: int = 2048) -> Request:
    """The call that asks `prompt` about `text`.

    What never changes stands first and is marked for caching: system prompt, then the examples as
    earlier turns. The document comes last.
    """
    turns: list[Message] = []
    for place, example in enumerate(prompt.examples):
        last = place == len(prompt.examples) - 1
        turns.append(_question(example.text))
        turns.append(Message("assistant", (Text(example.answer, cache=last),)))
    turns.append(_question(text))
    return Request(
        messages=tuple(turns),
        system=prompt.system,
        cache_system=True,
        output=schema,
        max_tokens=max_tokens,
    )


def follow_up(request: Request, complaint: str) -> Request:
    """The same call again, with what was wrong with the first answer said after the document.

    The first answer is not sent back: the complaint names its values, the cached prefix stays the
    same, and the model reads the document anew instead of defending what it wrote.
    """
    *before, last = request.messages
    again = (
        f"\n\nAn earlier answer was not accepted: {complaint}.\n"
        "Read the document again and give the whole answer, corrected."
    )
    return replace(request, messages=(*before, Message("user", (*last.parts, Text(again)))))


def _question(text: str) -> Message:
    """The document in its fence, which no text inside can close."""
    fenced = FENCE.sub("\u2039", text)
    return Message("user", (Text(DOCUMENT.format(text=fenced)),))


def _files(task: str) -> list[Path]:
    if task not in TASKS:
        near = difflib.get_close_matches(task, TASKS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(TASKS)}"
        raise UserError(f"no task {task!r}: {hint}")
    return sorted((FOLDER / task).glob("v*.md"), key=_age)


def _age(file: Path) -> tuple[int, str]:
    """Version 10 comes after 9, and 3r after 3."""
    number = re.match(r"v(\d+)", file.stem)
    return int(number[1]) if number else 0, file.stem


def _read(task: str, version: str, file: Path) -> Prompt:
    head, body = front_matter.read(file)
    try:
        return Prompt(
            task=task,
            version=version,
            date=head["date"],
            parent=None if head["parent"] is None else str(head["parent"]),
            changed=" ".join(head["changed"].split()),
            why=" ".join(head["why"].split()),
            system=body.strip(),
            fields={
                name: " ".join(words.split()) for name, words in (head.get("fields") or {}).items()
            },
            examples=tuple(
                example
                for name in head.get("examples") or ()
                for example in _examples(file.parent / "examples", name)
            ),
            reasoning=bool(head.get("reasoning", False)),
        )
    except (KeyError, AttributeError, TypeError) as error:
        raise BadSettings(f"{file}: the front matter lacks or breaks {error}") from None


def _examples(folder: Path, name: str) -> list[Example]:
    """The solved cases of a file, parted by lines of ===; most files hold one."""
    file = folder / f"{name}.md"
    try:
        blocks = file.read_text(encoding="utf-8").split("\n===\n")
    except OSError as error:
        raise BadSettings(f"{file}, which a prompt names: {error.strerror}") from None
    found = []
    for place, block in enumerate(blocks, 1):
        text, _, answer = f"\n{block}".partition("\n---\n")
        if not answer.strip():
            raise BadSettings(f"{file} must hold a text, a line of ---, and the answer")
        called = name if len(blocks) == 1 else f"{name}-{place}"
        found.append(Example(called, text.strip(), answer.strip()))
    return found
