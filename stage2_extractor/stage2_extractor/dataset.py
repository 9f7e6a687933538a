"""The labelled data of this stage as cases, validated; nothing else knows where the files lie.

A `Case` can as well be made from data of one's own: an evaluation asks for no file. `dev` is for
looking at while a prompt is written; `test` is only reported on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from shared.errors import LocalError, UserError
from stage2_extractor.documents import read_document
from stage2_extractor.records import Invoice, Ticket

DATA = Path(__file__).parent.parent / "data"
SPLITS = ("dev", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A text and the right answer to it. `ambiguous`: the labellers could see another one."""

    id: str
    text: str
    record: BaseModel
    split: str = ""
    ambiguous: bool = False
    traits: tuple[str, ...] = ()
    notes: str = ""

    @property
    def task(self) -> str:
        return "invoice" if isinstance(self.record, Invoice) else "ticket"


def load_cases(task: str, split: str | None = None, data: Path = DATA) -> list[Case]:
    """The cases of "invoice" or "ticket", of one split or of both."""
    cases = (
        load_invoices(data / "invoices") if task == "invoice" else load_tickets(data / "tickets")
    )
    chosen = [case for case in cases if split in (None, case.split)]
    if not chosen:
        raise UserError(f"no {task} is in the split {split!r}: there are {', '.join(SPLITS)}")
    return chosen


def load_invoices(folder: Path) -> list[Case]:
    """`labels.jsonl` of a folder, with the text that each entry's `file` names."""
    return [
        Case(
            id=entry["id"],
            text=read_document(folder / entry["file"]),
            record=_record(Invoice, entry["record"], entry["id"]),
            split=entry["split"],
            traits=tuple(entry.get("traits", ())),
            notes=entry.get("notes", ""),
        )
        for entry in _entries(folder / "labels.jsonl", ("id", "file", "split", "record"))
    ]


def load_tickets(folder: Path) -> list[Case]:
    return [
        Case(
            id=entry["id"],
            text=entry["text"],
            record=_record(Ticket, {"bucket": entry["bucket"]}, entry["id"]),
            split=entry["split"],
            ambiguous=bool(entry.get("ambiguous", False)),
            notes=entry.get("notes", ""),
        )
        for entry in _entries(folder / "tickets.jsonl", ("id", "text", "split", "bucket"))
    ]


def load_second_passes(task: str, data: Path = DATA) -> list[dict[str, BaseModel]]:
    """The labels of each further labeller, by case."""
    files = sorted((data / "second_pass").glob(f"{task}s*.jsonl"))
    return [_second_pass(task, file) for file in files]


def _second_pass(task: str, file: Path) -> dict[str, BaseModel]:
    if task == "invoice":
        entries = _entries(file, ("id", "record"))
        return {entry["id"]: _record(Invoice, entry["record"], entry["id"]) for entry in entries}
    entries = _entries(file, ("id", "bucket"))
    return {
        entry["id"]: _record(Ticket, {"bucket": entry["bucket"]}, entry["id"]) for entry in entries
    }


def _entries(file: Path, needed: Iterable[str]) -> Iterator[dict[str, Any]]:
    seen: set[str] = set()
    for number, line in enumerate(_lines(file), 1):
        try:
            entry = json.loads(line)
            missing = [name for name in needed if name not in entry]
        except (ValueError, TypeError) as error:
            raise LocalError(f"{file} line {number} is not a JSON object: {error}") from None
        if missing or entry["id"] in seen:
            fault = f"has no {', '.join(missing)}" if missing else f"repeats {entry['id']}"
            raise LocalError(f"{file} line {number} {fault}")
        seen.add(entry["id"])
        yield entry


def _lines(file: Path) -> list[str]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise LocalError(
            f"{file} is missing ({error.strerror}): run this in a checkout of the project"
        ) from None
    return [line for line in lines if line.strip()]


def _record(model: type[BaseModel], plain: Any, name: str) -> BaseModel:
    try:
        return model.model_validate(plain)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(map(str, problem["loc"]))
        raise LocalError(f"the label of {name} is wrong at {where}: {problem['msg']}") from None
