"""Reads small tables of sums: heads such as `net | tax | gross` and the sums in a row beneath.

Left out: tables whose sums stand in a column, and heads on two lines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from shared.offline.skills import values
from shared.offline.skills.dates import Habits
from shared.offline.skills.folding import mended, words
from shared.offline.skills.lines import Cell, Line
from shared.offline.skills.marks import Mark
from shared.offline.skills.marks import under as beneath

# "Sum" in the languages of Europe and in Japanese: the row that adds up the others.
SUM_WORDS = frozenset(
    word.key
    for word in words(
        "total totals totali totaal totale totaux summa summe sum sums gesamt gesamtsumme suma "
        "razem celkem soucet yhteensa osszesen ialt somme \u5408\u8a08 \u8a08 "
        "ukupno skupaj \u03c3\u03cd\u03bd\u03bf\u03bb\u03bf"
    )
)
_DEEPEST = 60


def under(page: Sequence[Line], mark: Mark, how: Habits) -> tuple[float, int] | None:
    """The number beneath a head, of the only row or of the row of sums, with its line."""
    head = page[mark.line]
    if len(head.parts) < 2 or head.has_digits:
        return None
    rows = list(_rows(page, mark))
    sums = [(cell, at) for cell, at in rows if is_sum(page[at])]
    chosen = sums[:1] or (rows if len(rows) == 1 else [])
    for cell, at in chosen:
        found = values.numbers(mended(cell.text), how)
        if found:
            return float(found[-1].value), at
    return None


def in_sums(page: Sequence[Line], mark: Mark, how: Habits) -> bool:
    """Whether the label only starts a row of sums: several numbers that other heads name."""
    line = page[mark.line]
    numbers = [cell for cell in line.parts if cell.start >= mark.end and _bare_number(cell, how)]
    return len(numbers) > 1 and is_sum(line)


def is_sum(line: Line) -> bool:
    first = words(line.parts[0].text) if line.parts else []
    return bool(first) and "".join(word.key for word in first) in SUM_WORDS


def _bare_number(cell: Cell, how: Habits) -> bool:
    return bool(values.numbers(mended(cell.text), how)) and not re.search(
        r"[^\W\d_]{4}|%", cell.text
    )


def _rows(page: Sequence[Line], mark: Mark) -> list[tuple[Cell, int]]:
    found: list[tuple[Cell, int]] = []
    for at in range(mark.line + 1, min(mark.line + _DEEPEST, len(page))):
        if page[at].number > page[at - 1].number + 1 and found:
            break
        cell = beneath(mark.cell, page[at])
        if cell is None or not any(map(str.isdigit, cell.text)):
            if found and not page[at].has_digits:
                break
            continue
        found.append((cell, at))
    return found
