"""Finds the labels that a prompt told of in the lines of a text, and the places their values take.

A longer label hides the shorter ones inside it (`due date` hides `date`). The value of a label
stands behind it in its cell, in a cell to the right, or beneath. Left out: labels that are broken
over two lines, and values left of their label.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.offline.skills.currencies import currencies
from shared.offline.skills.folding import folded, is_wide, runs, words
from shared.offline.skills.lines import Cell, Line
from shared.offline.words import STOP, name_terms

_BREAK = re.compile(r"[/;,()\[\]\u00b7\u2014\u2013|:\u3001]|(?<=[\w)])\.\s|\d|\s-\s")
_CODE_GOES_ON = re.compile(r"[-/_.]?\d|[-/_][A-Z\d]+\d")
_SMALL = (  # small words of other languages than English
    "de", "du", "des", "la", "le", "der", "die", "das", "del", "di", "da", "do", "van", "het", "el",
)  # fmt: skip
_STOPS = STOP | frozenset(_SMALL)


_MOST_MARKS = 40  # labels in a cell; more are no form


@dataclass(frozen=True, slots=True)
class Mark:
    """A label at columns `start` to `end` of a line, in one of its cells.

    `cover` is the share of the letters around it, up to the next break, that the label makes up;
    `beside` are the other words there.
    """

    line: int
    cell: Cell
    start: int
    end: int
    key: str
    cover: float
    beside: frozenset[str]
    leads: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Columns of a line where the value of a label may stand, and how far to trust that."""

    line: int
    start: int
    end: int
    trust: float
    how: str


def find(page: Sequence[Line], keys: frozenset[str]) -> list[list[Mark]]:
    """The marks of each line, from left to right."""
    longest = max(map(len, keys), default=0)
    wide = sorted((k for k in keys if is_wide(k)), key=len, reverse=True)
    return [_in_line(at, line, keys, longest, wide) for at, line in enumerate(page)]


def _in_line(
    at: int, line: Line, keys: frozenset[str], longest: int, wide: Sequence[str]
) -> list[Mark]:
    found: list[Mark] = []
    for cell in line.parts:
        spans: list[tuple[int, int, str]] = []
        known = words(cell.text)
        for first, last, joined in runs(known, longest):
            in_code = _CODE_GOES_ON.match(cell.text, known[last - 1].end)
            if joined in keys and not in_code and len(spans) < _MOST_MARKS:
                spans.append((known[first].start, known[last - 1].end, joined))
        if wide and is_wide(cell.text):
            spans += _wide(cell.text, wide)
        for start, end, name in spans:
            hidden = any(s <= start and end <= e and e - s > end - start for s, e, _ in spans)
            if not hidden:
                found.append(_mark(at, cell, start, end, name))
    return found


def _wide(text: str, keys: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    letters = [(sign, at) for at, sign in enumerate(folded(text)) if not sign.isspace()]
    line = "".join(sign for sign, _ in letters)
    for name in keys:
        at = line.find(name)
        if at >= 0:
            yield letters[at][1], letters[at + len(name) - 1][1] + 1, name


def _mark(at: int, cell: Cell, start: int, end: int, name: str) -> Mark:
    before = re.split(_BREAK, cell.text[:start])[-1]
    after = re.split(_BREAK, cell.text[end:], maxsplit=1)[0]
    others = [
        word
        for part in (before, after)
        for word in re.findall(r"[^\W\d_]+", part)
        if word.lower() not in _STOPS and not list(currencies(word)) and len(word) > 1
    ]
    own = end - start
    cover = own / (own + sum(map(len, others)))
    beside = frozenset(term for word in others for term in name_terms(word))
    leads = not re.search(r"[^\W\d_]{2}", before)
    return Mark(at, cell, cell.start + start, cell.start + end, name, cover, beside, leads)


def places(mark: Mark, page: Sequence[Line], marks: Sequence[Sequence[Mark]]) -> Iterator[Place]:
    """Where the value may stand, the likeliest place first."""
    line = page[mark.line]
    here = marks[mark.line]
    nexts = [m.start for m in here if m.start >= mark.end]
    end = min([mark.cell.end, *nexts])
    rest = line.text[mark.end : end]
    full = any(map(str.isalnum, rest))
    if full:
        colon = bool(re.match(r"[^\w]{0,3}[:=\uff1a]", rest))
        start = mark.end + len(rest) - len(rest.lstrip(" \t:=.\uff1a\"'*#\u00b0"))
        yield Place(mark.line, start, end, 1.05 if colon else 1.0, "behind")
    labelled = {m.cell for m in here}
    later = [cell for cell in line.parts if cell.start >= mark.cell.end]
    if later and later[0] not in labelled:
        yield Place(mark.line, later[0].start, later[0].end, 1.0, "right")
    if not full or rest.lstrip().startswith("("):
        yield from _beneath(mark, page, marks)


def before(mark: Mark, page: Sequence[Line]) -> Place | None:
    """The end of the cell with the label itself, where that stands behind its value."""
    if mark.end < mark.cell.end:
        return None
    text = page[mark.line].text[mark.cell.start : mark.start]
    cut = max((m.end() for m in re.finditer(r"\s[\u2014\u2013\u00b7-]\s|[,;:]\s", text)), default=0)
    words_end = [m.end() for m in re.finditer(r"[^\W\d_]*[a-z\u00df-\u00ff]\.?\s", text)]
    cut = max([cut, *words_end])
    if sum(map(str.isdigit, text[cut:])) < 6:
        return None
    return Place(mark.line, mark.cell.start + cut, mark.end, 0.85, "before")


def _beneath(mark: Mark, page: Sequence[Line], marks: Sequence[Sequence[Mark]]) -> Iterator[Place]:
    """The cells under the label, on the next two lines."""
    for step in (1, 2):
        at = mark.line + step
        if at >= len(page) or page[at].number > page[mark.line].number + step + 1:
            return
        cell = under(mark.cell, page[at])
        if cell is None or (
            step == 2 and marks[at - 1] and cell in {m.cell for m in marks[at - 1]}
        ):
            continue
        yield Place(at, cell.start, cell.end, 0.95 - 0.1 * step, "beneath")


def under(cell: Cell, line: Line) -> Cell | None:
    """The cell of a line that stands in the same column."""
    near = [
        (min(abs(one.start - cell.start), abs(one.end - cell.end)), one)
        for one in line.parts
        if one.start < cell.end + 3 and cell.start < one.end + 3
    ]
    return min(near, key=lambda pair: pair[0])[1] if near else None
