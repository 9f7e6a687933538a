"""The probe is the ridge regression it says it is, and it learns what examples teach, in general.

`data/probe_sets.json` holds three sets written for this test, of other kinds than any stage's data.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from shared.embeddings import MiniLM
from shared.offline.skills import probe
from shared.offline.skills.classify import choose, labels
from shared.offline.skills.mind import Mind
from shared.offline.skills.probe import Known

pytestmark = pytest.mark.embeddings
SETS = json.loads((Path(__file__).parent / "data/probe_sets.json").read_text(encoding="utf-8"))
UNEVEN = (
    Known(("the cat sleeps", "a dog barks", "the horse eats hay", "cats and dogs"), ("animals",)),
    Known(("the engine stalls", "a flat tyre", "new brakes", "oil for the car"), ()),
    Known(("boil the rice", "salt the soup", "bread with cheese", "fry it", "bake a cake"), ()),
)


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    return MiniLM()


def features(found: probe.Probe, texts: list[str]) -> np.ndarray:
    blocks = [vocabulary.rows(texts) * found.surface for vocabulary in found.vocabularies]
    return np.hstack([found.embedder.embed(texts), *blocks]).astype(float)


def test_it_is_weighted_ridge_regression_as_least_squares_solves_it(minilm: MiniLM) -> None:
    """The same problem written out as one of plain least squares, intercept included."""
    found = probe.learn(minilm, UNEVEN)
    texts = [text for known in UNEVEN for text in (*known.shots, *known.parts)]
    owners = [at for at, known in enumerate(UNEVEN) for _ in (*known.shots, *known.parts)]
    mean = np.mean([len(known.shots) for known in UNEVEN])
    trust = [
        weight
        for known in UNEVEN
        for weight in [mean / len(known.shots)] * len(known.shots) + [1.0] * len(known.parts)
    ]
    rows = features(found, texts)
    targets = np.where(np.arange(3) == np.array(owners)[:, None], 1.0, -0.5)
    root = np.sqrt(trust)[:, None]
    slope = np.sqrt(found.penalty) * np.eye(rows.shape[1])
    left = np.block([[root * rows, root], [slope, np.zeros((len(slope), 1))]])
    right = np.vstack([root * targets, np.zeros((len(slope), 3))])
    solution = np.linalg.lstsq(left, right, rcond=None)[0]
    for text in ("a dog and a cat", "the car has no oil", "nothing of this"):
        expected = features(found, [text]) @ solution[:-1] + solution[-1]
        assert found.scores(text) == pytest.approx(expected[0], abs=1e-4)


def test_leaving_one_out_equals_fitting_without_it() -> None:
    rng = np.random.default_rng(5)
    rows, targets = rng.normal(size=(9, 4)), rng.normal(size=(9, 2))
    trust, solved = [1.0] * 5 + [2.0] * 4, [True] * 8 + [False]
    lessons = probe._Lessons([""] * 9, [0] * 9, trust, solved)
    error, _ = probe._solve(rows @ rows.T, targets, lessons, 0.7)
    expected = 0.0
    for out in range(8):
        rest = [at for at in range(9) if at != out]
        kept, weights = rows[rest], np.diag(np.array(trust)[rest])
        normal = kept.T @ weights @ kept + 0.7 * np.eye(4)
        guess = rows[out] @ np.linalg.solve(normal, kept.T @ weights @ targets[rest])
        expected += trust[out] * ((targets[out] - guess) ** 2).sum()
    assert error == pytest.approx(expected)


def test_a_piece_that_was_never_seen_makes_the_row_shorter() -> None:
    vocabulary = probe._vocabulary(probe.words, ["red wine", "red wine", "white wine"])
    assert set(vocabulary.places) == {"red", "wine", "red wine"}
    known, half, none = vocabulary.rows(["red wine", "red balloon", "blue balloon"])
    assert np.linalg.norm(known) == pytest.approx(1)
    assert 0 < np.linalg.norm(half) < 0.5
    assert not none.any()


@pytest.mark.parametrize(
    ("name", "shots", "floor"), [("intents", 6, 0.8), ("topics", 6, 0.85), ("sentiment", 12, 0.5)]
)
def test_it_generalises_to_sets_that_no_stage_has(
    minilm: MiniLM, name: str, shots: int, floor: float
) -> None:
    groups = SETS[name]
    options = labels(list(groups), "", {label: texts[:shots] for label, texts in groups.items()})
    cases = [(text, label) for label, texts in groups.items() for text in texts[shots:]]
    mind = Mind("large", minilm)
    right = sum(choose(text, options, mind).value == label for text, label in cases)
    assert right / len(cases) >= floor


def test_more_examples_teach_more(minilm: MiniLM) -> None:
    groups = SETS["intents"]
    cases = [(text, label) for label, texts in groups.items() for text in texts[8:]]

    def right(shots: int) -> int:
        taught = {label: texts[:shots] for label, texts in groups.items()}
        options = labels(list(groups), "", taught)
        mind = Mind("large", minilm)
        return sum(choose(text, options, mind).value == label for text, label in cases)

    assert right(8) > right(0)


@pytest.mark.parametrize("text", ["", "?", "\x00", "💥" * 3000, "word " * 5000, "ß" * 9])
def test_no_text_breaks_it(minilm: MiniLM, text: str) -> None:
    scores = probe.learn(minilm, UNEVEN).scores(text)
    assert len(scores) == 3
    assert np.isfinite(scores).all()


def test_the_same_examples_are_fitted_once(minilm: MiniLM) -> None:
    assert probe.learn(minilm, UNEVEN) is probe.learn(minilm, UNEVEN)


def test_order_of_labels_does_not_matter(minilm: MiniLM) -> None:
    there, back = probe.learn(minilm, UNEVEN), probe.learn(minilm, UNEVEN[::-1])
    assert there.scores("a grey mare")[::-1] == pytest.approx(back.scores("a grey mare"), abs=1e-5)
