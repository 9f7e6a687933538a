"""How well a line has each word of a claim, by the word's vector in its context (late interaction).

A word is its best word piece match; the cosine is stretched, since two unrelated words of one
language already have some. Left out: order, negation and numbers, which vectors hardly see.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TypeGuard

from shared.embeddings import Embedder, TokenEmbedder, TokenVectors
from shared.offline.words import STOP, stem

_NOTHING, _ALL = 0.55, 0.85  # cosines: below the first no credit, from the second on all of it


def aligned(embedder: TokenEmbedder, text: str, others: Sequence[str]) -> list[dict[str, float]]:
    """One mapping from stem to credit for each of `others`."""
    (claim,) = embedder.embed_tokens([text])
    spans = list(_words(claim.tokens))
    found = []
    for line in _kept(embedder, tuple(others)):  # type: ignore[arg-type]
        best = (claim.vectors @ line.vectors[1:-1].T).max(axis=1) if len(line.tokens) > 2 else None
        found.append(
            {}
            if best is None
            else {word: _stretched(float(best[start:end].mean())) for word, start, end in spans}
        )
    return found


def shows_tokens(embedder: Embedder | None) -> TypeGuard[TokenEmbedder]:
    return hasattr(embedder, "embed_tokens")


def _stretched(cosine: float) -> float:
    return min(1.0, max(0.0, (cosine - _NOTHING) / (_ALL - _NOTHING)))


def _words(pieces: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """Stems of whole words with the span of their pieces."""
    start, word = 0, ""
    for at, piece in enumerate((*pieces, "[SEP]")):
        if piece.startswith("##"):
            word += piece[2:]
            continue
        if word and word.isalnum() and word not in STOP:
            yield stem(word), start, at
        start, word = at, "" if piece.startswith("[") else piece


@lru_cache(maxsize=64)
def _kept(embedder: TokenEmbedder, texts: tuple[str, ...]) -> list[TokenVectors]:
    """A passage is asked about again and again."""
    return embedder.embed_tokens(texts)
