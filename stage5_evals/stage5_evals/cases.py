"""The questions of an eval, each with what it needs from the corpus, and the fingerprint of a set.

A label is a document and words of it, never a chunk, so that another chunker or another retriever
is judged by the same labels. No `needs` means that the corpus does not answer: it must be refused.
Left out: whether the labels are good (`case_check`), and what an answer is worth (`graders`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.errors import UserError
from shared.journal import key_of


@dataclass(frozen=True, slots=True)
class Span:
    document: str
    quote: str


@dataclass(frozen=True, slots=True)
class Turn:
    question: str
    answer: str

    @property
    def texts(self) -> tuple[str, str]:
        return self.question, self.answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Of each inner tuple of `needs` one span suffices, and all tuples are needed.

    `expect` holds what only some graders read, such as the tools an agent must call.
    """

    id: str
    question: str
    split: str = ""
    kind: str = ""
    history: tuple[Turn, ...] = ()
    answer: str | None = None
    needs: tuple[tuple[Span, ...], ...] = ()
    expect: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def answerable(self) -> bool:
        return bool(self.needs)

    @property
    def asked(self) -> tuple[str, ...]:
        """What a target is told: the rest of a case is none of its business."""
        if not self.history:
            return (self.question,)
        return (self.question, *(text for turn in self.history for text in turn.texts))

    @property
    def label(self) -> str:
        """A digest of all that decides a grade; a note or another split changes none."""
        spans = sorted(
            key_of(*(text for one in sorted(need) for text in one))
            for need in map(_texts, self.needs)
        )
        expect = json.dumps(self.expect, sort_keys=True) if self.expect else ""
        told = ("-", "") if self.answer is None else ("+", self.answer)
        return key_of(self.id, *told, expect, *spans, "asked", *self.asked)


def _texts(need: tuple[Span, ...]) -> list[tuple[str, str]]:
    return [(span.document, span.quote) for span in need]


def load_cases(file: Path, split: str | None = None) -> list[Case]:
    """The cases of one split, or all, in the order of the file; `UserError` names a bad line."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}: name a file of cases") from None
    found = list(_read(file, text))
    seen: set[str] = set()
    for case in found:
        if case.id in seen:
            raise UserError(f"{file}: the id {case.id} stands there twice: give each case its own")
        seen.add(case.id)
    chosen = [case for case in found if split in (None, case.split)]
    if not chosen:
        part = "" if split is None else f" of the split {split}"
        raise UserError(f"{file} holds no case{part}: nothing would be measured")
    return chosen


def fingerprint(cases: Iterable[Case]) -> str:
    """The same for the same questions and labels in any order."""
    return key_of(*sorted(case.label for case in cases))[:16]


def _read(file: Path, text: str) -> Iterator[Case]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield case_of(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise UserError(f"{file} line {number} is no case: {error!r}") from None


def case_of(row: Mapping[str, Any]) -> Case:
    if not (isinstance(row["question"], str) and row["question"].strip()):
        raise ValueError("the question is empty")
    return Case(
        id=str(row["id"]),
        question=row["question"],
        split=row.get("split", ""),
        kind=row.get("kind", ""),
        history=tuple(Turn(turn["question"], turn["answer"]) for turn in row.get("history", ())),
        answer=row.get("answer"),
        needs=tuple(
            tuple(Span(span["document"], span["quote"]) for span in need)
            for need in row.get("needs", ())
        ),
        expect=row.get("expect") or {},
        note=row.get("note") or "",
    )
