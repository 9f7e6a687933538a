"""From a text to a record: ask, check, ask again with the complaint, ask the bigger model, stop.

Every failure has a name, every try its usage and cost, also those that failed. What is returned is
a record whose every value stands in the text, or an explicit failure; never a guess.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ValidationError

from shared.errors import CallError, UnpricedModel
from shared.messages import OutputSchema, Reply, Request, Usage
from shared.prices import PriceList
from shared.providers.provider import Provider
from stage2_extractor.checks import complaints
from stage2_extractor.evidence import unsupported
from stage2_extractor.prompts import Prompt, follow_up, request
from stage2_extractor.records import Invoice
from stage2_extractor.shape import RECORDS, loads, schema_of, unwrap


class Failure(StrEnum):
    REFUSED = "refused"
    TRUNCATED = "truncated"
    INVALID_JSON = "invalid_json"
    DRIFTED = "drifted"  # JSON of another shape: other keys than were asked for
    SCHEMA = "schema"  # the right keys, a value of the wrong kind
    ARITHMETIC = "arithmetic"
    HALLUCINATED = "hallucinated"
    CALL = "call"  # no answer came at all


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
    """`record` is None when every try failed.

    `hallucinated` are claims without a span in the text: they are None in the record. `failure`
    with a record is ARITHMETIC: the sums do not hold, and a second look did not change that.
    """

    task: str
    prompt: str
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

    @property
    def model(self) -> str:
        """The model of the last try, which gave the record if there is one."""
        return self.tries[-1].model

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


@dataclass(frozen=True, slots=True)
class _Reading:
    """One reply, read: a record with what is wrong with it, or only what is wrong."""

    failure: Failure | None
    detail: str = ""
    record: BaseModel | None = None
    evidence: Mapping[str, str | None] = field(default_factory=dict)
    hallucinated: Mapping[str, Any] = field(default_factory=dict)


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
        models = [p.model.id for p in (self._small, self._big) if p]
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
    ) -> _Reading:
        started = time.monotonic()
        try:
            reply = await provider.complete(asked, feature=f"extract:{self.prompt.name}")
        except CallError as error:
            seconds = time.monotonic() - started
            tries.append(Try(provider.model.id, Failure.CALL, str(error), None, None, seconds))
            return _Reading(Failure.CALL, str(error))
        reading = read(self.prompt.task, reply, text)
        cost = self._cost(provider, reply)
        seconds = time.monotonic() - started
        about = (reading.failure, reading.detail, reply.usage, cost, seconds, reply.request_id)
        tries.append(Try(reply.model, *about))
        return reading

    def _cost(self, provider: Provider, reply: Reply) -> Decimal | None:
        if reply.usage is None:
            return None
        try:
            return self._prices.cost(reply.usage, reply.model, provider.model.provider).total_usd
        except UnpricedModel:
            return None

    def _extraction(self, reading: _Reading, tries: list[Try]) -> Extraction:
        kept = reading.record is not None
        flagged = reading.failure if reading.failure is not Failure.HALLUCINATED else None
        return Extraction(
            task=self.prompt.task,
            prompt=self.prompt.name,
            record=reading.record,
            evidence=reading.evidence,
            hallucinated=reading.hallucinated,
            failure=flagged if kept else reading.failure,
            tries=tuple(tries),
        )


def read(task: str, reply: Reply, text: str) -> _Reading:
    """What a reply holds, checked from the outside in: end, JSON, keys, kinds, spans, sums."""
    if reply.stop == "refusal":
        return _Reading(Failure.REFUSED, reply.refusal)
    if reply.stop in ("length", "context_full"):
        return _Reading(Failure.TRUNCATED, "the answer was cut at the token limit")
    try:
        payload = loads(reply.text)
    except (ValueError, RecursionError, ArithmeticError) as error:
        return _Reading(Failure.INVALID_JSON, f"it is not JSON: {error}")
    try:
        plain, quotes = unwrap(task, payload)
    except (KeyError, TypeError, AttributeError) as error:
        return _Reading(Failure.DRIFTED, f"it has not the keys of the schema: {error!r}")
    try:
        record = RECORDS[task].model_validate(plain)
    except ValidationError as error:
        return _Reading(Failure.SCHEMA, _complaint(error))
    return _checked(record, quotes, text)


def _checked(record: BaseModel, quotes: Mapping[str, str | None], text: str) -> _Reading:
    if not isinstance(record, Invoice):
        return _Reading(None, record=record, evidence=quotes)
    invented = unsupported(record, quotes, text)
    kept = _without(record, invented)
    if invented:
        claims = ", ".join(f"{name} = {_short(value)}" for name, value in invented.items())
        detail = (
            f"these values stand nowhere in the document: {claims}; give null for what is absent"
        )
        return _Reading(Failure.HALLUCINATED, detail, kept, quotes, invented)
    if wrong := complaints(kept):
        return _Reading(Failure.ARITHMETIC, "; ".join(wrong), kept, quotes)
    return _Reading(None, record=kept, evidence=quotes)


def _without(invoice: Invoice, invented: Mapping[str, Any]) -> Invoice:
    gone = {name: None for name in invented if not name.startswith("lines.")}
    lines = [line for place, line in enumerate(invoice.lines) if f"lines.{place}" not in invented]
    return invoice.model_copy(update={**gone, "lines": lines})


def _better(first: _Reading, second: _Reading) -> _Reading:
    """The later reading, unless it lost the record that the earlier one had."""
    if second.record is None and first.record is not None:
        return first
    return second


def _complaint(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False)[:10]
    )


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."
