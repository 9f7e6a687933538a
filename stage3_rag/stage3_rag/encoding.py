"""Chunks to what is searched: a vector, terms and, for late interaction, the vectors of the tokens.

One run of the model gives both kinds of vectors. Left out: storing them, and how they are compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from shared.embeddings import Embedder, TokenEmbedder
from stage3_rag.contract import Chunk
from stage3_rag.language import guess, tag
from stage3_rag.late import pack
from stage3_rag.lexical import terms

if TYPE_CHECKING:
    from shared.embeddings import Vectors


@dataclass(frozen=True, slots=True, eq=False)
class EncodedChunk:
    """`vector` is (dimensions,) of length 1; `late` is what `late.py` packed, if anything.

    The last of `terms` says the language, so that an index knows which languages it holds.
    """

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
    if hasattr(embedder, "embed_tokens"):
        by_token = cast(TokenEmbedder, embedder).embed_tokens(texts)
        vectors = [one.pooled() for one in by_token]
        late: list[bytes | None] = [pack(one) for one in by_token]
    else:
        vectors = list(embedder.embed(texts))
        late = [None] * len(texts)
    return [
        EncodedChunk(chunk, vector, _terms(text, language), packed)
        for chunk, vector, text, packed in zip(chunks, vectors, texts, late, strict=True)
    ]


def _terms(text: str, language: str | None) -> tuple[str, ...]:
    spoken = language or guess(text)
    return (*terms(text, spoken), tag(spoken))
