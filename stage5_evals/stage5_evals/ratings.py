"""Answers that were rated as faithful or not, with the passages inside, and a second pass.

One JSON object a line: {"id", "split", "question", "passages": [{"document", "text"}], "answer",
"faithful": true}; `group`, `level` and `note` may be there. `second.jsonl` beside it holds {"id",
"faithful"} of a pass that did not see the first verdict. Left out: how to rate (`RATING.md`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.errors import UserError
from shared.journal import key_of
from stage5_evals.answers import Passage

FOLDER = Path(__file__).parents[1] / "data" / "calibration"
FILE = FOLDER / "answers.jsonl"
SECOND = "second.jsonl"


@dataclass(frozen=True, slots=True)
class Rating:
    """`group`: answers about the same passages share it."""

    id: str
    split: str
    question: str
    passages: tuple[Passage, ...]
    answer: str
    faithful: bool
    group: str
    level: str = ""


def load_ratings(file: Path = FILE, split: str = "") -> list[Rating]:
    """`UserError` names the line that is wrong."""
    rows = []
    for number, row in _lines(file):
        try:
            rows.append(_rating(row))
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(
                f"{file}, line {number}: {error}: a rating has id, passages, answer and faithful"
            ) from None
    kept = [one for one in rows if not split or one.split == split]
    if not kept:
        known = sorted({one.split for one in rows})
        raise UserError(f"{file} has no ratings of split {split!r}: there are {known}")
    if len({one.id for one in rows}) < len(rows):
        raise UserError(f"{file}: an id stands there twice")
    return kept


def second_pass(file: Path = FILE) -> list[tuple[bool, bool]]:
    """(first, second) for each answer that was rated twice; empty when there was no second pass."""
    beside = file.with_name(SECOND)
    if not beside.exists():
        return []
    first = {one.id: one.faithful for one in load_ratings(file)}
    return [(first[row["id"]], bool(row["faithful"])) for _, row in _lines(beside)]


def fingerprint(ratings: list[Rating]) -> str:
    return key_of(*(repr(one) for one in sorted(ratings, key=lambda one: one.id)))[:12]


def _lines(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"{file} cannot be read: {error.strerror}: name a file of ratings"
        ) from None
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                row = json.loads(line)
            except ValueError as error:
                raise UserError(f"{file}, line {number} is no JSON: {error}") from None
            yield number, row


def _rating(row: dict[str, Any]) -> Rating:
    if not isinstance(row["faithful"], bool):
        raise ValueError("faithful must be true or false")
    passages = tuple(Passage(str(p.get("document", "")), p["text"]) for p in row["passages"])
    return Rating(
        str(row["id"]),
        str(row.get("split", "")),
        str(row.get("question", "")),
        passages,
        row["answer"],
        row["faithful"],
        str(row.get("group", row["id"])),
        str(row.get("level", "")),
    )
