"""The bundled model against vectors that sentence-transformers made in fp32, and its promises."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.embeddings import (
    FILES,
    MODEL_SHA256,
    TOKENIZER_SHA256,
    Embedder,
    MiniLM,
    TokenEmbedder,
)
from shared.errors import BadRequest, KeyRejected, LocalError, MissingExtra, ProtocolError

if TYPE_CHECKING:
    from shared.embeddings_openai import OpenAIEmbedder
    from shared.offline.server import LocalServer

pytestmark = pytest.mark.embeddings
REFERENCE = Path(__file__).parent / "data/minilm_reference.json"
CASES: list[dict[str, Any]] = json.loads(REFERENCE.read_text("utf-8"))["cases"]
TEXTS = [case["text"] for case in CASES]
LONG = "An index keeps every chunk once. " * 100


@pytest.fixture(scope="module")
def model() -> MiniLM:
    return MiniLM()


# --- the truth: fp32 on PyTorch -----
def test_reference_is_wide_enough() -> None:
    assert len(CASES) >= 20
    assert any(len(text) > 2000 for text in TEXTS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case["text"][:24]))
def test_close_to_fp32(model: MiniLM, case: dict[str, Any]) -> None:
    assert float(model.embed([case["text"]])[0] @ case["vector"]) >= 0.97


def test_close_to_fp32_on_average(model: MiniLM) -> None:
    import numpy as np

    truth = np.array([case["vector"] for case in CASES])
    assert (model.embed(TEXTS) * truth).sum(axis=1).mean() >= 0.99


def test_order_of_similarity_is_that_of_fp32(model: MiniLM) -> None:
    """For each text the nearest other one, wherever fp32 sees a clear winner."""
    import numpy as np

    truth = np.array([case["vector"] for case in CASES])
    ours = model.embed(TEXTS)
    true_scores, scores = truth @ truth.T, ours @ ours.T
    for scored in (true_scores, scores):
        np.fill_diagonal(scored, -1)
    ranked = np.sort(true_scores, axis=1)
    clear = ranked[:, -1] - ranked[:, -2] > 0.05
    assert clear.sum() >= 8
    assert (scores.argmax(axis=1) == true_scores.argmax(axis=1))[clear].all()


# --- shape, length, order -----
def test_is_an_embedder(model: MiniLM) -> None:
    token_embedder: TokenEmbedder = model
    embedder: Embedder = token_embedder
    assert (embedder.dimensions, embedder.max_tokens) == (384, 256)
    assert "int8" in embedder.name


def test_unit_float32(model: MiniLM) -> None:
    import numpy as np

    vectors = model.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-5)


def test_a_vector_does_not_depend_on_its_neighbours(model: MiniLM) -> None:
    together = model.embed(TEXTS)
    backwards = model.embed(TEXTS[::-1])[::-1]
    alone = [model.embed([text])[0] for text in TEXTS]
    assert (together == backwards).all()
    assert (together == alone).all()


def test_as_many_threads_as_wished_give_the_same(model: MiniLM) -> None:
    assert (MiniLM(threads=1).embed(TEXTS) == model.embed(TEXTS)).all()


def test_nothing_gives_nothing(model: MiniLM) -> None:
    assert model.embed([]).shape == (0, 384)
    assert model.embed_tokens([]) == []


def test_one_text_is_not_a_list_of_letters(model: MiniLM) -> None:
    with pytest.raises(TypeError, match="list of texts"):
        model.embed("text")


@settings(max_examples=25, deadline=None)
@given(text=st.text(st.characters(), max_size=300))
def test_any_text_has_a_unit_vector(model: MiniLM, text: str) -> None:
    """Half surrogates, control characters and all."""
    vector = model.embed([text])[0]
    assert float(vector @ vector) == pytest.approx(1, abs=1e-5)


@settings(max_examples=15, deadline=None)
@given(text=st.text(max_size=200))
def test_case_and_outer_space_say_nothing(model: MiniLM, text: str) -> None:
    assert (model.embed([f"  {text}\n"]) == model.embed([text])).all()


# --- length -----
def test_counts_as_the_original_tokenizer_does(model: MiniLM) -> None:
    """Counts by transformers' BertTokenizer, [CLS] and [SEP] included."""
    assert model.count_tokens("") == 2
    assert model.count_tokens("Late interaction compares tokens.") == 8
    assert model.count_tokens(LONG) == 702


def test_only_the_first_256_tokens_count(model: MiniLM) -> None:
    assert (model.embed([LONG]) == model.embed([LONG + "and a different end"])).all()
    assert len(model.embed_tokens([LONG])[0].tokens) == 256


