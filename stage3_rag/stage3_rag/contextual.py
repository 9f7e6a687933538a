"""A line of context that a model writes for each chunk, put between its headings and its text.

Optional, since it costs a call a chunk. The whole document stands first in every prompt and is
marked as a prefix, so a provider with a prompt cache bills it in full once; that is why a
document's first call is made alone. A call that fails leaves its chunk with the headings, and the
document is tried again by the next run that asks for lines. Left out: what would fail for every
chunk, such as a refused key or a spent budget, ends the run; what was written before stays.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from shared import front_matter
from shared.budget import Budget
from shared.embeddings import Embedder
from shared.errors import ModelError, ProviderError, Refused, Truncated, UnpricedModel
from shared.messages import Message, Reply, Request, Text, Usage
from shared.prices import PriceList
from shared.providers.provider import Provider
from shared.tokens import count_tokens
from stage3_rag.contract import Chunk, Document
from stage3_rag.spans import Measured, Span, TokenCounter

PROMPTS = Path(__file__).parent / "prompts"
PROMPT = "context-1"
AT_A_TIME = 8
MAX_TOKENS = 100  # of an answer
MOST_LINE = 48  # the embedder's tokens: 200 of a chunk and these are within the 256 it reads
LONGEST = 200_000  # characters of a document that a prompt holds, about 50,000 tokens


class ModelContexts:
    """Counts over all documents: `written` and `failed` calls, `usage`, and what they cost.

    `cost_usd` is None when the model has no price.
    """

    def __init__(
        self,
        provider: Provider,
        prices: PriceList,
        embedder: Embedder,
        budget_usd: float | None = None,
        *,
        prompt: str = PROMPT,
    ) -> None:
        self._provider = provider
        self._prices = prices
        self._count = TokenCounter(embedder)
        self._budget = Budget(None if budget_usd is None else Decimal(str(budget_usd)))
        self._gate = asyncio.Semaphore(AT_A_TIME)
        self._system = front_matter.read(PROMPTS / f"{prompt}.md")[1].strip()
        self.identity = f"{provider.model.id}/{prompt}"
        self.written = 0
        self.failed = 0
        self.usage = Usage()
        self.cost_usd: Decimal | None = Decimal(0)

    async def write(self, document: Document, chunks: Sequence[Chunk]) -> tuple[list[Chunk], bool]:
        before = self.failed
        shown = Text(_shown(document), cache=True)
        first = [await self._one(shown, chunk) for chunk in chunks[:1]]
        rest = await asyncio.gather(*(self._one(shown, chunk) for chunk in chunks[1:]))
        return [*first, *rest], self.failed == before

    async def _one(self, document: Text, chunk: Chunk) -> Chunk:
        request = Request(
            messages=(Message("user", (document, Text(_passage(chunk)))),),
            system=self._system,
            max_tokens=MAX_TOKENS,
        )
        try:
            async with self._gate:
                line = _line(await self._call(request))
        except (ProviderError, ModelError):
            self.failed += 1
            return chunk
        self.written += 1
        return self._with(chunk, line)

    async def _call(self, request: Request) -> Reply:
        held = self._most(request)
        self._budget.hold(held)
        spent = Decimal(0)
        try:
            reply = await self._provider.complete(request, feature="rag:context")
            spent = self._spent(reply)
            return reply
        finally:
            self._budget.settle(held, spent)

    def _most(self, request: Request) -> Decimal:
        """What a call can cost at most; nothing is held where nobody set a limit."""
        if self._budget.limit_usd is None:
            return Decimal(0)
        text = "".join(part.text for part in request.messages[0].parts if isinstance(part, Text))
        tokens = count_tokens(self._system) + count_tokens(text)
        return self._cost(Usage(tokens, MAX_TOKENS, cache_write_tokens=tokens))

    def _spent(self, reply: Reply) -> Decimal:
        self.usage += reply.usage or Usage()
        try:
            cost = self._cost(reply.usage) if reply.usage else None
        except UnpricedModel:
            cost = None
        known = cost is not None and self.cost_usd is not None
        self.cost_usd = self.cost_usd + cost if known else None  # type: ignore[operator]
        return cost or Decimal(0)

    def _cost(self, usage: Usage) -> Decimal:
        model = self._provider.model
        return self._prices.cost(usage, model.id, model.provider).total_usd

    def _with(self, chunk: Chunk, line: str) -> Chunk:
        measured = Measured(line, self._count)
        kept = next(measured.windows(Span(0, len(line)), MOST_LINE))
        context = "\n".join(part for part in (chunk.context, line[kept.start : kept.end]) if part)
        return replace(chunk, context=context, tokens=chunk.tokens + measured.tokens(kept))


def _shown(document: Document) -> str:
    """Of a document that is too long, the beginning: it says what the rest is about."""
    return f"<document>\n{document.title}\n\n{document.text[:LONGEST]}\n</document>"


def _passage(chunk: Chunk) -> str:
    where = " > ".join(chunk.path)
    return (
        f"\n\n<passage>\n{where}\n\n{chunk.text}\n</passage>\n\n"
        "Write the one sentence of context for this passage."
    )


def _line(reply: Reply) -> str:
    """One line; `ModelError` for what is none."""
    if reply.refusal or reply.stop == "refusal":
        raise Refused("the model refused to write a line of context", reply=reply)
    text = " ".join(reply.text.split()).strip("\"'“”` ")
    if not text or reply.stop == "length":
        raise Truncated("the model wrote no whole line of context", reply=reply)
    return text
