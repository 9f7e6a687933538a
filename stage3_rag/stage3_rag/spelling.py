"""Misspelt words of a question, read as the nearest words of the corpus.

A word is doubted when no chunk has it and the embedder's vocabulary does not have it whole, as it
has most English words: so a right word that the corpus lacks stays. For a language that the
embedder does not know there is no such check, and only long words are mended. Names within a
sentence, identifiers, numbers and scripts without spaces are left alone. The nearest word has the
same first letter and is one edit away, two if the word is long; letters that changed places are one
edit (optimal string alignment), and the only one that is believed of four letters. Left out: words
run together, and right words that were not meant.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING

from rapidfuzz import process
from rapidfuzz.distance import OSA

from stage3_rag.language import stop_words, understood
from stage3_rag.lexical import FIRST_UNSPACED, WORD, terms

if TYPE_CHECKING:
    from shared.embeddings import Embedder
    from stage3_rag.snapshot import Snapshot

SHORTEST, LONGEST = 4, 24  # letters of a word that may have been meant
DOUBTED = 5  # letters of a word that is mended whatever the edit
DOUBTED_UNCHECKED = 8  # the same in a language that the embedder does not know
LONG = 12  # letters of a word that may have two mistakes; from 10 on, a descriptor is a description
SPOKEN = re.compile(r"\S+")
# Punctuation that is no part of an identifier.
AROUND = "\"'“”\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}«»()[]{}<>,.;:!?…¿¡*"
INSIDE = re.compile(r"[_./\\@#$:=`<>()\[\]{}\d]|^-")  # what prose does not have within a word
CALL = re.compile(r"\w\(")
ENDS = (".", "!", "?", ":")
NOUNS_HAVE_CAPITALS = frozenset({"german"})

Frequencies = Mapping[str, int]


class Vocabulary:
    """The words of one index, by their first letter."""

    def __init__(self, words: Iterable[str] = (), *, index: int = 0) -> None:
        self.index = index
        self.last = 0  # the number of the newest word, for who reads them from a store
        self._by_letter: dict[str, dict[str, None]] = {}
        self.add(words)

    def add(self, words: Iterable[str]) -> None:
        for word in words:
            self._by_letter.setdefault(word[0], {})[word] = None

    def near(self, word: str, edits: int) -> list[str]:
        """All words at the least distance, if that is no more than `edits`."""
        among = list(self._by_letter.get(word[0], ()))
        found = process.extract(word, among, scorer=OSA.distance, score_cutoff=edits, limit=None)
        least = min((distance for _, distance, _ in found), default=0)
        nearest = [near for near, distance, _ in found if distance == least]
        if len(word) < DOUBTED:
            return [near for near in nearest if sorted(near) == sorted(word)]
        return nearest


class Speller:
    """Mends questions to one store, whose words it reads once and then only what is new."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._vocabulary = Vocabulary()

    async def mended(self, question: str, language: str, now: Snapshot) -> str:
        doubted = doubtful(question, language, self._embedder)
        asked = {word: terms(word, language) for word in doubted}
        known = await now.frequencies(list(chain.from_iterable(asked.values())))
        unknown = [word for word in doubted if not any(term in known for term in asked[word])]
        if not unknown:
            return question
        vocabulary = await self._words(now)
        near = {word: vocabulary.near(word, doubted[word]) for word in unknown}
        every = [term for word in chain(*near.values()) for term in terms(word, language)]
        return mend(question, near, language, await now.frequencies(every))

    async def _words(self, now: Snapshot) -> Vocabulary:
        index = now.index.id if now.index else 0
        vocabulary = self._vocabulary
        if vocabulary.index != index:
            vocabulary = self._vocabulary = Vocabulary(index=index)
        vocabulary.last, words = await now.words(vocabulary.last)
        vocabulary.add(words)
        return vocabulary


def words(text: str) -> set[str]:
    """Of a text, what a misspelt word may have been meant to be."""
    found = (word for word in WORD.findall(unicodedata.normalize("NFKC", text)) if _plain(word))
    return {word.lower() for word in found}


def doubtful(question: str, language: str, embedder: Embedder) -> dict[str, int]:
    """Words in small letters that may be misspelt if the corpus lacks them, and how much."""
    checked = understood(embedder.name, language)
    shortest = SHORTEST if checked else DOUBTED_UNCHECKED
    nothing = embedder.count_tokens("")
    return {
        word: 2 if checked and len(word) >= LONG else 1
        for word in dict.fromkeys(found.group().lower() for found in _prose(question, language))
        if len(word) >= shortest
        and word not in _function_words()
        and embedder.count_tokens(word) - nothing > 1
    }


def mend(
    question: str, near: Mapping[str, Sequence[str]], language: str, frequency: Frequencies
) -> str:
    """Each doubted word becomes the commonest of the words near it that the corpus has now."""

    def common(word: str) -> int:
        if word in stop_words().get(language, ()):
            return sys.maxsize  # no index counts them, and no word is commoner
        return max((frequency.get(term, 0) for term in terms(word, language)), default=0)

    best = {word: max(those, key=common) for word, those in near.items() if those}
    meant = {word: one for word, one in best.items() if common(one)}
    return _replaced(question, language, lambda word: meant.get(word.lower(), word))


def _replaced(question: str, language: str, meant: Callable[[str], str]) -> str:
    pieces, done = [], 0
    for found in _prose(question, language):
        pieces += [question[done : found.start()], meant(found.group())]
        done = found.end()
    return "".join([*pieces, question[done:]])


def _prose(question: str, language: str) -> Iterator[re.Match[str]]:
    """Words that are neither names nor within an identifier."""
    starts = True
    for piece in SPOKEN.finditer(question):
        token = piece.group()
        if not INSIDE.search(token.strip(AROUND)) and not CALL.search(token):
            for found in WORD.finditer(question, piece.start(), piece.end()):
                named = found.group()[0].isupper() and not starts
                if _plain(found.group()) and (not named or language in NOUNS_HAVE_CAPITALS):
                    yield found
        starts = token.endswith(ENDS)


def _plain(word: str) -> bool:
    """Letters only, none of them a capital but the first."""
    letters = SHORTEST <= len(word) <= LONGEST and word.isalpha() and word[1:] == word[1:].lower()
    return letters and not FIRST_UNSPACED.match(word)


@cache
def _function_words() -> frozenset[str]:
    return frozenset(chain.from_iterable(stop_words().values()))
