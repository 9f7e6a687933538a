"""The retriever on a real database: what is found, what is refused, and that the library agrees."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

import numpy as np
import pytest

from shared.embeddings import MiniLM
from stage3_rag.calibrate import TooFewQuestions, calibrate
from stage3_rag.contract import Chunk, Document, Filters, Section
from stage3_rag.encoding import EncodedChunk, encode
from stage3_rag.library import METHODS, Corpus
from stage3_rag.retrieve import Retriever
from stage3_rag.store import Store

if TYPE_CHECKING:
    from shared.embeddings import Vectors

pytestmark = pytest.mark.embeddings

TEXTS = {
    "undo": "Use git revert to take back a commit that others have already pulled.",
    "branch": "A branch is a movable name for a commit; switch moves you to another one.",
    "stash": "The stash keeps changes that are not ready, and gives them back later.",
    "rebase": "Rebase writes your commits anew on top of another base.",
    "tag": "A tag names one commit for good, such as a release.",
    "remote": "fetch_all_remotes asks every remote for what is new and changes no file of yours.",
    "ignore": "Files that match a pattern in .gitignore are never added by accident.",
    "bisect": "Bisect halves the history until it has the commit that broke something.",
    "merge": "A merge joins two lines of work and asks you about lines that both have changed.",
    "hook": "A hook is a script that runs before or after a commit, in your copy only.",
}
Open = Callable[..., AbstractAsyncContextManager[Store]]

GOOD = [
    "How do I take back a commit that was pulled?",
    "What is a branch?",
    "Where can I keep changes that are not ready?",
    "How are commits put on another base?",
    "How do I name a release?",
    "What does fetch_all_remotes do?",
    "How do I keep files from being added?",
    "How can I find the commit that broke something?",
    "What happens when both sides changed a line?",
    "Can a script run before each commit?",
]
RIGHT = list(TEXTS)
FOREIGN = ["Who painted the Sistine Chapel?", "How long is an egg boiled?", "Why is the sky blue?"]
GERMAN = {
    "haus": "Die Miete für ein Haus in der Stadt wird jedes Jahr von der Gemeinde festgelegt.",
    "zug": "Der Zug nach Norden fährt nur an Werktagen und hält nicht in jedem Dorf.",
    "brot": "Das Brot wird mit Sauerteig angesetzt und über Nacht an einem kühlen Ort gelassen.",
}


def encoded(id: str, text: str, minilm: MiniLM) -> tuple[Document, list[EncodedChunk]]:
    document = Document(id=id, title="", sections=(Section((), text),))
    chunk = Chunk(document_id=id, ordinal=0, path=(), text=text, context="", tokens=30)
    return document, encode([chunk], minilm)


async def fill(store: Store, texts: dict[str, str], minilm: MiniLM) -> None:
    for id, text in texts.items():
        document, chunks = encoded(id, text, minilm)
        await store.replace(document, text, chunks)


@pytest.fixture
async def store(opened: Open, minilm: MiniLM) -> AsyncIterator[Store]:
    async with opened(embedder=minilm) as store:
        yield store


@pytest.fixture(scope="module")
def corpus(minilm: MiniLM) -> Corpus:
    return Corpus([(id, "", text) for id, text in TEXTS.items()], embedder=minilm)


async def test_an_empty_corpus_says_so(store: Store, minilm: MiniLM) -> None:
    found = await Retriever(store, minilm).find("anything at all")
    assert (found.hits, found.refusal) == ((), "empty_corpus")


async def test_store_and_library_rank_alike(store: Store, minilm: MiniLM, corpus: Corpus) -> None:
    """Two ways through two engines: SQL with pgvector, and NumPy."""
    await fill(store, TEXTS, minilm)
    retriever = Retriever(store, minilm)
    for question, expected, confidence in zip(
        GOOD, corpus.rankings(GOOD, k=5), corpus.confidences(GOOD), strict=True
    ):
        found = await retriever.find(question, k=5)
        assert [hit.chunk.document_id for hit in found.hits] == expected
        assert found.confidence == pytest.approx(confidence, abs=1e-4)


async def test_a_misspelt_question_is_read_alike(
    store: Store, minilm: MiniLM, corpus: Corpus
) -> None:
    await fill(store, TEXTS, minilm)
    retriever = Retriever(store, minilm)
    found = await retriever.find("Can a scirpt run befroe each comit?")
    assert found.read_as == "Can a script run before each commit?"
    assert [hit.chunk.document_id for hit in found.hits] == corpus.rankings([found.read_as], k=5)[0]
    assert corpus.rankings(["Can a scirpt run befroe each comit?"], k=5) == corpus.rankings(
        [found.read_as], k=5
    )
    assert (await retriever.find(GOOD[0])).read_as == GOOD[0]


async def test_words_are_those_of_the_index_as_it_is_now(store: Store, minilm: MiniLM) -> None:
    await fill(store, {"undo": TEXTS["undo"]}, minilm)
    retriever = Retriever(store, minilm)
    asked, meant = "a worktreee", "a worktree"
    assert (await retriever.find(asked)).read_as == asked
    await fill(store, {"worktree": "A worktree is one more folder of the same repository."}, minilm)
    assert (await retriever.find(asked)).read_as == meant
    await store.remove("worktree")
    assert (await retriever.find(asked)).read_as == asked
    async with store.rebuild(minilm) as fresh:
        await fill(fresh, {"worktree": "A worktree is a folder."}, minilm)
    assert (await retriever.find(asked)).read_as == meant


async def test_a_copy_of_a_document_takes_no_second_place(store: Store, minilm: MiniLM) -> None:
    await fill(store, {**TEXTS, "copy": TEXTS["undo"].upper()}, minilm)
    hits = await Retriever(store, minilm).search(GOOD[0], k=5)
    assert len(hits) == 5
    assert len({"undo", "copy"} & {hit.chunk.document_id for hit in hits}) == 1


async def test_hits_show_every_retrievers_rank_and_score(store: Store, minilm: MiniLM) -> None:
    await fill(store, TEXTS, minilm)
    hits = await Retriever(store, minilm).search(GOOD[0], k=3)
    assert hits[0].chunk.document_id == "undo"
    assert hits[0].ranks.keys() == hits[0].scores.keys() == {"bm25", "dense", "late"}
    assert hits[0].score >= hits[1].score >= hits[2].score


async def test_filters_hold_for_every_candidate(store: Store, minilm: MiniLM) -> None:
    await fill(store, TEXTS, minilm)
    only = Filters(documents=("tag", "hook"))
    hits = await Retriever(store, minilm).search(GOOD[0], k=5, filters=only)
    assert {hit.chunk.document_id for hit in hits} == {"tag", "hook"}


async def test_questions_of_no_or_too_many_words_are_answered(store: Store, minilm: MiniLM) -> None:
    await fill(store, TEXTS, minilm)
    retriever = Retriever(store, minilm)
    assert (await retriever.find("")).refusal == "off_topic"
    assert (await retriever.find("commit " * 10_000)).hits
    assert (await retriever.find("怎么撤销提交")).hits


async def test_calibration_is_kept_with_the_index(store: Store, minilm: MiniLM) -> None:
    await fill(store, TEXTS, minilm)
    retriever = Retriever(store, minilm)
    with pytest.raises(TooFewQuestions, match="9 different questions"):
        await calibrate(retriever, [*GOOD[:9], *GOOD[:9]])
    line = await calibrate(retriever, [*GOOD, *(f"{one} Tell me." for one in GOOD)])
    assert line.questions == 20
    assert (await store.setting("refusal"))["threshold"] == line.threshold
    assert [(await retriever.find(one)).refusal for one in FOREIGN] == ["off_topic"] * 3
    refused = [(await retriever.find(one)).refusal for one in GOOD]
    assert sum(one is not None for one in refused) <= 1
    await store.set_setting("refusal", {"threshold": 1.01, "questions": 20})
    assert (await retriever.find(GOOD[0])).refusal == "off_topic"


async def test_german_is_stemmed_as_german(store: Store, minilm: MiniLM) -> None:
    """A question of two words shows no language: the collection's is taken."""
    await fill(store, GERMAN, minilm)
    hits = await Retriever(store, minilm).search("Städtische Häuser", k=1)
    assert hits[0].chunk.document_id == "haus"
    assert hits[0].ranks["bm25"] == 1


