"""Five ways to cut a document into chunks; `stage3 ablate` shows what each is worth.

| name      | a chunk is |
|-----------|------------|
| `fixed`   | the next so many tokens, wherever they end |
| `sliding` | whole sentences up to the size, a quarter of them shared with the chunk before |
| `semantic`| sentences until their meaning moves away |
| `parent`  | a few sentences to search by; the section around them goes to the model |
| `heading` | a section, or as many of its sentences as fit: never text of two sections |

A chunk's text is verbatim. `context` is the title and the headings above it; it is embedded and
indexed with the text (contextual retrieval), and its tokens count. Left out: where a model writes
the context (`contextual`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from shared.embeddings import Embedder
from shared.errors import UserError
from stage3_rag.contract import Chunk, Document, Section
from stage3_rag.spans import Measured, Span, TokenCounter

SIZE = 200  # tokens of a chunk with its context; MiniLM reads 256
LEAST = 40  # a shorter rest joins the chunk before it
OVERLAP = 0.25
CHILD = 80
PARENT = 480
MOST_CONTEXT = 60  # tokens of title and headings; longer ones lose their outer parts
DRIFT = 0.25  # of the gaps between sentences, the widest are borders

Cut = tuple[Span, Span]  # what is searched, and the wider stretch that the model is given


@dataclass(frozen=True, slots=True)
class Cutter:
    """What a chunker works with. `room` is what the context leaves of the size."""

    embedder: Embedder
    size: int
    room: int

    @property
    def least(self) -> int:
        return min(LEAST, self.room // 3)


Chunker = Callable[[Measured, Cutter], Iterator[Cut]]


def chunk(
    document: Document,
    name: str,
    embedder: Embedder,
    *,
    size: int = SIZE,
    count: TokenCounter | None = None,
) -> list[Chunk]:
    """All chunks of a document, in reading order. `count` is worth sharing between documents."""
    cut = chunker(name)
    count = count or TokenCounter(embedder)
    size = min(size, embedder.max_tokens)
    found: list[Chunk] = []
    for section in _whole(document) if name == "fixed" else document.sections:
        context = _context(document.title, section.path, count)
        room = max(
            size - count.markers - Measured(context, count).tokens(Span(0, len(context))), 16
        )
        measured = Measured(section.text, count)
        for small, wide in cut(measured, Cutter(embedder, size, room)):
            found.append(
                Chunk(
                    document_id=document.id,
                    ordinal=len(found),
                    path=section.path,
                    text=section.text[small.start : small.end],
                    context=context,
                    tokens=measured.tokens(small) + size - room,
                    parent="" if wide == small else section.text[wide.start : wide.end],
                )
            )
    return found


def fixed(text: Measured, cutter: Cutter) -> Iterator[Cut]:
    for span in text.windows(Span(0, len(text.text)), cutter.room):
        yield span, span


def heading(text: Measured, cutter: Cutter) -> Iterator[Cut]:
    for group in _packed(text, cutter.room, cutter.least):
        span = _around(group)
        yield span, span


def sliding(text: Measured, cutter: Cutter) -> Iterator[Cut]:
    """Sentences from the end of one chunk are repeated, up to `OVERLAP` of its tokens."""
    units = _units(text, cutter.room)
    start = 0
    while start < len(units):
        end = _fits(text, units, start, cutter.room)
        span = _around(units[start:end])
        yield span, span
        if end == len(units):
            return
        back, shared = end, 0
        while back - 1 > start:
            shared += text.tokens(units[back - 1])
            if shared > OVERLAP * cutter.room:
                break
            back -= 1
        start = back


def semantic(text: Measured, cutter: Cutter) -> Iterator[Cut]:
    """Borders where neighbouring sentences are least alike, and where the size asks for one."""
    units = _units(text, cutter.room)
    borders = _borders(text, units, cutter)
    group: list[Span] = []
    for at, unit in enumerate(units):
        full = group and text.tokens(_around([*group, unit])) > cutter.room
        turn = at in borders and group and text.tokens(_around(group)) >= cutter.least
        if full or turn:
            yield _around(group), _around(group)
            group = []
        group.append(unit)
    if group:
        yield _around(group), _around(group)


def parent(text: Measured, cutter: Cutter) -> Iterator[Cut]:
    for wide in _packed(text, PARENT, cutter.least):
        for small in _packed(text, min(CHILD, cutter.room), LEAST // 2, wide):
            yield _around(small), _around(wide)


CHUNKERS: dict[str, Chunker] = {
    "fixed": fixed,
    "sliding": sliding,
    "semantic": semantic,
    "parent": parent,
    "heading": heading,
}


def chunker(name: str) -> Chunker:
    if name not in CHUNKERS:
        raise UserError(f"no chunker {name!r}: there are {', '.join(CHUNKERS)}")
    return CHUNKERS[name]


def _whole(document: Document) -> tuple[Section, ...]:
    return (Section((), document.text),)


def _context(title: str, path: Sequence[str], count: TokenCounter) -> str:
    """`Title > heading > heading`, each said once; outer parts go first when it is too long."""
    parts = list(dict.fromkeys(part for part in (title, *path) if part))
    while len(parts) > 1 and _tokens(" > ".join(parts), count) > MOST_CONTEXT:
        del parts[0]
    text = " > ".join(parts)
    first = next(Measured(text, count).windows(Span(0, len(text)), MOST_CONTEXT), Span(0, 0))
    return text[first.start : first.end]


def _tokens(text: str, count: TokenCounter) -> int:
    return Measured(text, count).tokens(Span(0, len(text)))


def _units(text: Measured, most: int) -> list[Span]:
    """The text's units; one that is too large for any chunk is cut between words."""
    found: list[Span] = []
    for unit in text.units():
        found += [unit] if text.tokens(unit) <= most else text.windows(unit, most)
    return found


def _packed(
    text: Measured, most: int, least: int, units: Sequence[Span] | None = None
) -> Iterator[list[Span]]:
    """Units in groups of at most `most` tokens; a short last group shares with the one before."""
    left = list(units) if units is not None else _units(text, most)
    left = [piece for unit in left for piece in text.windows(unit, most)] if units else left
    start = 0
    while start < len(left):
        end = _fits(text, left, start, most)
        rest = text.tokens(_around(left[end:])) if end < len(left) else 0
        if 0 < rest < least:
            end = _balanced(text, left, start)
        yield left[start:end]
        start = end


def _fits(text: Measured, units: Sequence[Span], start: int, most: int) -> int:
    end = start + 1
    while end < len(units) and text.tokens(Span(units[start].start, units[end].end)) <= most:
        end += 1
    return end


def _balanced(text: Measured, units: Sequence[Span], start: int) -> int:
    """Where to cut the last two groups so that neither is a crumb."""
    half = text.tokens(_around(units[start:])) / 2
    end = start + 1
    while end < len(units) - 1 and text.tokens(_around(units[start : end + 1])) <= half:
        end += 1
    return end


def _borders(text: Measured, units: Sequence[Span], cutter: Cutter) -> set[int]:
    """Positions in `units` before which the meaning changes most."""
    if len(units) < 3:
        return set()
    import numpy as np

    vectors = cutter.embedder.embed([text.text[unit.start : unit.end] for unit in units])
    alike = (vectors[:-1] * vectors[1:]).sum(axis=1)
    limit = float(np.quantile(alike, DRIFT))
    return {at + 1 for at, cosine in enumerate(alike) if cosine <= limit}


def _around(units: Sequence[Span]) -> Span:
    return Span(units[0].start, units[-1].end)
