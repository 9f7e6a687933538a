"""Learns from the solved examples of a prompt: a ridge regression on meaning and on parts of words.

Fitted anew for each set of labels and kept, since the same examples come with every request. The
parts of a description stand in as further examples. Parts of words (three to five letters)
help where the embedding is weak: other languages than English, and words like "how do I". Left out:
tuning for each request; the settings below were chosen by cross-validation on invented texts.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shared.embeddings import Embedder

    Numbers = NDArray[Any]

SPELLING = 1.0  # length of the word-part vector beside an embedding of length 1
DESCRIBED = 1.0  # what a part of a description weighs beside a solved example
PENALTY = 2.0
MOST = 1_500  # texts; the cost of fitting grows with their cube
_ONE_AT_A_TIME = Lock()
_WORD = re.compile(r"\w+|[?!]")


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one label: its solved examples, and parts of its description."""

    shots: tuple[str, ...]
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Probe:
    embedder: Embedder
    rarity: dict[str, float]
    places: dict[str, int]
    weights: Numbers
    offset: Numbers

    def scores(self, text: str) -> list[float]:
        """About 1 for a label that fits, below 0 for one that does not."""
        row = _rows(self.embedder, [text], self.rarity, self.places)
        return [float(score) for score in (row @ self.weights)[0] + self.offset]


def learn(embedder: Embedder, labels: tuple[Known, ...]) -> Probe:
    """The probe for these labels; calls that need the same one wait instead of fitting it, too."""
    with _ONE_AT_A_TIME:
        return _fit(embedder, labels)  # type: ignore[arg-type]  # every embedder can be hashed


@lru_cache(maxsize=16)
def _fit(embedder: Embedder, labels: tuple[Known, ...]) -> Probe:
    import numpy as np

    texts, owners, trust = _lessons(labels)
    often = Counter(part for text in texts for part in set(_parts(text)))
    kept = sorted(part for part, count in often.items() if count > 1)
    rarity = {part: math.log(1 + len(texts) / often[part]) for part in kept}
    places = {part: at for at, part in enumerate(kept)}
    rows = _rows(embedder, texts, rarity, places)
    targets = np.full((len(texts), len(labels)), -1 / max(1, len(labels) - 1))
    targets[np.arange(len(texts)), owners] = 1.0
    middle = np.average(rows, axis=0, weights=trust)
    usual = np.average(targets, axis=0, weights=trust)
    centred = rows - middle
    gram = centred @ centred.T + PENALTY * np.diag(1 / np.array(trust))
    weights = centred.T @ np.linalg.solve(gram, targets - usual)
    return Probe(embedder, rarity, places, weights, usual - middle @ weights)


def _lessons(labels: Sequence[Known]) -> tuple[list[str], list[int], list[float]]:
    """Texts, their labels, what each counts: more for an example of a label that has few."""
    texts: list[str] = []
    owners: list[int] = []
    trust: list[float] = []
    mean = sum(len(label.shots) for label in labels) / len(labels)
    for at, label in enumerate(labels):
        texts += [*label.shots, *label.parts]
        owners += [at] * (len(label.shots) + len(label.parts))
        trust += [mean / len(label.shots)] * len(label.shots)
        trust += [DESCRIBED] * len(label.parts)
    return texts, owners, trust


def _rows(
    embedder: Embedder, texts: Sequence[str], rarity: dict[str, float], places: dict[str, int]
) -> Numbers:
    import numpy as np

    spelled = np.zeros((len(texts), len(places)))
    for row, text in zip(spelled, texts, strict=True):
        for part, count in Counter(_parts(text)).items():
            if part in places:
                row[places[part]] = (1 + math.log(count)) * rarity[part]
    lengths = np.linalg.norm(spelled, axis=1, keepdims=True)
    spelled *= SPELLING / np.where(lengths > 0, lengths, 1.0)
    return np.hstack([embedder.embed([text or " " for text in texts]), spelled])


def _parts(text: str) -> list[str]:
    """Every run of three to five letters inside a word; the blanks beside a word count."""
    words = [f" {word} " for word in _WORD.findall(text.lower())]
    return [
        word[at : at + size]
        for word in words
        for size in (3, 4, 5)
        for at in range(len(word) - size + 1)
    ]
