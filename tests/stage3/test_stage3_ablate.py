"""The ablation on a corpus whose right answers are known, and its page as a browser reads it."""

from __future__ import annotations

import math
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from shared.embeddings import MiniLM
from stage3_rag.ablate import METRICS, Case, Outcome, ablate, measured, render, to_json
from stage3_rag.ablate_page import page
from stage3_rag.contract import Chunk, Document, Section

TEXTS = {
    "undo": "Use git revert to take back a commit that others have already pulled.",
    "stash": "The stash keeps changes that are not ready, and gives them back later.",
    "hook": "A hook is a script that runs before or after a commit, in your copy only.",
}


def chunk(document: str) -> Chunk:
    return Chunk(document_id=document, ordinal=0, path=(), text="", context="", tokens=1)


def holds(*documents: str) -> Callable[[Chunk], set[int]]:
    return lambda chunk: {n for n, one in enumerate(documents) if one == chunk.document_id}


def test_a_need_counts_once_and_at_its_first_chunk() -> None:
    case = Case("q", 2, holds("a", "b"))
    found = measured(case, [chunk(name) for name in ("x", "a", "a", "b")])
    assert found["recall@1"] == 0
    assert found["recall@5"] == 1
    assert found["MRR"] == 0.5
    gained = 1 / math.log2(3) + 1 / math.log2(5)
    assert found["nDCG@10"] == pytest.approx(gained / (1 + 1 / math.log2(3)))


def test_a_chunk_that_meets_both_needs_is_the_whole_recall() -> None:
    found = measured(Case("q", 2, lambda chunk: {0, 1}), [chunk("a")])
    assert found["recall@1"] == found["recall@5"] == 1
    assert found["nDCG@10"] <= 1


def test_nothing_found_is_zero() -> None:
    assert set(measured(Case("q", 1, holds("a")), []).values()) == {0}


@pytest.fixture(scope="module")
def outcomes(minilm: MiniLM) -> list[Outcome]:
    documents = [
        Document(id=id, title="", sections=(Section((), text),)) for id, text in TEXTS.items()
    ]
    cases = [
        Case("How do I take back a commit?", 1, holds("undo")),
        Case("Where are changes kept that are not ready?", 1, holds("stash")),
    ]
    return ablate(
        documents, cases, minilm, chunkers=("heading", "fixed"), methods=("bm25", "default")
    )


@pytest.mark.embeddings
def test_every_pair_is_measured(outcomes: list[Outcome]) -> None:
    pairs = [(one.chunker, one.method) for one in outcomes]
    assert pairs == [
        (chunker, method) for chunker in ("heading", "fixed") for method in ("bm25", "default")
    ]
    assert all(one.metrics["recall@1"].value == 1 for one in outcomes)
    assert len(to_json(outcomes)) == 4
    assert render(outcomes).count("1.000 *") == 4 * len(METRICS)


class Reader(HTMLParser):
    """Notes what is open, what is fetched and what is run."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: dict[str, int] = {}
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen[tag] = self.seen.get(tag, 0) + 1
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "br", "path", "circle"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("path", "circle"):
            assert self.open.pop() == tag


@pytest.mark.embeddings
def test_the_page_stands_alone_and_holds_every_number(outcomes: list[Outcome]) -> None:
    text = page(outcomes, questions=2, documents=3, embedder="<model>")
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    assert reader.addresses == []
    assert "script" not in reader.seen
    assert reader.seen["circle"] == 2 * len(outcomes)
    assert reader.seen["tr"] == 1 + len(outcomes)
    assert "&lt;model&gt;" in text
