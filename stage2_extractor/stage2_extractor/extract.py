"""From a text to a record: ask, check, ask again with the complaint, ask the bigger model, stop.

Every failure has a name, every try its usage and cost, also those that failed. What is returned is
a record whose every value stands in the text, or an explicit failure; never a guess.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from shared.errors import CallError, UnpricedModel
from shared.messages import OutputSchema, Request, Usage
from shared.prices import PriceList
from shared.providers.provider import Provider
from stage2_extractor.prompts import Prompt, follow_up, request
from stage2_extractor.reading import Failure as Failure  # noqa: PLC0414  (evaluation imports it here)
from stage2_extractor.reading import Reading, read
from stage2_extractor.shape import schema_of

# A second try with the complaint can mend these; the same model will refuse or overflow again.
MENDABLE = frozenset(Failure) - {Failure.REFUSED, Failure.TRUNCATED, Failure.CALL}


@dataclass(frozen=True, slots=True)
class Try:
    """One call. `usage` is None when the server did not state it."""

    model: str
    failure: Failure | None
    detail: str
    usage: Usage | None
    cost_usd: Decimal | None
    seconds: float
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """`record` is None when every try failed; `model` is the one that gave it, or was asked last.

    `hallucinated` are claims without a span in the text: they are not in the record. `failure`
    with a record is ARITHMETIC: the sums do not hold, and a second look did not change that.
    """

    task: str
    prompt: str
    model: str
    record: BaseModel | None
    evidence: Mapping[str, str | None] = field(default_factory=dict)
    hallucinated: Mapping[str, Any] = field(default_factory=dict)
    failure: Failure | None = None
    tries: tuple[Try, ...]

    @property
    def usage(self) -> Usage:
        return sum((one.usage for one in self.tries if one.usage), Usage())

    @property
    def cost_usd(self) -> Decimal | None:
        """Over all tries; None as soon as the cost of one is unknown."""
        costs = [one.cost_usd for one in self.tries]
        known = [cost for cost in costs if cost is not None]
        return sum(known, Decimal(0)) if len(known) == len(costs) else None

    @property
    def seconds(self) -> float:
        return sum(one.seconds for one in self.tries)

    def to_json(self) -> dict[str, Any]:
        usage = self.usage
        return {
            "task": self.task,
            "prompt": self.prompt,
            "model": self.model,
            "record": self.record.model_dump(mode="json") if self.record else None,
            "evidence": dict(self.evidence),
            "hallucinated": {name: str(value) for name, value in self.hallucinated.items()},
            "failure": self.failure,
            "tries": [
                {"model": one.model, "failure": one.failure, "detail": one.detail}
                for one in self.tries
            ],
            "input_tokens": usage.input_tokens,
            "cached_tokens": usage.cache_read_tokens,
            "output_tokens": usage.output_tokens,
            "cost_usd": None if self.cost_usd is None else float(self.cost_usd),
            "seconds": round(self.seconds, 4),
        }


class Extractor:
    """`big` is asked once when `small` failed twice; without it the extraction fails there."""

    def __init__(
        self,
        prompt: Prompt,
        small: Provider,
        big: Provider | None,
        prices: PriceList,
        *,
        max_tokens: int = 2048,
    ) -> None:
        self.prompt = prompt
        self.schema: OutputSchema = schema_of(prompt)
        self._small = small
        self._big = big
        self._prices = prices
        self._max_tokens = max_tokens

    @property
    def identity(self) -> str:
        """Everything but the text that decides a result: prompt, schema, models, token limit."""
        models = [(p.model.provider, p.model.id) for p in (self._small, self._big) if p]
        parts = [self.prompt, self.schema, models, self._max_tokens]
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    async def extract(self, text: str) -> Extraction:
        """The record of `text`. No failure of a model or a call leaves here as an exception."""
        asked = request(self.prompt, text, self.schema, max_tokens=self._max_tokens)
        tries: list[Try] = []
        reading = await self._try(self._small, asked, text, tries)
        if reading.failure in MENDABLE:
            better = follow_up(asked, reading.detail)
            second = await self._try(self._small, better, text, tries)
            reading = _better(reading, second)
        if reading.failure and self._big is not None:
            third = await self._try(self._big, asked, text, tries)
            reading = _better(reading, third)
        return self._extraction(reading, tries)

    async def _try(
        self, provider: Provider, asked: Request, text: str, tries: list[Try]
    ) -> Reading:
        started = time.monotonic()
        try:
            reply = await provider.complete(asked, feature=f"extract:{self.prompt.name}")
        except CallError as error:
            reading = Reading(Failure.CALL, str(error), provider.model.id)
            usage, request_id = _spent(error), error.request_id
        else:
            reading = replace(read(self.prompt.task, reply, text), model=reply.model)
            usage, request_id = reply.usage, reply.request_id
        cost = self._cost(provider, reading.model, usage)
        seconds = time.monotonic() - started
        told = (reading.failure, reading.detail, usage, cost, seconds, request_id)
        tries.append(Try(reading.model, *told))
        return reading

    def _cost(self, provider: Provider, model: str, usage: Usage | None) -> Decimal | None:
        if usage is None:
            return None
        if usage == Usage():
            return Decimal(0)
        try:
            return self._prices.cost(usage, model, provider.model.provider).total_usd
        except UnpricedModel:
            return None

    def _extraction(self, reading: Reading, tries: list[Try]) -> Extraction:
        kept = reading.record is not None
        flagged = reading.failure if reading.failure is not Failure.HALLUCINATED else None
        return Extraction(
            task=self.prompt.task,
            prompt=self.prompt.name,
            model=reading.model,
            record=reading.record,
            evidence=reading.evidence,
            hallucinated=reading.hallucinated,
            failure=flagged if kept else reading.failure,
            tries=tuple(tries),
        )


def _better(first: Reading, second: Reading) -> Reading:
    """The later reading, unless it lost the record that the earlier one had."""
    if second.record is None and first.record is not None:
        return first
    return second


def _spent(error: CallError) -> Usage | None:
    """Tokens of a call that failed. An error status is not billed; what broke may have been."""
    if error.partial and error.partial.usage:
        return error.partial.usage
    return Usage() if error.status and error.status >= 400 and error.attempts == 1 else None
