"""How alike texts are in meaning: the cosine of every pair of embeddings.

Few texts, so plain Python does the arithmetic; searching among thousands is stage 3's subject.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.errors import EmptyPrompt, UserError
from stage1_cost_cli.terminal import terminal_width, to_text

if TYPE_CHECKING:
    from shared.embeddings import Embedder

MOST_TEXTS = 26  # they are named A to Z


@dataclass(frozen=True, slots=True)
class Similarity:
    """`cosine[i][j]`, -1 to 1, of `texts[i]` and `texts[j]`; symmetric, 1 on the diagonal."""

    texts: tuple[str, ...]
    cosine: tuple[tuple[float, ...], ...]

    def to_json(self) -> dict[str, Any]:
        return {"texts": list(self.texts), "cosine": [list(row) for row in self.cosine]}


def similarity(texts: Sequence[str], embedder: Embedder) -> Similarity:
    if len(texts) < 2:
        raise UserError("one text cannot be compared: give two texts or more")
    if len(texts) > MOST_TEXTS:
        raise UserError(f"{len(texts)} texts are too many for one table: give {MOST_TEXTS} at most")
    for place, text in enumerate(texts, start=1):
        if not text.strip():
            raise EmptyPrompt(f"text {place} is empty: it has no meaning to compare")
    units = [_unit([float(x) for x in vector]) for vector in embedder.embed(texts)]
    return Similarity(
        tuple(texts), tuple(tuple(_cosine(one, other) for other in units) for one in units)
    )


def render_similarity(
    matrix: Similarity, *, width: int | None = None, color: bool | None = None
) -> str:
    """A table of the matrix; texts are rows, named by letters in the columns."""
    from rich.table import Table
    from rich.text import Text

    letters = [chr(ord("A") + place) for place in range(len(matrix.texts))]
    # Each number takes seven characters. Better a line that the terminal wraps than half a number.
    numbers = 7 * len(letters) + 4
    room = max(8, (width or terminal_width()) - numbers)
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    table.add_column("text", overflow="ellipsis", no_wrap=True, max_width=room)
    for letter in letters:
        table.add_column(letter, justify="right", no_wrap=True)
    for letter, text, row in zip(letters, matrix.texts, matrix.cosine, strict=True):
        one_line = Text(" ".join(text.split()))
        table.add_row(letter, one_line, *(f"{value:.2f}" for value in row))
    return to_text(table, width=room + numbers, color=color)


def _unit(vector: list[float]) -> list[float]:
    length = math.hypot(*vector)
    return [x / length for x in vector] if length else vector


def _cosine(one: list[float], other: list[float]) -> float:
    if one == other:
        return 1.0  # exactly, where rounding would give 0.9999999
    return max(-1.0, min(1.0, math.fsum(x * y for x, y in zip(one, other, strict=True))))
