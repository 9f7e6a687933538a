"""Whatever the text and the chunker: chunks are verbatim, fit, and lose nothing."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stage3_rag.chunking import CHILD, CHUNKERS, chunk
from stage3_rag.contract import Document, Section
from stage3_rag.duplicates import ALIKE, likeness, signature
from stage3_rag.spans import Measured, Span, TokenCounter


class Letters:
    """A token for each started run of four letters, each Chinese sign; two markers a text."""

    name, dimensions, max_tokens = "letters", 4, 256

    def count_tokens(self, text: str) -> int:
        words = re.findall(r"[\u3040-\u30ff\u3400-\u9fff]|[^\s\u3040-\u30ff\u3400-\u9fff]+", text)
        return 2 + sum(-(-len(word) // 4) for word in words)

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        counts = np.array([[text.count(sign) + 1 for sign in "aeio"] for text in texts], np.float32)
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)


EMBEDDER = Letters()
WORDS = st.sampled_from(
    ["alpha", "be", "gamma.", "| cell |", "\n", "\n\n", "- item", "Eps!", "日本語の文。", "x" * 70]
)
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine
TEXTS = st.lists(WORDS, min_size=1, max_size=120).map(" ".join).filter(str.strip)


def document(*texts: str) -> Document:
    sections = tuple(Section(("Title", f"Part {n}"), text) for n, text in enumerate(texts))
    return Document(id="d", title="Title", sections=sections)


@pytest.mark.parametrize("name", CHUNKERS)
@UNHURRIED
@given(texts=st.lists(TEXTS, min_size=1, max_size=3), size=st.sampled_from([40, 80, 200]))
def test_chunks_are_verbatim_fit_and_lose_nothing(name: str, texts: list[str], size: int) -> None:
    given_document = document(*texts)
    chunks = chunk(given_document, name, EMBEDDER, size=size)
    assert [one.ordinal for one in chunks] == list(range(len(chunks)))
    for one in chunks:
        assert one.text in given_document.text
        assert one.text.strip()
        assert one.text in (one.parent or one.text)
        tokens = EMBEDDER.count_tokens(f"{one.context}\n{one.text}")
        assert tokens <= size or len(one.text.split()) == 1
        assert abs(one.tokens - tokens) <= tokens * 0.3 + 2
    said = "".join("".join(one.text for one in chunks).split())
    for text in texts:
        if name != "sliding":
            assert "".join(text.split()) in said
        assert all(
            any(word in one.text for one in chunks)
            for word in text.split()
            if word.isascii() and len(word) < 40
        )


def test_a_heading_chunk_never_crosses_a_heading() -> None:
    given_document = document("First. " * 30, "Second. " * 30)
    for one in chunk(given_document, "heading", EMBEDDER):
        assert ("First" in one.text) != ("Second" in one.text)
        assert one.context == f"Title > {one.path[-1]}"


def test_sliding_chunks_overlap_by_whole_sentences() -> None:
    sentences = [f"Sentence {n} is here." for n in range(60)]
    chunks = chunk(document(" ".join(sentences)), "sliding", EMBEDDER, size=60)
    for before, after in itertools.pairwise(chunks):
        shared = [s for s in sentences if s in before.text and s in after.text]
        assert shared
        assert before.text.endswith(shared[-1])
        assert after.text.startswith(shared[0])


def test_semantic_cuts_where_the_meaning_turns() -> None:
    """Sentences full of one vowel, then of another."""
    text = " ".join(["Aa aaa aaaa aa aaa."] * 8 + ["Oo ooo oooo oo ooo."] * 8)
    chunks = chunk(document(text), "semantic", EMBEDDER, size=200)
    assert any(one.text.endswith("aaa.") for one in chunks)
    assert any(one.text.startswith("Oo") for one in chunks)
    assert not any("a." in one.text and "o." in one.text for one in chunks)


def test_a_child_is_small_and_its_parent_is_the_section() -> None:
    text = " ".join(f"Sentence {n} is here." for n in range(60))
    chunks = chunk(document(text), "parent", EMBEDDER)
    assert len(chunks) > 3
    assert {one.parent for one in chunks} == {text}
    assert all(EMBEDDER.count_tokens(one.text) - 2 <= CHILD for one in chunks)


def test_a_title_longer_than_a_chunk_leaves_room() -> None:
    long = Document(id="d", title="word " * 500, sections=(Section((), "Text here."),))
    [only] = chunk(long, "heading", EMBEDDER)
    assert only.text == "Text here."
    assert only.tokens <= 200


@UNHURRIED
@given(TEXTS, st.integers(1, 30))
def test_windows_keep_their_limit_and_every_word(text: str, most: int) -> None:
    measured = Measured(text, TokenCounter(EMBEDDER))
    windows = list(measured.windows(Span(0, len(text)), most))
    assert all(measured.tokens(one) <= most or one.end - one.start <= 40 for one in windows)
    assert "".join("".join(text[w.start : w.end] for w in windows).split()) == "".join(text.split())


def runs_of_three(text: str) -> set[tuple[str, ...]]:
    words = text.casefold().split()
    return set(zip(words, words[1:], words[2:], strict=False))


@pytest.mark.parametrize(("every", "alike"), [(1000, True), (60, True), (2, False)])
def test_near_duplicates(every: int, alike: bool) -> None:
    """The estimate against the exact share of common runs of three words."""
    words = [f"w{n}" for n in range(500)]
    changed = [f"x{n}" if n % every == every - 1 else word for n, word in enumerate(words)]
    first, second = document(" ".join(words)), document(" ".join(changed))
    ours, theirs = runs_of_three(first.text), runs_of_three(second.text)
    exact = len(ours & theirs) / len(ours | theirs)
    made, also = signature(first), signature(second)
    assert likeness(made.digest, also.digest) == pytest.approx(exact, abs=0.15)
    assert (likeness(made.digest, also.digest) >= ALIKE) is alike
    assert bool(set(made.bands) & set(also.bands)) >= alike
