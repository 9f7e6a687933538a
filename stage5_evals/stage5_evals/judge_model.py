"""One pinned model that gives verdicts: asked with a versioned prompt, answered in a fixed form.

A refusal, a cut answer, nonsense, a timeout or a rate limit raises and is never a verdict; the
caller counts it as a failure. The same words and the same repeat index are not paid for twice.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from pydantic import BaseModel, Field

from shared.journal import key_of
from shared.messages import Request, user
from shared.schemas import output_schema, validated
from stage5_evals.judge_prompts import JudgePrompt
from stage5_evals.verdict_cache import VerdictCache

if TYPE_CHECKING:
    from shared.messages import Usage
    from shared.prices import PriceList
    from shared.providers.provider import Provider

MAX_TOKENS = 400
AT_A_TIME = 8


class ClaimVerdict(BaseModel):
    reason: str = Field(description="One sentence that names what decided.")
    verdict: Literal["supported", "contradicted", "not_enough_information"]


class RelevanceVerdict(BaseModel):
    reason: str = Field(description="One sentence that names what decided.")
    verdict: Literal["relevant", "partly_relevant", "irrelevant"]


class CorrectnessVerdict(BaseModel):
    reason: str = Field(description="One sentence that names what decided.")
    verdict: Literal["correct", "partly_correct", "incorrect"]


class PreferenceVerdict(BaseModel):
    reason: str = Field(description="One sentence that names what decided.")
    verdict: Literal["A", "B", "tie"]


V = TypeVar("V", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Given(Generic[V]):
    """A verdict, what it cost, and whether it was paid for earlier."""

    verdict: V
    cost_usd: float
    cached: bool


class JudgeModel:
    """`identity` names model and provider; with a prompt's it is all that decides a verdict."""

    def __init__(self, provider: Provider, prices: PriceList, cache: VerdictCache) -> None:
        self._provider = provider
        self._prices = prices
        self._cache = cache
        self._turns = asyncio.Semaphore(AT_A_TIME)

    @property
    def model(self) -> str:
        return self._provider.model.id

    def identity(self, prompt: JudgePrompt, form: type[BaseModel]) -> str:
        schema = json.dumps(dict(output_schema(form).schema), sort_keys=True)
        words = key_of(prompt.system, prompt.form, schema, str(MAX_TOKENS), self._maker())[:10]
        return f"{prompt.name}@{self.model}#{words}"

    async def ask(self, prompt: JudgePrompt, form: type[V], repeat: int, **parts: str) -> Given[V]:
        """Raises a `StageError` where there is no verdict."""
        words = prompt.filled(**parts)
        key = key_of(self.identity(prompt, form), words, str(repeat))
        if (known := self._cache.get(key)) is not None:
            return Given(form.model_validate(known), 0.0, True)
        request = Request(
            messages=(user(words),),
            system=prompt.system,
            cache_system=True,
            output=output_schema(form),
            max_tokens=MAX_TOKENS,
        )
        async with self._turns:
            reply = await self._provider.complete(request, feature=f"judge {prompt.name}")
        verdict = validated(reply, form)
        self._cache.put(key, verdict.model_dump())
        return Given(verdict, self._cost(reply.usage), False)

    def _maker(self) -> str:
        """The offline model's judgement is code of this project, so its version is part of it."""
        if self._provider.model.provider != "offline":
            return self._provider.model.provider
        from shared.offline.skills.judge import VERSION

        return f"offline judge {VERSION}"

    def _cost(self, usage: Usage | None) -> float:
        if usage is None:
            return 0.0
        model = self._provider.model
        return float(self._prices.cost(usage, model.id, model.provider).total_usd)


@asynccontextmanager
async def open_judge_model(name: str, *, cached: bool = True) -> AsyncIterator[JudgeModel]:
    """The model of that name, reachable inside the block; the offline one is started if needed."""
    from shared.models import resolve
    from shared.offline.attach import with_offline
    from shared.prices import open_prices
    from shared.providers.opening import open_provider
    from shared.settings import load_settings

    settings = load_settings()
    model = resolve(name, settings)
    async with AsyncExitStack() as stack:
        reachable = stack.enter_context(with_offline([model], settings))
        provider = open_provider(model, reachable)
        stack.push_async_callback(provider.aclose)
        folder = settings.home / "evals" / "verdicts" if cached else None
        yield JudgeModel(provider, open_prices(settings.prices_file), VerdictCache(folder))
