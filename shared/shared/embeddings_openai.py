"""Vectors from a server that speaks OpenAI's `/v1/embeddings`: OpenAI, Gemini, Ollama, vLLM.

Through the official SDK, whose own two retries are enough here: nothing has been shown yet that a
retry could repeat. No token vectors: the API has none. Nothing is cut: a text that is too long for
the model is refused by the server, as `BadRequest`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Self

from shared.embeddings import missing, refuse_single
from shared.errors import ProtocolError
from shared.tokens import count_tokens

if TYPE_CHECKING:
    from shared.embeddings import Vectors

# OpenAI takes 2,048 texts and 300,000 tokens a request. No tokenizer of theirs makes more tokens
# than bytes, so the bytes are a safe count that needs no vocabulary.
TEXTS_A_REQUEST = 256
BYTES_A_REQUEST = 250_000


class OpenAIEmbedder:
    """`dimensions` is what the model returns; with `shorten` it is asked for, where a model can.

    `count_tokens` is exact for no model here and close for OpenAI's.
    """

    def __init__(
        self,
        model: str,
        dimensions: int,
        *,
        api_key: str,
        base_url: str = "https://api.openai.com/v1",
        shorten: bool = False,
        max_tokens: int = 8191,
        timeout_s: float = 60.0,
        max_retries: int = 2,
    ) -> None:
        try:
            import numpy  # noqa: F401  (the SDK decodes its compact format with it)
            from openai import OpenAI
        except ImportError as error:
            raise missing("embeddings", error) from error
        self._client = OpenAI(
            api_key=api_key, base_url=base_url, timeout=timeout_s, max_retries=max_retries
        )
        self._model = model
        self._shorten = shorten
        self.name = f"{model}@{dimensions}-float32"
        self.dimensions = dimensions
        self.max_tokens = max_tokens

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def embed(self, texts: Sequence[str]) -> Vectors:
        import numpy as np

        refuse_single(texts)
        parts = [self._request(part) for part in requests(texts)]
        vectors = np.concatenate(parts) if parts else np.zeros((0, self.dimensions), np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: Vectors = vectors / np.maximum(lengths, np.float32(1e-12))
        return unit

    def count_tokens(self, text: str) -> int:
        return count_tokens(text)

    def _request(self, texts: list[str]) -> Vectors:
        """One call; the vectors in the order of `texts`, whatever order the server answered in."""
        import numpy as np
        from openai import OpenAIError, omit

        from shared.providers.engine_sdk import from_sdk

        dimensions = self.dimensions if self._shorten else omit
        try:
            reply = self._client.embeddings.create(
                model=self._model, input=texts, dimensions=dimensions
            )
            rows = sorted(reply.data, key=lambda row: row.index)
        except OpenAIError as error:
            raise from_sdk(error) from None
        except (AttributeError, TypeError, ValueError) as error:
            raise ProtocolError(f"the answer has no embeddings in it: {error}") from error
        vectors: Vectors = np.array([row.embedding for row in rows], np.float32)
        if vectors.shape != (len(texts), self.dimensions):
            raise ProtocolError(
                f"{self._model} answered vectors of shape {vectors.shape}, "
                f"expected {(len(texts), self.dimensions)}: is `dimensions` right?"
            )
        return vectors


def requests(texts: Sequence[str]) -> Iterator[list[str]]:
    """The texts in order, in parts that one request may hold. The API refuses an empty text."""
    part: list[str] = []
    size = 0
    for text in (text or " " for text in texts):
        length = len(text.encode("utf-8", "replace"))
        if part and (len(part) == TEXTS_A_REQUEST or size + length > BYTES_A_REQUEST):
            yield part
            part, size = [], 0
        part.append(text)
        size += length
    if part:
        yield part