async def test_a_german_question_of_another_world_is_refused(store: Store, minilm: MiniLM) -> None:
    await fill(store, GERMAN, minilm)
    retriever = Retriever(store, minilm)
    assert (await retriever.find("Wann wurde die Sixtinische Kapelle bemalt?")).refusal
    assert not (await retriever.find("Hält der Zug in jedem Dorf?")).refusal


class Backwards:
    """A reranker that likes short texts: it decides alone."""

    def scores(self, question: str, texts: Sequence[str]) -> Vectors:
        return np.array([-len(text) for text in texts], np.float32)


async def test_a_reranker_has_the_last_word(store: Store, minilm: MiniLM) -> None:
    await fill(store, TEXTS, minilm)
    hits = await Retriever(store, minilm, reranker=Backwards()).search(GOOD[0], k=10)
    lengths = [len(hit.chunk.text) for hit in hits]
    assert lengths == sorted(lengths)


class VectorsOnly:
    """MiniLM without its tokens, as an embedder behind a server is."""

    def __init__(self, minilm: MiniLM) -> None:
        self._minilm = minilm
        self.name, self.dimensions = minilm.name, minilm.dimensions
        self.max_tokens = minilm.max_tokens

    def embed(self, texts: Sequence[str]) -> Vectors:
        return self._minilm.embed(texts)

    def count_tokens(self, text: str) -> int:
        return self._minilm.count_tokens(text)


