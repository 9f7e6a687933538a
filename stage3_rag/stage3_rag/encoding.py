"""Chunks to what is searched: a vector, terms and, for late interaction, the vectors of the tokens.

One run of the model gives both kinds of vectors. Left out: storing them, and how they are compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.embeddings import Embedder
from stage3_rag.contract import Chunk
from stage3_rag.lexical import terms

if TYPE_CHECKING:
    from shared.embeddings import Vectors


@dataclass(frozen=True, slots=True, eq=False)
class EncodedChunk:
    """`vector` is (dimensions,) of length 1; `late` is what `late.py` packed, None without it."""

    chunk: Chunk
    vector: Vectors
    terms: tuple[str, ...]
    late: bytes | None = None


def searched(chunk: Chunk) -> str:
    """What is embedded and indexed: the text with its title and headings before it."""
    return f"{chunk.context}\n{chunk.text}" if chunk.context else chunk.text


def encode(
    chunks: Sequence[Chunk], embedder: Embedder, *, language: str | None = None
) -> list[EncodedChunk]:
    """CPU work: call it in a thread. `language` is guessed for each chunk by default."""
    texts = [searched(chunk) for chunk in chunks]
    vectors = embedder.embed(texts)
    return [
        EncodedChunk(chunk, vector, tuple(terms(text, language)))
        for chunk, vector, text in zip(chunks, vectors, texts, strict=True)
    ]
