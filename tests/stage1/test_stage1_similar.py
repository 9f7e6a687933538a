"""The cosine matrix against angles known from geometry, and against the real MiniLM."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import pytest

from shared.errors import EmptyPrompt, UserError
from stage1_cost_cli.similar import Similarity, render_similarity, similarity


class Clock:
    """Embeds "3" as the direction of three on a clock face, at a length that must not matter."""

    def embed(self, texts: Sequence[str]) -> Any:
        angles = [math.radians(30 * float(text)) for text in texts]
        lengths = range(1, len(texts) + 1)
        return [
            [length * math.sin(a), length * math.cos(a)]
            for length, a in zip(lengths, angles, strict=True)
        ]


def test_the_cosine_is_that_of_the_angle() -> None:
    matrix = similarity(["12", "2", "3", "6"], Clock()).cosine
    # 60, 90 and 180 degrees
    assert matrix[0][1:] == pytest.approx((0.5, 0.0, -1.0), abs=1e-12)
    assert all(matrix[i][i] == 1.0 for i in range(4))
    assert all(matrix[i][j] == matrix[j][i] for i in range(4) for j in range(4))
    assert all(-1 <= value <= 1 for row in matrix for value in row)


@pytest.mark.parametrize(
    ("texts", "error", "sentence"),
    [
        ([], UserError, "give two texts or more"),
        (["1"], UserError, "give two texts or more"),
        (["1", " \n"], EmptyPrompt, "text 2 is empty"),
        (["1"] * 27, UserError, "27 texts are too many"),
    ],
)
def test_what_cannot_be_compared_is_said(
    texts: list[str], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        similarity(texts, Clock())


def test_the_table_names_texts_by_letters_and_keeps_every_number() -> None:
    matrix = Similarity(("a cat\n[b]sat[/b]", "x" * 300), ((1.0, 0.256), (0.256, 1.0)))
    lines = render_similarity(matrix, width=40, color=False).splitlines()
    assert lines[0].split() == ["text", "A", "B"]
    assert lines[1].startswith("A  a cat [b]sat[/b]")
    assert [line.split()[-2:] for line in lines[1:]] == [["1.00", "0.26"], ["0.26", "1.00"]]
    assert max(map(len, lines)) <= 40


def test_many_texts_keep_whole_numbers_in_a_narrow_terminal() -> None:
    texts = [str(n) for n in range(12)]
    lines = render_similarity(similarity(texts, Clock()), width=40, color=False).splitlines()
    assert all(len(line.split()) == 14 for line in lines[1:])


def test_json_round_trips() -> None:
    matrix = similarity(["12", "2"], Clock())
    data = json.loads(json.dumps(matrix.to_json()))
    assert data["texts"] == ["12", "2"]
    assert data["cosine"][0][1] == pytest.approx(0.5)


@pytest.mark.embeddings
def test_with_the_real_model_meaning_counts_and_not_words() -> None:
    from shared.embeddings import MiniLM

    texts = [
        "How do I get my money back?",
        "What is the refund policy?",
        "How do I get my bicycle repaired?",
        "How do I get my money back?",
    ]
    matrix = similarity(texts, MiniLM()).cosine
    assert matrix[0][3] == 1.0
    assert matrix[0][1] > matrix[0][2] + 0.1
