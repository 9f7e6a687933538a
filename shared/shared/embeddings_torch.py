"""Any bi-encoder that sentence-transformers can load, on PyTorch: the documented alternative.

Behind the extra `sentence-transformers`, since PyTorch brings gigabytes. Left out: cross-encoders,
and the prompts that some models want before a question.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from shared.embeddings import TokenVectors, missing, refuse_single, token_vectors

if TYPE_CHECKING:
    from shared.embeddings import Vectors


class SentenceTransformerEmbedder:
    """`model` is a name on the Hugging Face hub, or a folder.

    `name` is stored with vectors, so give one when `model` is a folder of this machine. A text
    longer than `max_tokens` is cut at its end, as the library does.
    """

    def __init__(
        self,
        model: str,
        *,
        name: str = "",
        revision: str | None = None,
        device: str = "cpu",
        batch_size: int = 32,
    ) -> None:
        try:
            from sentence_transformers import SentenceTransformer  # type: ignore[import-not-found,unused-ignore]
        except ImportError as error:
            raise missing("sentence-transformers", error) from error
        self._model: Any = SentenceTransformer(model, device=device, revision=revision)
        self._batch_size = batch_size
        precision = str(self._model.dtype).removeprefix("torch.")
        self.name = f"{name or model}@{revision or 'main'}-{precision}"
        self.dimensions: int = self._model.get_embedding_dimension()
        self.max_tokens: int = self._model.max_seq_length

    def embed(self, texts: Sequence[str]) -> Vectors:
        import numpy as np

        refuse_single(texts)
        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        vectors: Vectors = self._encode(texts, normalize_embeddings=True)
        return vectors

    def embed_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        """`pooled()` equals `embed` for models that take the mean of their tokens."""
        refuse_single(texts)
        if not texts:
            return []
        outputs = self._encode(texts, output_value="token_embeddings")
        return [
            token_vectors(self._tokens(text), output.float().cpu().numpy())
            for text, output in zip(texts, outputs, strict=True)
        ]

    def count_tokens(self, text: str) -> int:
        return len(self._model.tokenizer(text, truncation=False, verbose=False)["input_ids"])

    def _encode(self, texts: Sequence[str], **options: Any) -> Any:
        return self._model.encode(
            list(texts), batch_size=self._batch_size, show_progress_bar=False, **options
        )

    def _tokens(self, text: str) -> list[str]:
        tokenizer = self._model.tokenizer
        ids = tokenizer(text, truncation=True, max_length=self.max_tokens)["input_ids"]
        tokens: list[str] = tokenizer.convert_ids_to_tokens(ids)
        return tokens
