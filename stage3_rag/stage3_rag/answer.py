"""A question to an answer whose every sentence has a quote, or to a refusal that says why.

Two gates. Before the model: what was found is too far from the question, so nothing is asked and
nothing is paid. After it: `citations` drops each sentence without support, and an answer with no
sentence left is a refusal. Passages that do not fit into one call are asked pack by pack, and the
statements that stood are put together by one more call. Left out: retrieval, and printing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field

from shared import front_matter
from shared.errors import EmptyPrompt, ModelError, UnpricedModel
from shared.messages import Reply, Request, Usage, user
from shared.prices import PriceList
from shared.providers.provider import Provider
from shared.schemas import output_schema, validated
from shared.tokens import count_tokens
from stage3_rag.citations import Claim, checked
from stage3_rag.context import Passage, pack, written
from stage3_rag.contract import Answer, Filters, Hit, Reason, Statement, Turn
from stage3_rag.retrieve import Retriever
from stage3_rag.rewrite import expanded, hypothetical, joined, self_query, standalone
from stage3_rag.snapshot import EVERYTHING

PROMPTS = Path(__file__).parent / "prompts"
PROMPT = "answer-1"
PASSAGES = 8
SHOWN = 10  # hits that an answer comes with
MAX_TOKENS = 1200
Expansion = Literal["none", "expansion", "hyde", "self"]
MOST_AT_ONCE = 4  # packs that are asked at the same time


class Given(BaseModel):
    text: str = Field(description="One sentence that answers the question or a part of it.")
    source: int = Field(description="The id of the passage that supports the sentence.")
    quote: str = Field(description="Words of that passage, copied exactly, that support it.")


class Answered(BaseModel):
    answerable: bool = Field(description="False when the passages do not hold the answer.")
    statements: list[Given] = Field(description="Empty when it is not answerable.")


@dataclass(slots=True)
class Spent:
    """Usage and cost of all calls of one question; an unpriced model makes the cost unknown."""

    usage: Usage = field(default_factory=Usage)
    cost_usd: Decimal | None = Decimal(0)
    model: str = ""


class Answerer:
    """Asks one model about what one retriever finds."""

    def __init__(
        self, retriever: Retriever, provider: Provider, prices: PriceList, *, prompt: str = PROMPT
    ) -> None:
        self._retriever, self._provider, self._prices = retriever, provider, prices
        self.prompt = prompt
        self._system = front_matter.read(PROMPTS / f"{prompt}.md")[1].strip()

    async def ask(
        self,
        question: str,
        *,
        history: Sequence[Turn] = (),
        filters: Filters = EVERYTHING,
        passages: int = PASSAGES,
        expand: Expansion = "none",
    ) -> Answer:
        """The answer; a failed call of the model raises what `shared.errors` names.

        With turns before it the question is first rewritten to stand alone. `expand` is searched
        with, and never shown to the model that answers.
        """
        if not question.strip():
            raise EmptyPrompt("the question is empty: ask in words")
        started, spent = time.monotonic(), Spent()
        asked = await self._standing_alone(question, history, spent)
        searched, filters = await self._searched(asked, filters, expand, spent)
        before = time.monotonic()
        found = await self._retriever.find(searched, max(SHOWN, passages), filters)
        answer = Answer(question=asked, hits=found.hits, retrieval_s=time.monotonic() - before)
        if found.refusal is None:
            answer = await self._answered(answer, passages, spent)
        else:
            answer = replace(answer, reason=found.refusal)
        return replace(
            answer,
            model=spent.model,
            usage=spent.usage,
            cost_usd=spent.cost_usd,
            total_s=time.monotonic() - started,
        )

    async def _standing_alone(self, question: str, history: Sequence[Turn], spent: Spent) -> str:
        """Rewritten by the model; a model that cannot has the turns before put beside it."""
        try:
            asked, reply = await standalone(question, history, self._provider)
        except ModelError as error:
            self._count(error.reply, spent)
            return joined(question, history)
        self._count(reply, spent)
        return asked

    async def _searched(
        self, question: str, filters: Filters, expand: Expansion, spent: Spent
    ) -> tuple[str, Filters]:
        """What is searched for, and where."""
        if expand == "none":
            return question, filters
        if expand == "self":
            tags = {tag for one in await self._retriever.store.documents() for tag in one.tags}
            text, found, reply = await self_query(question, sorted(tags), self._provider)
            filters = replace(
                filters,
                tags=filters.tags or found.tags,
                since=filters.since or found.since,
                until=filters.until or found.until,
            )
        else:
            written = expanded if expand == "expansion" else hypothetical
            text, reply = await written(question, self._provider)
        self._count(reply, spent)
        return text, filters

    async def _answered(self, answer: Answer, passages: int, spent: Spent) -> Answer:
        packs = await asyncio.to_thread(pack, answer.hits[:passages], count_tokens)
        stood, dropped, able = await self._read(answer.question, packs, spent)
        if len(packs) > 1 and len(stood) > 1:
            stood = await self._reduced(answer.question, stood, answer.hits, spent)
        reason: Reason | None = None
        if not stood:
            reason = "unsupported" if able else "not_in_context"
        return replace(
            answer,
            statements=tuple(stood),
            reason=reason,
            dropped=tuple(dropped),
        )

    async def _read(
        self, question: str, packs: Sequence[Sequence[Passage]], spent: Spent
    ) -> tuple[list[Statement], list[str], bool]:
        """Map: each pack by itself. What stood, what was dropped, whether any was answerable."""
        gate = asyncio.Semaphore(MOST_AT_ONCE)

        async def one(passages: Sequence[Passage]) -> Answered:
            async with gate:
                return await self._call(question, passages, spent)

        answers = await asyncio.gather(*(one(passages) for passages in packs))
        stood: list[Statement] = []
        dropped: list[str] = []
        for passages, answered in zip(packs, answers, strict=True):
            if answered.answerable:
                kept, lost = checked(_claims(answered), passages)
                stood, dropped = stood + kept, dropped + lost
        return stood, dropped, any(a.answerable and a.statements for a in answers)

    async def _reduced(
        self, question: str, stood: Sequence[Statement], hits: Sequence[Hit], spent: Spent
    ) -> list[Statement]:
        """Reduce: the model chooses among the statements; each keeps the citations it had."""
        passages = [_as_passage(at, one, hits[0]) for at, one in enumerate(stood, 1)]
        answered = await self._call(question, passages, spent)
        chosen = [one.source for one in answered.statements if 0 < one.source <= len(stood)]
        return [stood[at - 1] for at in dict.fromkeys(chosen)] or list(stood)

    async def _call(self, question: str, passages: Sequence[Passage], spent: Spent) -> Answered:
        asked = Request(
            messages=(user(f"{written(passages)}\n\nQuestion: {question.strip()}"),),
            system=self._system,
            cache_system=True,
            output=output_schema(Answered),
            max_tokens=MAX_TOKENS,
        )
        reply = await self._provider.complete(asked, feature="rag:answer")
        self._count(reply, spent)
        try:
            return validated(reply, Answered)
        except ModelError:  # refused, cut or no JSON: no sentence of it can be checked
            return Answered(answerable=False, statements=[])

    def _count(self, reply: Reply | None, spent: Spent) -> None:
        if reply is None:  # nothing was asked
            return
        spent.model = reply.model
        spent.usage += reply.usage or Usage()
        try:
            cost = self._prices.cost(
                reply.usage or Usage(), reply.model, self._provider.model.provider
            ).total_usd
        except UnpricedModel:
            cost = None
        if reply.usage is None or cost is None or spent.cost_usd is None:
            spent.cost_usd = None
        else:
            spent.cost_usd += cost


def _claims(answered: Answered) -> list[Claim]:
    return [Claim(" ".join(one.text.split()), one.source, one.quote) for one in answered.statements]


def _as_passage(number: int, statement: Statement, hit: Hit) -> Passage:
    return Passage(number, replace(hit, superseded_by=""), statement.text)