def test_an_embedder_without_tokens_ranks_by_two_scores(minilm: MiniLM, corpus: Corpus) -> None:
    plain = Corpus([(id, "", text) for id, text in TEXTS.items()], embedder=VectorsOnly(minilm))
    assert plain.rankings(GOOD[:1], k=1) == [["undo"]]
    assert plain.rankings(GOOD, method="dense") == corpus.rankings(GOOD, method="dense")


def test_one_index_gives_every_ranking(corpus: Corpus) -> None:
    compared = corpus.compared(GOOD, k=3)
    assert compared.keys() == set(METHODS)
    for method in METHODS:
        assert compared[method] == corpus.rankings(GOOD, k=3, method=method)
    firsts = [ranking[0] for ranking in compared["default"]]
    assert sum(found == right for found, right in zip(firsts, RIGHT, strict=True)) >= 9


def test_a_ranking_goes_on_behind_the_candidates(minilm: MiniLM) -> None:
    many = [(f"d{n}", "", f"Rule {n} is about the colour of door {n}.") for n in range(70)]
    ranked = Corpus(many, embedder=minilm).rankings(["door 7"], k=70)[0]
    assert sorted(ranked) == sorted(id for id, _, _ in many)
    assert ranked[0] == "d7"


def test_bm25_alone_leaves_out_what_shares_no_word(corpus: Corpus) -> None:
    assert corpus.rankings(["bisect"], method="bm25") == [["bisect"]]
    assert corpus.rankings(["zebra"], method="bm25") == [[]]


def test_a_long_document_counts_once(minilm: MiniLM) -> None:
    long = " ".join(TEXTS.values()) * 5
    corpus = Corpus([("long", "Git", long), ("other", "", TEXTS["undo"])], embedder=minilm)
    assert len(corpus) > 2
    assert sorted(corpus.rankings(["take back a commit"], k=10)[0]) == ["long", "other"]


def test_the_library_refuses_what_is_foreign(corpus: Corpus) -> None:
    assert corpus.refuses(FOREIGN) == [True] * 3
    line = corpus.calibrated(GOOD)
    assert sum(corpus.refuses(GOOD, line)) == 0


def test_two_documents_of_one_id_are_refused(minilm: MiniLM) -> None:
    with pytest.raises(ValueError, match="same id"):
        Corpus([("a", "", "x"), ("a", "", "y")], embedder=minilm)


def test_an_empty_list_of_documents_finds_nothing(minilm: MiniLM) -> None:
    corpus = Corpus([], embedder=minilm)
    assert corpus.rankings(["anything"]) == [[]]
    assert corpus.refuses(["anything"]) == [True]
