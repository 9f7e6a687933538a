"""Which given row stands for which right row: one to one, the best over all rows together.

Two rows are *the same row* when their words are at least 0.8 alike and their amounts are equal; the
assignment makes as many of these as it can. What is left is paired, to compare cell by cell, where
the words and half a point for an equal amount reach 0.8; the rest stays alone. Order plays no part.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from math import inf

from stage2_extractor.evidence import normal
from stage2_extractor.records import LineItem

ALIKE = 0.8
EQUAL_AMOUNT = 0.5
FOUND = 1000.0  # one more row found outweighs every likeness that it may cost
MOST_ROWS = 500  # a program that gives more is not searched further: the rest is wrong


def pair_rows(
    right: Sequence[LineItem], given: Sequence[LineItem]
) -> list[tuple[LineItem, LineItem]]:
    """The pairs (right, given); a row without a partner is in none."""
    given = given[:MOST_ROWS]
    weights = [[_weight(one, other) for other in given] for one in right]
    chosen = assign(weights)
    return [(right[i], given[j]) for i, j in chosen if weights[i][j] > 0]


def same_row(right: LineItem, given: LineItem) -> bool:
    return right.amount == given.amount and likeness(right, given) >= ALIKE


def likeness(one: LineItem, other: LineItem) -> float:
    """Share of letters that the descriptions have in common in order, from 0 to 1."""
    words = normal(one.description), normal(other.description)
    return SequenceMatcher(None, *words, autojunk=False).ratio()


def assign(weights: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    """Pairs (row, column), one to one, with the greatest sum of weights.

    The Hungarian method by shortest augmenting paths with potentials (Jonker and Volgenant, 1987),
    O(rows² · columns).
    """
    if not weights or not weights[0]:
        return []
    if len(weights) > len(weights[0]):
        turned = assign(list(zip(*weights, strict=True)))
        return sorted((row, column) for column, row in turned)
    owner = _augmented([[-weight for weight in row] for row in weights])
    return sorted((row, column) for column, row in enumerate(owner) if row >= 0)


def _augmented(costs: Sequence[Sequence[float]]) -> list[int]:
    """The row of each column, -1 where it has none; the last, virtual column is cut off."""
    rows, columns = len(costs), len(costs[0])
    of_row, of_column = [0.0] * rows, [0.0] * columns
    owner = [-1] * (columns + 1)
    for row in range(rows):
        owner[columns] = row
        column, came_from = _path(costs, of_row, of_column, owner)
        while column != columns:
            owner[column] = owner[came_from[column]]
            column = came_from[column]
    return owner[:-1]


def _path(
    costs: Sequence[Sequence[float]],
    of_row: list[float],
    of_column: list[float],
    owner: Sequence[int],
) -> tuple[int, list[int]]:
    """The nearest free column from the virtual one, with the way there; moves the potentials."""
    columns = len(of_column)
    least = [inf] * columns
    came_from = [columns] * columns
    seen: list[int] = []
    open_columns = set(range(columns))
    here = columns
    while owner[here] >= 0:
        row = owner[here]
        for column in open_columns:
            slack = costs[row][column] - of_row[row] - of_column[column]
            if slack < least[column]:
                least[column], came_from[column] = slack, here
        nearest = min(open_columns, key=least.__getitem__)
        step = least[nearest]
        for column in seen:
            of_row[owner[column]] += step
            of_column[column] -= step
        of_row[owner[columns]] += step
        for column in open_columns:
            least[column] -= step
        seen.append(nearest)
        open_columns.remove(nearest)
        here = nearest
    return here, came_from


def _weight(right: LineItem, given: LineItem) -> float:
    """Zero where the two are not worth a comparison."""
    alike = likeness(right, given)
    equal = right.amount == given.amount and right.amount is not None
    if alike + EQUAL_AMOUNT * equal < ALIKE:
        return 0.0
    found = right.amount == given.amount and alike >= ALIKE
    return alike + EQUAL_AMOUNT * equal + FOUND * found
