"""The brain picks a skill by structure and is the same function every time."""

import time

import pytest

from shared.errors import MissingExtra
from shared.messages import Message as Turn
from shared.messages import Request, Text, assistant, user
from shared.offline.brain import think
from shared.offline.skills import glossary


def said(text: str, system: str = "", size: str = "small") -> str:
    return think(Request(messages=(user(text),), system=system), size, None).text  # type: ignore[arg-type]


def test_a_term_gets_one_sentence_from_small_and_more_from_large() -> None:
    small, large = said("What is RRF?"), said("What is RRF?", size="large")
    assert small.startswith("RRF, reciprocal rank fusion,")
    assert small.count(". ") == 0
    assert len(large) > 2 * len(small)
    assert "Related:" in large


def test_the_longest_term_wins() -> None:
    assert "refills steadily" in said("Explain a token bucket to me")


def test_the_same_request_gets_the_same_answer() -> None:
    request = Request(messages=(user("Explain p99 and coordinated omission"),))
    assert think(request, "small", None) == think(request, "small", None)


def test_a_question_it_cannot_answer_gets_an_honest_sentence() -> None:
    answer = said("Why is the sky blue?")
    assert "offline-small" in answer
    assert "not a large language model" in answer


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Say 'ok'", "ok"), ("Reply with exactly: pong 7", "pong 7"), ("Repeat after me: a b", "a b")],
)
def test_echo(text: str, expected: str) -> None:
    assert said(text) == expected


def test_a_length_in_words_is_kept() -> None:
    assert len(said("What is prompt caching? Answer in at most 8 words.").split()) == 8


def test_summary_is_made_of_sentences_of_the_text_within_the_count() -> None:
    text = (
        "The harbour was closed on Monday. A storm damaged the harbour wall. Ships waited outside "
        "the harbour. Someone sold ice cream. The harbour wall will be repaired by Friday."
    )
    summary = said(f"Summarise the following text in two sentences:\n\n{text}")
    kept = [part.strip(" .") for part in summary.split(". ")]
    assert len(kept) == 2
    assert all(part in text for part in kept)
    assert "ice cream" not in summary


def test_summary_of_an_earlier_conversation() -> None:
    request = Request(
        messages=(
            user("My order 1182 arrived broken and I want a new lamp."),
            assistant("I am sorry. I have ordered a new lamp for order 1182."),
            user("Summarise our conversation so far in one sentence."),
        )
    )
    assert "1182" in think(request, "small", None).text


HOSTILE = [
    "",
    " ",
    "\x00\ufeff",
    "x" * 200_000,
    "\n" * 200_000,
    "<doc>" * 40_000,
    "[a] " * 50_000,
    "Question: " * 20_000,
    '"say ' * 40_000,
    "summarise: " + "a b. " * 40_000,
    "<document id='x'>" + "Zebra alpha beta. " * 11_000 + "</document>\nWhat is a zebra?",
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:12]))
def test_any_text_is_answered_within_a_second(text: str) -> None:
    started = time.thread_time()
    assert isinstance(said(text), str)
    assert time.thread_time() - started < 10


def test_a_turn_without_text_is_answered() -> None:
    assert think(Request(messages=(Turn("user", (Text(""),)),)), "small", None).text


def test_large_without_its_embedder_says_what_to_install() -> None:
    with pytest.raises(MissingExtra, match="embeddings"):
        said("Why is the sky blue?", size="large")


@pytest.mark.embeddings
def test_only_large_understands_a_paraphrase() -> None:
    from shared.embeddings import MiniLM

    request = Request(messages=(user("How do I stop hammering a failing service?"),))
    assert "circuit breaker" not in think(request, "small", None).text
    assert "circuit breaker" in think(request, "large", MiniLM()).text


def test_every_related_term_of_the_glossary_exists() -> None:
    known = glossary.entries()
    names = {entry.term for entry in known}
    assert len(known) == len(names) >= 60
    assert {related for entry in known for related in entry.related} <= names
