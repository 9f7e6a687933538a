"""The second gate: a sentence of the model stands only when a quote in its passage supports it.

Questions that need no model: is there such a passage; does the quote stand in it; does the quote
hold every number of the sentence and the same negation; does it share enough of the sentence's
words; is it no order to an assistant, which only an injected text holds. Left out: whether a true
paraphrase in quite other words is supported. It is dropped: that costs an answer, and invents none.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stage3_rag.context import Passage
from stage3_rag.contract import Citation, Statement
from stage3_rag.lexical import terms

SHARED_WORDS = 0.5  # of the sentence's terms, in the quote or in the headings above it
SHORTEST_QUOTE = 12  # characters; "the" stands in every passage
_NUMBER = re.compile(r"\d+(?:[.,:\u202f]\d+)*")
_MARKUP = re.compile(
    r"[*_`~|\\]+|\[(?=[^\]]*\]\()|(?<=\])\([^)\s]*\)|(?:^|\n)\s*(?:[-+#>]+|\d+\.)\s"
)
_NEGATION = re.compile(
    r"\b(?:no|not|never|none|nobody|nothing|neither|nor|without|cannot|kein\w*|nicht|nie|ohne|ne|pas|"
    r"sin|nunca|jamás|не|нет|без)\b|n['\u2019]t\b",
    re.I,
)


# Words that speak to an assistant and not to a reader: no sentence of an answer may pass them on.
_ORDER = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instruction|prompt|rule|above|previous)"
    r"|\b(?:begin|start|end|prefix) (?:every|each|all|your) (?:answer|reply|response|message)"
    r"|\b(?:you are now|new instructions?:|(?:assistant|system):)"
    r"|\btell the user (?:that|to)\b|\bdo not (?:reveal|tell the user)\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence as a model gave it: `source` is the number of a passage."""

    text: str
    source: int
    quote: str


def checked(
    claims: Sequence[Claim], passages: Sequence[Passage]
) -> tuple[list[Statement], list[str]]:
    """What stands, and the sentences that were dropped. Claims of one text are one statement."""
    by_number = {one.number: one for one in passages}
    kept: dict[str, list[Citation]] = {}
    dropped: list[str] = []
    for claim in claims:
        citation = supported(claim, by_number)
        if citation is None:
            dropped.append(claim.text)
        else:
            kept.setdefault(claim.text, []).append(citation)
    stood = [Statement(text, tuple(dict.fromkeys(quotes))) for text, quotes in kept.items()]
    return stood, [text for text in dropped if text not in kept]


def supported(claim: Claim, passages: Mapping[int, Passage]) -> Citation | None:
    """The citation, its quote as the document has it; None when the claim does not stand."""
    passage = passages.get(claim.source)
    if passage is None or not claim.text.strip() or _ORDER.search(f"{claim.text} {claim.quote}"):
        return None
    quote = found(claim.quote, passage.text)
    if quote is None or not _carries(claim.text, quote, passage.hit.chunk.context):
        return None
    return Citation(passage.hit.chunk.document_id, quote, passage.hit.chunk_id)


def found(quote: str, text: str) -> str | None:
    """The stretch of `text` that `quote` repeats, but for white space, markup and quote marks."""
    wanted = _plain(quote)[0].strip(" .,;:!?\u2026\"'")
    if len(wanted) < min(SHORTEST_QUOTE, max(1, len(_plain(text)[0].strip()))):
        return None
    plain, places = _plain(text)
    start = plain.find(wanted)
    if start < 0:
        return None
    return text[places[start] : places[start + len(wanted) - 1] + 1]


def _carries(sentence: str, quote: str, context: str) -> bool:
    numbers = set(_NUMBER.findall(sentence))
    if numbers - set(_NUMBER.findall(f"{quote} {context}")):
        return False
    if bool(_NEGATION.search(sentence)) != bool(_NEGATION.search(quote)):
        return False
    wanted = set(terms(sentence))
    there = set(terms(f"{quote}\n{context}"))
    return not wanted or len(wanted & there) / len(wanted) >= SHARED_WORDS


def _plain(text: str) -> tuple[str, list[int]]:
    """Lower case without markup, white space as one blank; and where each sign stood."""
    bare = list(text)
    for match in _MARKUP.finditer(text):
        bare[match.start() : match.end()] = [""] * (match.end() - match.start())
        if "\n" in match[0]:
            bare[match.start()] = " "
    signs: list[str] = []
    places: list[int] = []
    for place, sign in enumerate(bare):
        for small in unicodedata.normalize("NFKC", _QUOTES.get(sign, sign)).casefold():
            blank = small.isspace()
            if blank and (not signs or signs[-1] == " "):
                continue
            signs.append(" " if blank else small)
            places.append(place)
    return "".join(signs), places


_QUOTES = {"\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u00ad": ""}
