"""Which words of a question are mended, and to what, over a small corpus about databases."""

from __future__ import annotations

import pytest

from shared.embeddings import MiniLM
from stage3_rag.lexical import terms
from stage3_rag.postings import Postings
from stage3_rag.spelling import Vocabulary, doubtful, mend, words

pytestmark = pytest.mark.embeddings

TEXTS = [
    "The retrieval of embeddings from a pgvector column takes milliseconds.",
    "Idempotency keys stop a second charge; the circuit breaker opens after failures.",
    "Configuration of the tokenizer, its normalization and the throughput of batches.",
    "Form a query, then back up the database. The breaker closes again.",
]
GERMAN = ["Die Geschwindigkeit der Verbindung und die Genauigkeit der Tabelle werden gemessen."]


def read(question: str, minilm: MiniLM, texts: list[str] = TEXTS, language: str = "english") -> str:
    """As the library and the store do it, one step after the other."""
    postings = Postings([terms(text, language) for text in texts])
    vocabulary = Vocabulary(words(" ".join(texts)))
    doubted = doubtful(question, language, minilm)
    near = {
        word: vocabulary.near(word, edits)
        for word, edits in doubted.items()
        if not postings.frequencies(terms(word, language))
    }
    met = {term for those in near.values() for one in those for term in terms(one, language)}
    return mend(question, near, language, postings.frequencies(met))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("How fast is retreival?", "How fast is retrieval?"),  # changed places
        ("Retreival, how fast?", "retrieval, how fast?"),  # the first word may have a capital
        ("what is an idempotncy key", "what is an idempotency key"),  # left out
        ("my databsase is full", "my database is full"),  # one too many
        ("does the breaher close", "does the breaker close"),  # another one
        ("embeddigns per row", "embeddings per row"),  # in an ending that stemming would cut
        ("when do I go bakc?", "when do I go back?"),  # four letters that changed places
        ("a charge aftre failures", "a charge after failures"),  # a function word
        ("the confguratoin file", "the configuration file"),  # two, in a long word
    ],
)
def test_a_slip_is_mended(written: str, meant: str, minilm: MiniLM) -> None:
    assert read(written, minilm) == meant


@pytest.mark.parametrize(
    "question",
    [
        "How are embeddings retrieved from the database?",  # all right, in other forms
        "Does the baker form a column from the batter?",  # right words one edit from the corpus'
        "What did Retreival say to Embeddigns?",  # names
        "What does pgvectr_2, retreival.py or `embeddigns` do?",  # identifiers
        "Call retreival() with --databse and $embeddigns.",
        "Is 1024 or 3,072 right for the QUERRY?",  # numbers and capitals
        "Warum ist der Himmel blau?",  # another language
        "Почему небо голубое?",
        "怎么撤销提交的嵌入向量",
        "",
        "xyzzyplugh",
    ],
)
def test_what_is_no_slip_stays(question: str, minilm: MiniLM) -> None:
    assert read(question, minilm) == question


def test_without_a_dictionary_only_long_words_are_mended(minilm: MiniLM) -> None:
    """A short word is near to right ones by chance: "Fabel" to "Tabel", "carta" to "carga"."""
    asked = "wie hoch ist die geschwindikeit der tabele?"
    meant = "wie hoch ist die geschwindigkeit der tabele?"
    assert read(asked, minilm, GERMAN, "german") == meant


def test_of_words_equally_near_the_commoner_is_meant(minilm: MiniLM) -> None:
    texts = ["A cluster of rows.", "The clutter is gone.", "The cluster grows, cluster by cluster."]
    assert read("what is a cluter", minilm, texts) == "what is a cluster"


def test_the_nearest_words_are_meant_and_only_those() -> None:
    vocabulary = Vocabulary(["normalization", "normalisation", "planter", "plaster", "scanter"])
    assert vocabulary.near("normalizatoin", 2) == ["normalization"]
    assert sorted(vocabulary.near("plauter", 1)) == ["planter", "plaster"]
    assert vocabulary.near("palnster", 1) == []


def test_a_word_that_the_corpus_no_longer_has_is_not_meant(minilm: MiniLM) -> None:
    near = {"retreival": ["retrieval"]}
    assert mend("a retreival", near, "english", {}) == "a retreival"
    assert mend("a retreival", near, "english", {"retriev": 1}) == "a retrieval"


def test_only_plain_words_are_offered() -> None:
    assert words("maxTokens max_tokens v2 HTTP Query don't naïve to 嵌入向量 запросы") == {
        "query",
        "naïve",
        "запросы",
    }
