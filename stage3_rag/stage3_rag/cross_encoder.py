"""A cross-encoder as reranker: it reads question and chunk together, and is slow and good at it.

Behind the extra `sentence-transformers`. Give it to `Retriever(reranker=…)`: it then reorders the
candidates alone, without the other scores. About 0.35 to 0.7 s for 20 pairs on two cores. Left out:
weights; BGE (`BAAI/bge-reranker-v2-m3`) and `cross-encoder/ms-marco-MiniLM-L6-v2` are the usual.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from shared.embeddings import missing

if TYPE_CHECKING:
    from shared.embeddings import Vectors


class CrossEncoderReranker:
    """`model` is a name on the Hugging Face hub, or a folder."""

    def __init__(self, model: str, *, device: str = "cpu", batch_size: int = 16) -> None:
        try:
            from sentence_transformers import CrossEncoder  # type: ignore[import-not-found,unused-ignore]
        except ImportError as error:
            raise missing("sentence-transformers", error) from error
        self._model: Any = CrossEncoder(model, device=device)
        self._batch_size = batch_size

    def scores(self, question: str, texts: Sequence[str]) -> Vectors:
        pairs = [(question, text) for text in texts]
        found: Vectors = self._model.predict(
            pairs, batch_size=self._batch_size, show_progress_bar=False
        )
        return found
