"""A RAG of one page, so that the harness can be tried on something that really answers.

BM25 over the sections of a folder, a small reranker, a refusal gate, the offline model through the
same provider as every stage, and a check of its quotes. Every part can be switched off by an
option: that is what the planted regressions do. Stage 3 is the real thing.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from shared import front_matter
from shared.messages import Request, user
from shared.models import resolve
from shared.offline.attach import with_offline
from shared.prices import open_prices
from shared.providers.opening import open_provider
from shared.schemas import output_schema, validated
from shared.settings import load_settings

HERE = Path(__file__).parent
K1, B = 1.2, 0.75
STOP = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "at",
        "be",
        "by",
        "can",
        "do",
        "does",
        "for",
        "from",
        "how",
        "in",
        "is",
        "it",
        "its",
        "long",
        "many",
        "may",
        "much",
        "of",
        "on",
        "or",
        "that",
        "the",
        "then",
        "there",
        "to",
        "was",
        "what",
        "when",
        "where",
        "which",
        "who",
        "with",
    ]
)


class Given(BaseModel):
    text: str
    source: int
    quote: str


class Answered(BaseModel):
    answerable: bool
    statements: list[Given]


@dataclass(frozen=True)
class Section:
    document: str
    text: str
    terms: tuple[str, ...]


@dataclass(frozen=True)
class Options:
    index: str = "corpus"
    prompt: str = "answer-1"
    model: str = "offline-small"
    top_k: int = 5
    least: float = 0.45
    rerank: bool = True
    retriever: str = "bm25"
    cite: bool = True
    refuse: bool = True
    passage_characters: int = 10_000
    reverse_files: bool = False


@asynccontextmanager
async def open_rag(**given: Any) -> AsyncIterator[Callable[..., Awaitable[dict[str, Any]]]]:
    options = Options(**given)
    sections = read(HERE / options.index, reverse=options.reverse_files)
    system = front_matter.read(HERE / "prompts" / f"{options.prompt}.md")[1].strip()
    settings = load_settings()
    model = resolve(options.model, settings)
    prices = open_prices(None)
    with with_offline([model], settings) as reachable:
        async with open_provider(model, reachable) as provider:

            async def ask(question: str, history: list[dict[str, str]]) -> dict[str, Any]:
                asked = " ".join([*(turn["question"] for turn in history[-1:]), question])
                hits, sure = find(asked, sections, options)
                shown = hits[: options.top_k]
                answer: dict[str, Any] = {
                    "answer": "The handbook does not say.",
                    "declined": True,
                    "citations": [],
                    "retrieved": [{"document": h.document, "text": h.text} for h in hits[:10]],
                    "cost_usd": 0.0,
                }
                if options.refuse and sure < options.least:
                    return answer
                passages = "\n".join(
                    f'<passage id="{n}">\n{h.text[: options.passage_characters]}\n</passage>'
                    for n, h in enumerate(shown, 1)
                )
                request = Request(
                    messages=(user(f"{passages}\n\nQuestion: {asked}"),),
                    system=system,
                    output=output_schema(Answered),
                )
                reply = await provider.complete(request, feature="ferry")
                cost = prices.cost(reply.usage, reply.model, "offline") if reply.usage else None
                answer |= {
                    "model": reply.model,
                    "cost_usd": float(cost.total_usd) if cost else None,
                }
                said = validated(reply, Answered).statements
                if said:
                    text = " ".join(one.text for one in said)
                    return (
                        answer | {"answer": text, "declined": False} | cited(said, shown, options)
                    )
                if options.refuse:
                    return answer
                return answer | {"answer": shown[0].text.split(". ")[0], "declined": False}

            yield ask


def read(folder: Path, *, reverse: bool) -> list[Section]:
    """One section for each heading; the title is part of every section's terms."""
    found = []
    for file in sorted(folder.glob("*.md"), reverse=reverse):
        parts = re.split(r"\n(?=## )", file.read_text(encoding="utf-8"))
        title = parts[0].splitlines()[0]
        found += [Section(file.name, part.strip(), terms(f"{title} {part}")) for part in parts]
    return found


def find(
    question: str, sections: Sequence[Section], options: Options
) -> tuple[list[Section], float]:
    """All sections, best first, and which share of the question's rare words the best one has."""
    asked = terms(question)
    if options.retriever == "broken":
        shuffled = random.Random(question).sample(list(sections), len(sections))
        return shuffled, 1.0
    counts = Counter(term for section in sections for term in set(section.terms))
    rare = {t: math.log(1 + (len(sections) - counts[t] + 0.5) / (counts[t] + 0.5)) for t in asked}
    mean = sum(len(section.terms) for section in sections) / len(sections)
    scored = []
    for section in sections:
        inside = Counter(section.terms)
        score = sum(
            rare[t]
            * inside[t]
            * (K1 + 1)
            / (inside[t] + K1 * (1 - B + B * len(section.terms) / mean))
            for t in asked
        )
        if options.rerank:  # words that stand together count for more
            pairs = set(zip(section.terms, section.terms[1:], strict=False))
            score += sum(pair in pairs for pair in zip(asked, asked[1:], strict=False))
        scored.append((score, section))
    scored.sort(key=lambda one: (-one[0], one[1].document, one[1].text))
    best = [section for _, section in scored]
    known = sum(rare[t] for t in set(asked) if t in best[0].terms)
    return best, known / (sum(rare[t] for t in set(asked)) or 1.0)


def cited(said: Sequence[Given], shown: Sequence[Section], options: Options) -> dict[str, Any]:
    """Only quotes that stand in the passage they name."""
    if not options.cite:
        return {}
    real = [
        {"document": shown[one.source - 1].document, "quote": one.quote}
        for one in said
        if 0 < one.source <= len(shown)
        and one.quote in " ".join(shown[one.source - 1].text.split())
    ]
    return {"citations": real}


def terms(text: str) -> tuple[str, ...]:
    words = re.findall(r"[a-z0-9]+", text.lower())
    return tuple(word.removesuffix("s") for word in words if word not in STOP)