@settings(max_examples=20, deadline=None)
@given(words=st.lists(st.text(min_size=1, max_size=120), min_size=30, max_size=60))
def test_reading_only_a_start_changes_nothing(model: MiniLM, words: list[str]) -> None:
    """The tokens kept are those of the whole text, although only its start is read."""
    text = " ".join(words * 8)
    whole = model._tokenizer.encode(text.encode("utf-8", "replace").decode()).ids
    ids, _ = model._encode(text)
    assert ids == (whole if len(whole) <= 256 else [*whole[:255], whole[-1]])


# --- token vectors -----
def test_tokens_pool_to_the_text(model: MiniLM) -> None:
    vectors = model.embed(TEXTS)
    for tokens, vector in zip(model.embed_tokens(TEXTS), vectors, strict=True):
        assert float(tokens.pooled() @ vector) == pytest.approx(1, abs=1e-5)


def test_tokens_are_named_and_unit(model: MiniLM) -> None:
    import numpy as np

    (found,) = model.embed_tokens(["Late interaction compares tokens."])
    assert found.tokens[0] == "[CLS]"
    assert found.tokens[1:-1] == ("late", "interaction", "compares", "token", "##s", ".")
    assert found.vectors.shape == (8, 384)
    assert np.linalg.norm(found.vectors, axis=1) == pytest.approx(np.ones(8), abs=1e-5)


# --- the files -----
@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_damaged_file_is_refused(tmp_path: Path, name: str) -> None:
    folder = shutil.copytree(FILES, tmp_path / "minilm")
    damaged = bytearray((folder / name).read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (folder / name).write_bytes(damaged)
    with pytest.raises(LocalError, match="sha256"):
        MiniLM(folder=folder)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"tokenizer\.json"):
        MiniLM(folder=tmp_path)


def test_licence_and_hashes_are_beside_the_weights() -> None:
    assert "Apache License" in (FILES / "LICENSE").read_text("utf-8")
    readme = (FILES / "README.md").read_text("utf-8")
    assert MODEL_SHA256 in readme
    assert TOKENIZER_SHA256 in readme


def test_without_the_extra_the_command_is_named() -> None:
    from shared.embeddings import missing

    error = missing("embeddings", ImportError("No module", name="onnxruntime"))
    assert isinstance(error, MissingExtra)
    assert "onnxruntime" in str(error)
    assert "uv sync --all-packages --extra embeddings" in str(error)


# --- OpenAI's API, against the offline server -----
@pytest.fixture(scope="module")
def server(model: MiniLM) -> Iterator[LocalServer]:
    from shared.offline.server import LocalServer

    with LocalServer(embedder=model) as running:
        yield running


def connect(server: LocalServer, key: str = "key", **options: Any) -> OpenAIEmbedder:
    from shared.embeddings_openai import OpenAIEmbedder

    given: dict[str, Any] = {"dimensions": 384, "api_key": key} | options
    return OpenAIEmbedder("offline-embed", base_url=server.openai_base_url, **given)


def test_openai_returns_what_the_server_computed(server: LocalServer, model: MiniLM) -> None:
    texts = [text for text in TEXTS if text]
    with connect(server) as remote:
        embedder: Embedder = remote
        assert embedder.embed(texts) == pytest.approx(model.embed(texts), abs=1e-6)


def test_openai_sends_no_empty_text(server: LocalServer, model: MiniLM) -> None:
    with connect(server) as remote:
        assert remote.embed([""]) == pytest.approx(model.embed([" "]), abs=1e-6)
        assert remote.embed([]).shape == (0, 384)


def test_openai_splits_what_one_request_may_not_hold(server: LocalServer) -> None:
    with connect(server, key="many") as remote:
        assert remote.embed(["word"] * 300).shape == (300, 384)
    assert len(server.wait_finished("many", 2)) == 2


def test_openai_retries_what_passes(server: LocalServer) -> None:
    server.script("busy", [{"kind": "status", "status": 503}])
    with connect(server, key="busy") as remote:
        assert remote.embed(["word"]).shape == (1, 384)


def test_openai_failures_are_ours(server: LocalServer) -> None:
    server.script("bad", [{"kind": "status", "status": 401}])
    with connect(server, key="bad") as remote, pytest.raises(KeyRejected):
        remote.embed(["word"])
    with (
        connect(server, dimensions=100) as remote,
        pytest.raises(ProtocolError, match="dimensions"),
    ):
        remote.embed(["word"])
    with (
        connect(server, dimensions=100, shorten=True) as remote,
        pytest.raises(BadRequest, match="384"),
    ):
        remote.embed(["word"])
