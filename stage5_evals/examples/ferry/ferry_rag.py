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
from itertools import pairwise
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
    """a an and are at be by can do does for from how in is it its long many may much of on or that
    the then there to was what when where which who with""".split()  # noqa: SIM905
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
    words: tuple[str, ...]
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
    head, system = front_matter.read(HERE / "prompts" / f"{options.prompt}.md")
    form = output_schema(Answered) if head.get("structured", True) else None
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
                    "retrieved": [{"document": h.document, "text": h.text} for h in shown],
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
                    output=form,
                )
                reply = await provider.complete(request, feature="ferry")
                cost = prices.cost(reply.usage, reply.model, "offline") if reply.usage else None
                answer["model"] = reply.model
                answer["cost_usd"] = float(cost.total_usd) if cost else None
                if form is None:  # free text: whether it is a refusal, and what it quotes, is lost
                    return answer | {"answer": reply.text, "declined": False}
                said = validated(reply, Answered).statements
                if not said and options.refuse:
                    return answer
                text = " ".join(one.text for one in said) or shown[0].text.split(". ")[0]
                answer |= {"answer": text, "declined": False}
                return answer | cited(said, shown, options)

            yield ask


def read(folder: Path, *, reverse: bool) -> list[Section]:
    """One section for each heading; the title is part of every section's terms."""
    found = []
    for file in sorted(folder.glob("*.md"), reverse=reverse):
        parts = re.split(r"\n(?=## )", file.read_text(encoding="utf-8"))
        title = parts[0].splitlines()[0]
        for part in parts:
            text = re.sub(r"(?<!\n)\n(?!\n)", " ", part.strip())  # where a line ends means nothing
            found.append(Section(file.name, text, words(part), terms(f"{title} {part}")))
    return found


def find(
    question: str, sections: Sequence[Section], options: Options
) -> tuple[list[Section], float]:
    """All sections, best first, and which share of the question's rare words the best one has."""
    asked = terms(question)
    if options.retriever == "broken":
        shuffled = random.Random(question).sample(list(sections), len(sections))  # noqa: S311
        return shuffled, 1.0
    asked_words = words(question)
    rare = rarity(asked_words, [section.words for section in sections])
    mean = sum(len(section.words) for section in sections) / len(sections)
    found = [(bm25(asked_words, section.words, rare, mean), section) for section in sections]
    weight = rarity(asked, [section.terms for section in sections])
    if options.rerank:
        found = [(score + closeness(asked, one.terms, weight), one) for score, one in found]
    found.sort(key=lambda one: (-one[0], one[1].document, one[1].text))
    best = [section for _, section in found]
    known = sum(weight[term] for term in weight if term in best[0].terms)
    return best, known / (sum(weight.values()) or 1.0)


def rarity(asked: Sequence[str], texts: Sequence[Sequence[str]]) -> dict[str, float]:
    counts = Counter(word for text in texts for word in set(text))
    n = len(texts)
    return {one: math.log(1 + (n - counts[one] + 0.5) / (counts[one] + 0.5)) for one in asked}


def bm25(asked: Sequence[str], text: Sequence[str], rare: dict[str, float], mean: float) -> float:
    """Over plain words, without stemming and without stop words, as a first stage often is."""
    inside = Counter(text)
    long = K1 * (1 - B + B * len(text) / mean)
    return sum(rare[one] * inside[one] * (K1 + 1) / (inside[one] + long) for one in asked)


def closeness(asked: Sequence[str], terms: Sequence[str], weight: dict[str, float]) -> float:
    """The reranker: stems and titles count, and what stands together in both."""
    pairs = set(pairwise(terms))
    together = sum(pair in pairs for pair in pairwise(asked))
    return 2 * sum(weight[term] for term in weight if term in terms) + 2 * together


def cited(said: Sequence[Given], shown: Sequence[Section], options: Options) -> dict[str, Any]:
    """Only quotes that stand in the passage they name."""
    if not options.cite:
        return {}
    named = [(shown[one.source - 1], one.quote) for one in said if 0 < one.source <= len(shown)]
    real = [(part, quote) for part, quote in named if quote in " ".join(part.text.split())]
    return {"citations": [{"document": part.document, "quote": quote} for part, quote in real]}


def words(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[a-z0-9]+", text.lower()))


def terms(text: str) -> tuple[str, ...]:
    return tuple(word.removesuffix("s") for word in words(text) if word not in STOP)
