"""Learns from the solved examples of a prompt: a ridge regression on meaning, letters and words.

Meaning is MiniLM's; runs of letters help where that is weak (other languages than English), words
and pairs of words where small ones decide ("how do I", "no longer"). How much letters and words
count beside meaning, and how smooth the answer must be, is chosen for each set of examples by
leaving each example out once: three short examples a label and a thousand long ones want different
answers. Parts of a description stand in as further examples. Fitted once for a set of labels and
kept, since the same examples come with every request. Left out: order of sentences, irony.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, product
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shared.embeddings import Embedder

    Numbers = NDArray[Any]

SURFACE = (1.0, 0.0, 0.5, 2.0)  # what letters and words may count beside an embedding of length 1
PENALTIES = (2.0, 0.5)
DESCRIBED = 1.0  # what a part of a description weighs beside a solved example
MOST = 1_500  # texts; the cost of fitting grows with their cube
_ONE_AT_A_TIME = Lock()
_WORD = re.compile(r"\w+|[?!]")


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one label: its solved examples, and parts of its description."""

    shots: tuple[str, ...]
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The pieces that at least two of some texts have, and how rare each is among them."""

    cut: Callable[[str], list[str]]
    places: dict[str, int]
    rarity: dict[str, float]
    unseen: float

    def rows(self, texts: Sequence[str]) -> Numbers:
        """(n, pieces) tf-idf. Pieces that are not known count towards a text's length of 1.

        So a text of which little is known has a short row, and its meaning decides.
        """
        import numpy as np

        found = np.zeros((len(texts), len(self.places)), np.float32)
        for at, text in enumerate(texts):
            square = 0.0
            for piece, count in Counter(self.cut(text)).items():
                weight = (1 + math.log(count)) * self.rarity.get(piece, self.unseen)
                square += weight * weight
                if piece in self.places:
                    found[at, self.places[piece]] = weight
            found[at] /= math.sqrt(square) or 1.0
        return found


@dataclass(frozen=True, slots=True)
class Probe:
    """`surface` and `penalty` are what the examples chose."""

    embedder: Embedder
    vocabularies: tuple[Vocabulary, ...]
    surface: float
    penalty: float
    weights: Numbers
    offset: Numbers

    def scores(self, text: str) -> list[float]:
        """About 1 for a label that fits, below 0 for one that does not."""
        row = _joined(_blocks(self.embedder, self.vocabularies, [text]), self.surface)
        return [float(score) for score in (row @ self.weights)[0] + self.offset]


@dataclass(frozen=True, slots=True)
class _Lessons:
    """Texts, their labels, what each counts, and whether it is a solved example."""

    texts: list[str]
    owners: list[int]
    trust: list[float]
    solved: list[bool]


def learn(embedder: Embedder, labels: tuple[Known, ...]) -> Probe:
    """The probe for these labels; calls that need the same one wait instead of fitting it, too."""
    with _ONE_AT_A_TIME:
        return _fit(embedder, labels)  # type: ignore[arg-type]  # every embedder can be hashed


@lru_cache(maxsize=16)
def _fit(embedder: Embedder, labels: tuple[Known, ...]) -> Probe:
    import numpy as np

    lessons = _lessons(labels)
    count = len(lessons.texts)
    targets = np.full((count, len(labels)), -1 / max(1, len(labels) - 1))
    targets[np.arange(count), lessons.owners] = 1.0
    share = np.array(lessons.trust) / sum(lessons.trust)
    usual = share @ targets
    vocabularies = tuple(_vocabulary(cut, lessons.texts) for cut in (letters, words))
    meaning, *surface = _blocks(embedder, vocabularies, lessons.texts)
    like = [block @ block.T for block in (meaning, np.hstack(surface))]
    tried = [
        _solve(_centred(like[0] + weight**2 * like[1], share), targets - usual, lessons, penalty)
        for weight, penalty in product(SURFACE, PENALTIES)
    ]
    best = min(range(len(tried)), key=lambda at: tried[at][0])
    weight, penalty = list(product(SURFACE, PENALTIES))[best]
    rows = _joined([meaning, *surface], weight)
    middle = share @ rows
    weights = (rows - middle).T @ tried[best][1]
    return Probe(embedder, vocabularies, weight, penalty, weights, usual - middle @ weights)


def _solve(
    like: Numbers, targets: Numbers, lessons: _Lessons, penalty: float
) -> tuple[float, Numbers]:
    """The squared error over the examples, each predicted by all others, and the solution.

    Leaving one out needs no second fit: Rifkin and Lippert, Notes on Regularized Least Squares
    (2007), section 3.
    """
    import numpy as np

    inverse = np.linalg.inv(like + penalty * np.diag(1 / np.array(lessons.trust)))
    solution = inverse @ targets
    missed = solution / np.diag(inverse)[:, None]
    counted = np.array(lessons.trust) * np.array(lessons.solved)
    return float(counted @ (missed**2).sum(axis=1)), solution


def _centred(like: Numbers, share: Numbers) -> Numbers:
    middle = like @ share
    centred: Numbers = like - middle[:, None] - middle[None, :] + share @ middle
    return centred


def _lessons(labels: Sequence[Known]) -> _Lessons:
    """An example of a label that has few counts more."""
    found = _Lessons([], [], [], [])
    mean = sum(len(label.shots) for label in labels) / len(labels)
    for at, label in enumerate(labels):
        count = len(label.shots) + len(label.parts)
        found.texts.extend([*label.shots, *label.parts])
        found.owners.extend([at] * count)
        found.trust.extend([mean / max(1, len(label.shots))] * len(label.shots))
        found.trust.extend([DESCRIBED] * len(label.parts))
        found.solved.extend(place < len(label.shots) for place in range(count))
    return found


def _vocabulary(cut: Callable[[str], list[str]], texts: Sequence[str]) -> Vocabulary:
    often = Counter(piece for text in texts for piece in set(cut(text)))
    kept = sorted(piece for piece, count in often.items() if count > 1)
    rarity = {piece: math.log(1 + len(texts) / often[piece]) for piece in kept}
    return Vocabulary(
        cut, {piece: at for at, piece in enumerate(kept)}, rarity, math.log(1 + len(texts))
    )


def _blocks(
    embedder: Embedder, vocabularies: Sequence[Vocabulary], texts: Sequence[str]
) -> list[Numbers]:
    meaning = embedder.embed([text or " " for text in texts])
    return [meaning, *(vocabulary.rows(texts) for vocabulary in vocabularies)]


def _joined(blocks: Sequence[Numbers], surface: float) -> Numbers:
    import numpy as np

    meaning, *rest = blocks
    return np.hstack([meaning, *(surface * block for block in rest)])


def letters(text: str) -> list[str]:
    """Every run of three to five letters inside a word; the blanks beside a word count."""
    padded = [f" {word} " for word in _WORD.findall(text.lower())]
    return [
        word[at : at + size]
        for word in padded
        for size in (3, 4, 5)
        for at in range(len(word) - size + 1)
    ]


def words(text: str) -> list[str]:
    """Words, question and exclamation marks, and each with the next one."""
    found = _WORD.findall(text.lower())
    return [*found, *(f"{one} {other}" for one, other in pairwise(found))]
