"""Cuts a text into lines and cells, and into candidates: a value and the label that stands with it.

Labels stand before a colon, in the cell to the left, at the head of a column, on the line above, or
as the words before a number or date. Left out: labels to the right of or below their value, and
values that run over several lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from shared.offline.skills.values import CODE, EMAIL

_GAPS = re.compile(
    r"\s*\|\s*|\t+|[ \u00a0\u2003]{2,}|\s*(?:\.\s?){4,}\s*|\s*_{3,}\s*|\s+[\u00b7\u2022]\s+"
)
_COLON = re.compile(
    r"^[\s\"'*_>#-]{0,20}(?P<label>[^:=\n]{1,60}?)[\"'*_]{0,4}\s{0,20}"
    r"(?::(?!//)|=|\uff1a)\s*(?P<value>.*)$"
)
_ELEMENT = re.compile(
    r"<(?P<label>[\w-]{1,40})(?:\s[^<>]{0,200})?>(?P<value>[^<>\n]{1,400})</(?P=label)>"
)
_BEFORE_VALUE = re.compile(
    r"^(?P<label>[^\d\n]{2,60}?)\s*(?P<value>[#$\u20ac\u00a3\u00a5(-]{0,3}\d.*)$"
)
_AMOUNT = re.compile(r"\s*[(@]?\d+(?:[.,]\d+)?\s?%?\)?")
_RULE = re.compile(r"^[\s|+=_*~-]*$")
_LONGEST_LINE, _MOST_LINES = 2_000, 5_000


@dataclass(frozen=True, slots=True)
class Candidate:
    """`trust` is how surely the label belongs to the value; `line` is the source, word for word."""

    label: str
    value: str
    line: str
    at: int
    trust: float


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece of a line with its place in it."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    start: int
    number: int

    @property
    def parts(self) -> tuple[Cell, ...]:
        return _cut(self.text)

    @property
    def cells(self) -> list[str]:
        return [cell.text for cell in self.parts]

    @property
    def has_digits(self) -> bool:
        """Digits inside words, which a scan makes of letters, do not count."""
        return re.search(r"(?<![^\W\d_])\d", self.text) is not None


@lru_cache(maxsize=8192)
def _cut(text: str) -> tuple[Cell, ...]:
    found: list[Cell] = []
    at = 0
    for gap in _GAPS.finditer(text):
        found += _cell(text, at, gap.start())
        at = gap.end()
    return (*found, *_cell(text, at, len(text)))


def _cell(text: str, start: int, end: int) -> Iterator[Cell]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if end > start:
        yield Cell(text[start:end], start, end)


def read(text: str) -> list[Line]:
    """Lines with something on them; very long lines and very long texts are cut."""
    found, at = [], 0
    for number, line in enumerate(text.split("\n")):
        if not _RULE.match(line[:_LONGEST_LINE]):
            found.append(Line(line[:_LONGEST_LINE].rstrip("\r"), at, number))
        at += len(line) + 1
    return found[:_MOST_LINES]


def candidates(lines: list[Line]) -> list[Candidate]:
    found: list[Candidate] = []
    for at, line in enumerate(lines):
        after = lines[at + 1] if at + 1 < len(lines) else None
        found += _within(line)
        if after is not None:
            found += _above(line, after)
    return found


def _within(line: Line) -> Iterator[Candidate]:
    cells = line.cells
    whole = _COLON.match(line.text)
    if whole and whole["value"].strip() and len(cells) == 1:
        yield _made(whole["label"], whole["value"], line, 1.0)
    for at, cell in enumerate(cells):
        colon = _COLON.match(cell)
        if colon and colon["value"].strip() and len(cells) > 1:
            yield _made(colon["label"], colon["value"], line, 1.0)
        elif at + 1 < len(cells) and cell[0].isalpha():
            name = _AMOUNT.sub("", cell).rstrip(":")
            yield _made(name, cells[at + 1], line, 1.0 if at == 0 else 0.9)
            if at == 0 and len(cells) > 2:
                yield _made(name, cells[-1], line, 0.85)
        if not colon:
            before = _BEFORE_VALUE.match(cell)
            if before:
                yield _made(before["label"], before["value"], line, 0.9 if len(cells) == 1 else 0.6)
    for element in _ELEMENT.finditer(line.text):
        yield _made(element["label"], element["value"], line, 1.0)
    for value in (*EMAIL.finditer(line.text), *CODE.finditer(line.text)):
        words = line.text[: value.start()].split()[-4:]
        for count in range(1, len(words) + 1):
            label = " ".join(words[-count:]).strip(" :#(")
            yield _made(label, line.text[value.start() :], line, 0.7)


def _above(line: Line, after: Line) -> Iterator[Candidate]:
    heads, values = line.cells, after.cells
    if line.has_digits and not line.text.rstrip().endswith(":"):
        return
    if len(heads) > 1 and len(heads) == len(values):
        for head, value in zip(heads, values, strict=True):
            yield _made(head, value, after, 0.85)
    elif len(heads) == 1 and len(heads[0]) <= 40 and values:
        ends = line.text.rstrip().endswith(":")
        if not _COLON.match(line.text) or ends:
            yield _made(heads[0].rstrip(":"), values[0], after, 0.95 if ends else 0.7)


def _made(label: str, value: str, line: Line, trust: float) -> Candidate:
    clean = value.strip().strip("\"'`,;*_") if value.count('"') != 1 else value.strip(" ,;")
    return Candidate(label.strip(" \"'*_.-\u2022|"), clean, line.text.strip(), line.start, trust)
