"""Five hits are five places: over chunks written by hand."""

from __future__ import annotations

from stage3_rag.contract import Chunk
from stage3_rag.places import places


def chunk(document: str, text: str, parent: str = "") -> Chunk:
    return Chunk(
        document_id=document, ordinal=0, path=(), text=text, context="", tokens=5, parent=parent
    )


CHUNKS = [
    chunk("a", "A key lasts one day."),
    chunk("copy of a", "A key  lasts ONE day!"),  # the same words
    chunk("a, older", "A key lasts two days."),  # one other word
    chunk("b", "First half.", parent="First half. Second half."),
    chunk("b", "Second half.", parent="First half. Second half."),
    chunk("c", "First half.", parent="First half. Third half."),
    chunk("d", "---"),
    chunk("e", "***"),
]


def found(order: list[int], most: int, outdated: tuple[int, ...] = ()) -> list[int]:
    return places(order, CHUNKS.__getitem__, most, outdated.__contains__)


def test_copies_and_children_of_one_parent_count_once() -> None:
    assert found(list(range(8)), 8) == [0, 2, 3, 5, 6, 7]


def test_the_next_places_move_up() -> None:
    assert found([1, 0, 4, 3, 2], 3) == [1, 4, 2]
    assert found([], 3) == []


def test_of_copies_the_current_one_is_shown() -> None:
    assert found([0, 1, 2], 2, outdated=(0,)) == [1, 2]
    assert found([0, 1, 2], 2, outdated=(0, 1)) == [0, 2]
    assert found([0, 2], 2, outdated=(0,)) == [0, 2]
