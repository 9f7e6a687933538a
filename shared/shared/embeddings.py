"""Texts to unit vectors: what an embedder is, and the one that is bundled.

`MiniLM` is all-MiniLM-L6-v2 in int8 on ONNX Runtime: no PyTorch, no download. Any other model is in
`embeddings_torch` (sentence-transformers) or `embeddings_openai` (a server). Left out: choosing
between them, storing vectors, and the different prefixes some models want for questions and texts.

Vectors of two embedders, or of two quantisations of one, must never be compared: store
`Embedder.name` beside every vector.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from shared.errors import LocalError, MissingExtra

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

MODEL_SHA256 = "31d9cfabaec588481b8ac7263964edfa5e483d664dc4ee0aa786cc33ee4d7eb4"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
FILES = Path(__file__).parent / "minilm"
PREFIX = 4096  # characters; 256 tokens of prose are about 1,100
WORD_TOKENS = 100  # the tokenizer reads a longer word as one unknown token


class Embedder(Protocol):
    """`name` says model, version and quantisation. `max_tokens` counts the model's own markers."""

    @property
    def name(self) -> str: ...
    @property
    def dimensions(self) -> int: ...
    @property
    def max_tokens(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """(n, dimensions) float32, each row of length 1, in the order of `texts`."""

    def count_tokens(self, text: str) -> int:
        """Tokens of the whole text, before anything is cut, as this model counts them."""


@dataclass(frozen=True, slots=True)
class TokenVectors:
    """One text, token by token, the model's markers ([CLS] first, [SEP] last) included.

    `vectors` is (t, dimensions) with rows of length 1; `lengths` is what they were scaled by.
    """

    tokens: tuple[str, ...]
    vectors: Vectors
    lengths: Vectors

    def pooled(self) -> Vectors:
        """The text's own vector, equal to `embed`: who stores both needs one run of the model."""
        return _unit(self.lengths @ self.vectors)


class TokenEmbedder(Embedder, Protocol):
    """An embedder that also shows its tokens, as late interaction needs."""

    def embed_tokens(self, texts: Sequence[str]) -> list[TokenVectors]: ...


class MiniLM:
    """all-MiniLM-L6-v2. A text beyond 256 tokens is cut: only its start is embedded.

    Each text is a run of its own. The int8 scale of an activation is taken over a whole run, so in
    a batch of 32 a vector moved by up to 0.027 in cosine with its neighbours, and a batch was not
    faster. `threads` is how many texts run at the same time, a thread each; safe to share.
    """

    name = "all-MiniLM-L6-v2@int8-1"
    dimensions = 384
    max_tokens = 256

    def __init__(self, *, threads: int = 2, folder: Path = FILES) -> None:
        try:
            import onnxruntime  # type: ignore[import-untyped,import-not-found,unused-ignore]
            from tokenizers import Tokenizer
        except ImportError as error:
            raise missing("embeddings", error) from error
        self._threads = threads
        self._tokenizer = Tokenizer.from_file(
            _verified(folder / "tokenizer.json", TOKENIZER_SHA256)
        )
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._session = onnxruntime.InferenceSession(
            _verified(folder / "model.onnx", MODEL_SHA256),
            _session_options(),
            providers=["CPUExecutionProvider"],
        )

    def embed(self, texts: Sequence[str]) -> Vectors:
        import numpy as np

        vectors = self._each(self._pooled, texts)
        return np.stack(vectors) if vectors else np.zeros((0, self.dimensions), np.float32)

    def embed_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        return self._each(self._by_token, texts)

    def count_tokens(self, text: str) -> int:
        return len(self._tokenizer.encode(_utf8(text)).ids)

    def _each(self, work: Any, texts: Sequence[str]) -> list[Any]:
        refuse_single(texts)
        if len(texts) < 2 or self._threads < 2:
            return [work(text) for text in texts]
        with ThreadPoolExecutor(self._threads) as pool:
            return list(pool.map(work, texts))

    def _pooled(self, text: str) -> Vectors:
        return _unit(self._run(self._encode(text)[0]).mean(axis=0))

    def _by_token(self, text: str) -> TokenVectors:
        ids, tokens = self._encode(text)
        return token_vectors(tokens, self._run(ids))

    def _run(self, ids: list[int]) -> Vectors:
        import numpy as np

        batch = np.array([ids], np.int64)
        feed = {"input_ids": batch, "attention_mask": np.ones_like(batch)}
        output: Vectors = self._session.run(None, feed)[0][0]
        return output

    def _encode(self, text: str) -> tuple[list[int], list[str]]:
        """Ids and tokens, cut to `max_tokens`. Reads no more of a huge text than it needs."""
        size = PREFIX
        while True:
            encoding = self._tokenizer.encode(_utf8(text[:size]))
            # The last word read may be cut in two: go on until it lies beyond what is kept.
            if size >= len(text) or len(encoding.ids) > self.max_tokens + WORD_TOKENS:
                return self._cut(encoding.ids), self._cut(encoding.tokens)
            size *= 4

    def _cut(self, items: list[Any]) -> list[Any]:
        return (
            items if len(items) <= self.max_tokens else [*items[: self.max_tokens - 1], items[-1]]
        )


def token_vectors(tokens: Sequence[str], raw: Vectors) -> TokenVectors:
    import numpy as np

    lengths = np.sqrt(np.einsum("td,td->t", raw, raw))  # a quarter of the time of `norm`
    return TokenVectors(tuple(tokens), raw / np.maximum(lengths, 1e-12)[:, None], lengths)


def missing(extra: str, error: ImportError) -> MissingExtra:
    return MissingExtra(
        f"{error.name or error} is not installed: `uv sync --all-packages --extra {extra}` "
        f"(or `pip install 'stages-shared[{extra}]'`)"
    )


def refuse_single(texts: Sequence[str]) -> None:
    """A lone `str` is a sequence of `str` too, and would be embedded letter by letter."""
    if isinstance(texts, str):
        raise TypeError("give a list of texts, not one text")


def _unit(vector: Vectors) -> Vectors:
    import numpy as np

    unit: Vectors = vector / max(float(np.linalg.norm(vector)), 1e-12)
    return unit


def _utf8(text: str) -> str:
    """Half of a surrogate pair has no UTF-8, which the tokenizer works on: it becomes `?`."""
    return text.encode("utf-8", "replace").decode()


def _verified(path: Path, sha256: str) -> str:
    """The path, if the file is the one this code was made for; costs a third of a load."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise LocalError(f"{path}: {error.strerror}; get it back with `git checkout`") from error
    if found != sha256:
        raise LocalError(
            f"{path} is not the file this code was made for (sha256 differs): "
            "get it back with `git checkout`, or see shared/scripts/export_minilm.py"
        )
    return str(path)


def _session_options() -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # texts run side by side instead: no spinning, no waiting
    options.inter_op_num_threads = 1
    return options
