"""Runs prompt versions over labelled cases and keeps what came of each, good or bad.

Any list of cases will do; no file is assumed. With a journal an interrupted run is taken up where
it was, and each repeat of a case has a place of its own in it, so that a repeat is never the first
answer read again. Left out: what the outcomes are worth (`summary`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from shared.errors import ProviderError
from shared.journal import Journal, key_of
from shared.models import Model
from shared.offline.attach import with_offline
from shared.prices import open_prices
from shared.providers.opening import open_provider
from shared.providers.provider import Provider
from shared.settings import Settings
from stage2_extractor.dataset import Case
from stage2_extractor.extract import Extractor, Failure
from stage2_extractor.prompts import Prompt
from stage2_extractor.shape import RECORDS

AT_A_TIME = 4
MAX_TOKENS = 4096
HOPELESS = 5  # this many calls without an answer before the first one that had one


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One extraction of one case. `record` is None where it failed; `failure` is its name.

    `cost_usd` is None where a server did not state the usage. `cached`: read from the journal.
    """

    case: Case
    repeat: int
    record: BaseModel | None
    evidence: Mapping[str, str | None]
    hallucinated: Mapping[str, str]
    failure: str | None
    tries: tuple[Mapping[str, Any], ...]
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost_usd: float | None
    seconds: float
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """One prompt over all cases, in their order; the repeats of a case follow one another."""

    prompt: Prompt
    outcomes: tuple[Outcome, ...]
    repeats: int

    @property
    def models(self) -> list[str]:
        """Every model that was asked, the first one first."""
        asked = (one["model"] for outcome in self.outcomes for one in outcome.tries)
        return list(dict.fromkeys(asked))

    def by_case(self) -> list[tuple[Outcome, ...]]:
        """The repeats of each case."""
        step = self.repeats
        return [self.outcomes[i : i + step] for i in range(0, len(self.outcomes), step)]


Finished = Callable[[Outcome], None]


async def evaluate(
    cases: Sequence[Case],
    extractor: Extractor,
    *,
    repeats: int = 1,
    journal: Journal | None = None,
    at_a_time: int = AT_A_TIME,
    finished: Finished = lambda outcome: None,
) -> Run:
    """Every case `repeats` times; `finished` hears of each outcome as it comes.

    A failed extraction is an outcome; `ProviderError` when the first calls all come to nothing.
    """
    gate = asyncio.Semaphore(at_a_time)
    watch = _Watch(finished)
    wanted = [(case, repeat) for case in cases for repeat in range(repeats)]
    tasks = [
        asyncio.create_task(_one(case, repeat, extractor, journal, gate, watch))
        for case, repeat in wanted
    ]
    try:
        return Run(extractor.prompt, tuple(await asyncio.gather(*tasks)), repeats)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def evaluate_versions(
    cases: Sequence[Case],
    prompts: Sequence[Prompt],
    small: Model,
    big: Model | None,
    settings: Settings,
    *,
    repeats: int = 1,
    max_tokens: int = MAX_TOKENS,
    journal: Journal | None = None,
    finished: Finished = lambda outcome: None,
) -> list[Run]:
    """One run a prompt, on the same models; without a journal nothing is remembered."""
    prices = open_prices(settings.prices_file)
    async with open_models(small, big, settings) as providers:
        runs = []
        for prompt in prompts:
            extractor = Extractor(prompt, *providers, prices, max_tokens=max_tokens)
            run = evaluate(cases, extractor, repeats=repeats, journal=journal, finished=finished)
            runs.append(await run)
        return runs


@asynccontextmanager
async def open_models(
    small: Model, big: Model | None, settings: Settings
) -> AsyncIterator[tuple[Provider, Provider | None]]:
    """Providers that can be reached inside the block; no second one where it is the same model."""
    models = [small] + ([big] if big and big.id != small.id else [])
    with with_offline(models, settings) as reachable:
        providers = [open_provider(model, reachable) for model in models]
        try:
            yield providers[0], (providers[1] if len(providers) > 1 else None)
        finally:
            for provider in providers:
                await provider.aclose()


@contextmanager
def open_journal(path: Path, models: Sequence[Model | None]) -> Iterator[Journal]:
    """Takes an interrupted evaluation up again.

    After a whole one on the offline model alone nothing is kept: measuring again costs nothing, and
    an answer of an older offline model must not pass for one of the present.
    """
    with Journal(path) as journal:
        yield journal
    if all(model is None or model.provider == "offline" for model in models):
        path.unlink(missing_ok=True)


class _Watch:
    """Tells of each outcome, and stops a run in which no call comes through."""

    def __init__(self, finished: Finished) -> None:
        self._finished = finished
        self._dead = 0  # calls without an answer, before the first one with an answer
        self._alive = False

    def __call__(self, outcome: Outcome) -> None:
        self._alive = self._alive or outcome.failure != Failure.CALL
        self._dead += not self._alive
        if not self._alive and self._dead >= HOPELESS:
            raise ProviderError(f"no call came through: {outcome.tries[-1]['detail']}")
        self._finished(outcome)


async def _one(
    case: Case,
    repeat: int,
    extractor: Extractor,
    journal: Journal | None,
    gate: asyncio.Semaphore,
    watch: Finished,
) -> Outcome:
    key = key_of(extractor.identity, case.text, f"repeat {repeat}")
    async with gate:
        known = journal.get(key) if journal else None
        result = known or (await extractor.extract(case.text)).to_json()
        if journal and not known and result["failure"] != Failure.CALL:
            journal.put(key, result)
    outcome = _outcome(case, repeat, result, cached=known is not None)
    watch(outcome)
    return outcome


def _outcome(case: Case, repeat: int, result: Mapping[str, Any], *, cached: bool) -> Outcome:
    record = result["record"]
    return Outcome(
        case=case,
        repeat=repeat,
        record=RECORDS[result["task"]].model_validate(record) if record else None,
        evidence=result["evidence"],
        hallucinated=result["hallucinated"],
        failure=result["failure"],
        tries=tuple(result["tries"]),
        input_tokens=result["input_tokens"],
        cached_tokens=result["cached_tokens"],
        output_tokens=result["output_tokens"],
        cost_usd=result["cost_usd"],
        seconds=result["seconds"],
        cached=cached,
    )
