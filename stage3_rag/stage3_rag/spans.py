"""Where a text may be cut: its words with their token counts, its units (sentences, lines, rows).

Everything is a position in the text, so that a chunk is always a verbatim stretch of it. Tokens are
the embedding model's own, counted word by word: exact for WordPiece, which never joins two words,
and within a few percent for other vocabularies. Left out: how units are put together.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

_WIDE = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"  # scripts without spaces between words
_WORD = re.compile(rf"[{_WIDE}]|[^\s{_WIDE}]{{1,40}}")
MOST_KNOWN = 200_000  # words
_BLOCK = re.compile(r"\n[ \t]*\n+")
_ROW = re.compile(r"^\s*(?:\||[-*+•]\s|\d{1,3}[.)]\s|>|```|~~~| {4}|\t)")
_SENTENCE = re.compile(
    r"(?<=[.!?])[\"'”\u2019)\]*_]*\s+(?=[\"'“\u2018(\[*_]*[^\W_a-z])|(?<=[\u3002\uff01\uff1f])"
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|approx|no|nr|dr|mr|mrs|ms|st|fig|cf|eq|sec|z\.B|bzw|ca)\.|\b[A-Z]\.)$",
    re.I,
)


class Counter(Protocol):
    """What is needed of an embedder: `count_tokens` includes the model's own markers."""

    def count_tokens(self, text: str) -> int: ...


@dataclass(frozen=True, slots=True)
class Span:
    start: int
    end: int


class Measured:
    """A text with its words, so that the tokens of any stretch cost two look-ups."""

    def __init__(self, text: str, tokens_of: TokenCounter) -> None:
        self.text = text
        words = list(_WORD.finditer(text))
        self._upto = [0, *accumulate(tokens_of(word[0]) for word in words)]
        self._starts = [word.start() for word in words]
        self._ends = [word.end() for word in words]

    def tokens(self, span: Span) -> int:
        """Of the words that lie wholly or partly in the span, without the model's markers."""
        first = bisect_right(self._ends, span.start)
        after = bisect_left(self._starts, span.end)
        return self._upto[max(first, after)] - self._upto[first]

    def trimmed(self, span: Span) -> Span:
        """Without white space at both ends."""
        part = self.text[span.start : span.end]
        left = len(part) - len(part.lstrip())
        return Span(span.start + left, span.start + max(left, len(part.rstrip())))

    def units(self) -> list[Span]:
        """Sentences of prose; lines of lists, tables and code. None is empty, none overlap."""
        found = (self.trimmed(part) for block in _blocks(self.text) for part in self._parts(block))
        return [span for span in found if span.end > span.start]

    def windows(self, span: Span, most: int) -> Iterator[Span]:
        """The span cut between words into pieces of at most `most` tokens or one word."""
        first = bisect_right(self._ends, span.start)
        after = bisect_left(self._starts, span.end)
        while first < after:
            last = bisect_right(self._upto, self._upto[first] + most, first + 1, after + 1) - 1
            last = max(last, first + 1)
            yield Span(max(self._starts[first], span.start), min(self._ends[last - 1], span.end))
            first = last

    def _parts(self, block: Span) -> Iterator[Span]:
        lines = list(_lines(self.text, block))
        if any(_ROW.match(self.text[line.start : line.end]) for line in lines):
            for line in lines:
                yield from self._sentences(line)
        else:
            yield from self._sentences(block)

    def _sentences(self, span: Span) -> Iterator[Span]:
        start = span.start
        for match in _SENTENCE.finditer(self.text, span.start, span.end):
            if not _ABBREVIATION.search(self.text, max(start, match.start() - 12), match.start()):
                yield Span(start, match.end())
                start = match.end()
        yield Span(start, span.end)


class TokenCounter:
    """Tokens of one word, remembered: a corpus has far fewer words than places they stand in.

    Worth to be shared by all documents of a run.
    """

    def __init__(self, counter: Counter) -> None:
        self._counter, self._known = counter, dict[str, int]()
        self.markers = counter.count_tokens("")

    def __call__(self, word: str) -> int:
        count = self._known.get(word)
        if count is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            count = self._known[word] = self._counter.count_tokens(word) - self.markers
        return count


def _blocks(text: str) -> Iterator[Span]:
    start = 0
    for gap in _BLOCK.finditer(text):
        yield Span(start, gap.start())
        start = gap.end()
    yield Span(start, len(text))


def _lines(text: str, block: Span) -> Iterator[Span]:
    start = block.start
    while start < block.end:
        end = text.find("\n", start, block.end)
        end = block.end if end < 0 else end
        yield Span(start, end)
        start = end + 1
