"""What goes into a RAG and what comes out of it: the types that every file of this stage speaks.

Frozen data only. Left out: how anything is stored, ranked or asked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from shared.messages import Usage


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of text under one heading; `path` is the headings above it, outermost first."""

    path: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One source. `id` is what a citation names: a path within the corpus, or any other name.

    `sections` is the text cut at its headings, in order; a plain text is one section without a
    path. `superseded_by` names the document that replaces this one. `tenant` is whose it says it
    is; empty means: of whoever ingests it.
    """

    id: str
    title: str
    sections: tuple[Section, ...]
    tags: tuple[str, ...] = ()
    updated: date | None = None
    superseded_by: str = ""
    tenant: str = ""

    @property
    def text(self) -> str:
        """Headings and text as a reader sees them; where a quoted span is looked for."""
        return "\n\n".join(
            "\n\n".join((*section.path[-1:], section.text)) for section in self.sections
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """What is searched. `text` is verbatim from the document; `context` is put before it when it
    is embedded and indexed (title and heading path, or a line that a model wrote), never cited.

    `parent` is the wider text that is given to the model instead, when a chunker makes one.
    """

    document_id: str
    ordinal: int
    path: tuple[str, ...]
    text: str
    context: str
    tokens: int
    parent: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """What was asked and answered before, in a conversation."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Restricts a search, inside the store. Empty means no restriction."""

    documents: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None


Retriever = Literal["bm25", "dense", "late"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A chunk that was found. `ranks` and `scores` say where each retriever had it (1 is best)."""

    chunk_id: int
    chunk: Chunk
    title: str
    score: float
    ranks: dict[Retriever, int] = field(default_factory=dict)
    scores: dict[Retriever, float] = field(default_factory=dict)
    superseded_by: str = ""


@dataclass(frozen=True, slots=True)
class Citation:
    """`quote` stands word for word in the document."""

    document_id: str
    quote: str
    chunk_id: int | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence of an answer with what supports it."""

    text: str
    citations: tuple[Citation, ...]


Reason = Literal["off_topic", "not_in_context", "unsupported", "empty_corpus"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`statements` is empty exactly when it was declined, and then `reason` says why.

    `hits` is what was retrieved, best first. `dropped` holds sentences of the model that no cited
    chunk supported. `usage` and `cost_usd` count all model calls; the cost of an unpriced model is
    None.
    """

    question: str
    statements: tuple[Statement, ...] = ()
    reason: Reason | None = None
    hits: tuple[Hit, ...] = ()
    dropped: tuple[str, ...] = ()
    model: str = ""
    usage: Usage = field(default_factory=Usage)
    cost_usd: Decimal | None = None
    retrieval_s: float = 0.0
    total_s: float = 0.0

    @property
    def declined(self) -> bool:
        return not self.statements

    @property
    def text(self) -> str:
        return " ".join(statement.text for statement in self.statements)
