"""Answers a question from the documents in the prompt with a citation, or declines.

It copies the best sentences, no more: it cannot combine facts into a conclusion, calculate, or
answer in words of its own. The small model needs the question's own words in the documents; the
large one also weighs meaning. Instructions inside a document are neither followed nor quoted.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from shared.offline.skills import answerable, wishes
from shared.offline.skills.documents import Document
from shared.offline.skills.mind import Mind
from shared.offline.words import coverage, rarity, sentences, terms

DECLINE = "The documents given do not answer this question."
# Below these the best sentence usually talks of something else (own examples, both models: MiniLM's
# cosine was 0.53 and more for paraphrased answers, 0.34 at most where there was none).
_ENOUGH_WORDS = 0.5
_ENOUGH_MEANING = 0.42
_READ_CLOSELY = 40  # sentences that the large model embeds; the others share too few words

ORDER = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instruction|prompt|rule|above|previous|prior|earlier)"
    r"|\b(?:begin|start|end|prefix) (?:every|each|all|your) (?:answer|reply|response|message)"
    r"|\btell the user (?:that|to)\b|\bdo not (?:reveal|tell the user)\b"
    r"|\b(?:you are now|you must now|new instructions?:|system prompt|as an ai|assistant:|system:)",
    re.I,
)
_ASKS = (
    (re.compile(r"\b(?:when|what (?:date|year|time|day))\b", re.I), re.compile(r"\d")),
    (
        re.compile(r"\bhow (?:many|much|long|old|far|often|large|big|fast)\b", re.I),
        re.compile(r"\d"),
    ),
    (re.compile(r"\bwho\b", re.I), re.compile(r"(?<=[a-z,] )[A-Z][a-z]+")),
    (re.compile(r"\bwhy\b", re.I), re.compile(r"\b(?:because|since|so that|due to|as)\b", re.I)),
)
_LINK = re.compile(r"\[([^\]\n]+)\]\([^)\s]*\)")
_HOW = re.compile(r"\bhow (?:long|often|far|old|soon|big|large|fast)\b", re.I)


@dataclass(frozen=True, slots=True)
class Quote:
    """`score` is 0 to 1: how far the sentence with its document covers the question."""

    document: Document
    sentence: str
    score: float


def reply(question: str, documents: Sequence[Document], wish: wishes.Wishes, mind: Mind) -> str:
    found = quotes(question, documents, mind)
    if not found:
        return wish.decline or DECLINE
    usual = 2 if mind.large else 1
    pieces = [f"{spoken(quote.sentence)} {wish.cite.format(quote.document.id)}" for quote in found]
    return wishes.shaped(pieces, wish, usual)


def quotes(question: str, documents: Sequence[Document], mind: Mind) -> list[Quote]:
    """The sentences that answer, best first; none when the documents do not hold an answer."""
    ranked = _by_words(question, documents)
    if mind.large and ranked:
        ranked = _by_meaning(question, ranked, mind)
    enough = _ENOUGH_MEANING if mind.large else _ENOUGH_WORDS
    passages = {d.id: f"{d.title} {d.text}" for d in documents}
    wanted = answerable.telling(answerable.names(question), list(passages.values()))
    able = [
        one
        for one in itertools.takewhile(lambda quote: quote.score >= enough, ranked)
        if answerable.possible(question, wanted, one.sentence, passages[one.document.id])
    ]
    floor = able[0].score * 0.75 if able else 0.0
    return [quote for quote in able if quote.score >= floor]


def spoken(sentence: str) -> str:
    """A sentence as it is said: without emphasis, link targets, and the bars of a table."""
    plain = _LINK.sub(r"\1", sentence).replace("**", "").replace("__", "")
    if plain.startswith("|") or plain.endswith("|"):
        cells = (cell.strip() for cell in plain.split("|"))
        plain = ", ".join(cell for cell in cells if cell)
    return plain.strip()


def _by_words(question: str, documents: Sequence[Document]) -> list[Quote]:
    """All sentences by their rarity-weighted share of the question's words.

    Words of the document's title and of the sentence before count half: they say what a `this`
    in the sentence is about.
    """
    wanted = terms(_HOW.sub(" ", question))
    parts = [(d, head, _statements(text)) for d in documents for head, text in d.sections()]
    split = [(d, head, lines, [terms(line) for line in lines]) for d, head, lines in parts]
    weigh = rarity(words for *_, lines in split for words in lines)
    found: list[Quote] = []
    for document, head, lines, words in split:
        title = terms(f"{head} {document.id}")
        for at, line in enumerate(lines):
            own = coverage(wanted, words[at], weigh)
            around = {*words[at], *title, *(words[at - 1] if at else ())}
            score = 0.5 * own + 0.5 * coverage(wanted, around, weigh)
            score += _fits_kind(question, line) if own else 0.0
            found.append(Quote(document, line, min(1.0, score)))
    return sorted(found, key=lambda quote: -quote.score)


def _by_meaning(question: str, ranked: Sequence[Quote], mind: Mind) -> list[Quote]:
    best = ranked[:_READ_CLOSELY]
    close = mind.closeness(question, [quote.sentence for quote in best])
    both = [
        Quote(quote.document, quote.sentence, 0.25 * quote.score + 0.75 * max(0.0, cosine))
        for quote, cosine in zip(best, close, strict=True)
    ]
    return sorted(both, key=lambda quote: -quote.score)


def _statements(text: str) -> list[str]:
    return [
        line
        for line in sentences(text)
        if not line.endswith(("?", ":")) and len(line) > 2 and not ORDER.search(line)
    ]


def _fits_kind(question: str, line: str) -> float:
    """A small bonus where a `when` finds a number, a `who` a name, and so on."""
    return max(
        (0.08 for ask, sign in _ASKS if ask.search(question) and sign.search(line)), default=0.0
    )
