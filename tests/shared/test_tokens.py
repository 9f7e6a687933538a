"""Token counts in the o200k vocabulary, against counts of its owner and a round trip."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tokens import count_tokens

# From OpenAI's cookbook "How to count tokens with tiktoken", column o200k_base.
PUBLISHED = {
    "antidisestablishmentarianism": 6,
    "2 + 2 = 4": 7,
    "お誕生日おめでとう": 8,
    "tiktoken is great!": 6,
}


@pytest.mark.parametrize(("text", "tokens"), PUBLISHED.items())
def test_published_counts(text: str, tokens: int) -> None:
    assert count_tokens(text) == tokens


def test_nothing_is_nothing() -> None:
    assert count_tokens("") == 0


@given(st.text(max_size=200))
def test_the_count_is_that_of_tokens_that_decode_to_the_text(text: str) -> None:
    from rs_bpe import openai

    vocabulary = openai.o200k_base()
    tokens = list(vocabulary.encode(text))
    assert vocabulary.decode(tokens) == text
    assert count_tokens(text) == len(tokens)
    assert len(tokens) <= len(text.encode())


def test_a_special_token_in_the_text_is_plain_text() -> None:
    """A prompt that quotes `<|endoftext|>` must not be read, or billed, as its end."""
    assert count_tokens("<|endoftext|>") > 1
    assert count_tokens("<|endofprompt|> and more") > 4


def test_long_texts_take_no_time() -> None:
    """A run of one letter is what makes a naive merge quadratic."""
    assert 0 < count_tokens("a" * 200_000) < 200_000
    assert 0 < count_tokens(" " * 200_000) < 200_000
