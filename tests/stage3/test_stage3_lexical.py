"""Terms and languages: a reader's expectation of what must meet, and rank-bm25 as second BM25."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rank_bm25 import BM25Okapi

from stage3_rag.language import common, guess, understood
from stage3_rag.lexical import terms
from stage3_rag.postings import Postings


@pytest.mark.parametrize(
    ("asked", "written", "language"),
    [
        ("How are paths configured?", "configuring a path", "english"),
        ("maxTokens", "the max_tokens parameter", "english"),
        ("HTTP response", "parse_HTTPResponse2(raw)", "english"),
        ("Häuser mieten", "ein Haus wird gemietet", "german"),
        ("instalar los paquetes", "el paquete se instala", "spanish"),
        ("настройки файлов", "файл настройки", "russian"),
        ("搜索引擎", "如何使用搜索引擎", "chinese"),
        ("naïve café", "naive cafe", "english"),
        ("full\N{EN SPACE}width \N{FULLWIDTH LATIN CAPITAL LETTER A}PI", "API width", "english"),
    ],
)
def test_what_means_the_same_shares_a_term(asked: str, written: str, language: str) -> None:
    assert set(terms(asked, language)) & set(terms(written, language))


def test_an_identifier_is_kept_whole_and_in_parts() -> None:
    found = terms("call parse_HTTPResponse2 now", "english")
    assert "parse_httpresponse2" in found
    assert {"http", "respons", "2"} <= set(found)


def test_a_negation_is_a_stop_word_in_either_apostrophe() -> None:
    assert terms("don't", "english") == terms("don\N{RIGHT SINGLE QUOTATION MARK}t") == []


def test_han_is_cut_into_overlapping_pairs() -> None:
    assert terms("检索增强", "chinese") == ["检索", "索增", "增强"]
    assert terms("水", "chinese") == ["水"]


def test_indic_vowel_signs_do_not_cut_a_word() -> None:
    assert terms("हिन्दी भाषा", "hindi") == terms("हिन्दी", "hindi") + terms("भाषा", "hindi")
    assert len(terms("हिन्दी भाषा", "hindi")) == 2


def test_a_script_with_capitals_is_no_script_without_spaces() -> None:
    """Old Cyrillic lies between two blocks of Chinese signs."""
    assert terms("\ua640\ua64a\ua640 \ua640\ua64a\ua640") == ["\ua641\ua64b\ua641"] * 2


@given(st.text(max_size=200))
def test_any_text_has_terms_without_spaces_or_capitals(text: str) -> None:
    for term in terms(text):
        assert term
        assert term == term.lower()
        assert not any(character.isspace() for character in term)


def test_a_word_of_a_million_letters_costs_one_term() -> None:
    assert len(terms("a" * 1_000_000, "english")) == 1


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Where does the agent keep what it has learnt?", "english"),
        ("Wo speichert der Agent, was er gelernt hat?", "german"),
        ("¿Dónde guarda el agente lo que ha aprendido?", "spanish"),
        ("Où est-ce que l'agent garde ce qu'il a appris ?", "french"),
        ("Dove conserva l'agente quello che ha imparato?", "italian"),
        ("Onde é que o agente guarda o que aprendeu?", "portuguese"),
        ("Waar bewaart de agent wat hij heeft geleerd?", "dutch"),
        ("Где агент хранит то, чему научился?", "russian"),
        ("智能体把学到的东西保存在哪里", "chinese"),
        ("エージェントは学んだことをどこに保存しますか", "japanese"),
        ("에이전트는 배운 것을 어디에 저장합니까?", "korean"),
        ("", "english"),
        ("LLM", "english"),
    ],
)
def test_the_language_of_a_question(text: str, language: str) -> None:
    assert guess(text) == language


def test_a_question_without_function_words_is_in_the_collections_first_language() -> None:
    assert guess("Locales konfigurieren", ["german", "english"]) == "german"
    assert guess("How is it set?", ["german", "english"]) == "english"
    assert guess("How is it set?", ["german"]) == "german"


def test_stray_chunks_make_no_language_of_a_collection() -> None:
    assert common({"german": 500, "english": 40, "dutch": 2, "thai": 0}) == ["german", "english"]
    assert common({}) == []


def test_the_bundled_model_knows_english_only() -> None:
    assert understood("all-MiniLM-L6-v2@int8-1", "english")
    assert not understood("all-MiniLM-L6-v2@int8-1", "german")
    assert understood("paraphrase-multilingual-MiniLM-L12-v2@main-float32", "german")


class Lucene(BM25Okapi):  # type: ignore[misc]
    """rank-bm25 with the idf that never is negative, which Okapi's own floor changes."""

    def _calc_idf(self, nd: dict[str, int]) -> None:
        for word, df in nd.items():
            self.idf[word] = math.log(1 + (self.corpus_size - df + 0.5) / (df + 0.5))


words = st.sampled_from(["red", "green", "blue", "dark", "light"])


@given(
    st.lists(st.lists(words, min_size=1, max_size=12), min_size=1, max_size=12),
    st.lists(words, max_size=6),
)
def test_bm25_in_memory_is_rank_bm25(chunks: list[list[str]], question: list[str]) -> None:
    expected = Lucene(chunks, k1=1.5, b=0.75).get_scores(question)
    assert np.allclose(Postings(chunks).bm25(question), expected, atol=1e-4)


def test_idf_counts_chunks_and_not_words() -> None:
    postings = Postings([["a", "a", "b"], ["a"], ["c"]])
    assert postings.idf(["a", "b", "none"]).keys() == {"a", "b"}
    assert postings.idf(["a"])["a"] < postings.idf(["b"])["b"] < postings.rarest
    assert Counter(postings.bm25(["none"])) == {0.0: 3}
