"""Puts a run together: model, tools, limits, record; for all commands and the score."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from shared.calls import Tap
from shared.messages import Usage
from shared.models import Model as ModelName
from shared.models import resolve
from shared.offline.attach import with_offline
from shared.prices import PriceList, open_prices
from shared.providers.opening import open_provider
from shared.settings import Settings
from stage4_agent import agent
from stage4_agent.contract import (
    Approve,
    Decision,
    Kit,
    Limits,
    Model,
    Outcome,
    Proposal,
    Solve,
    Tool,
)
from stage4_agent.faults import Fault, broken
from stage4_agent.journal import Event, Journal
from stage4_agent.prompts import load_prompt
from stage4_agent.tasks import Run, Task
from stage4_agent.toolbox import Toolbox
from stage4_agent.tools.offered import Places, tools


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A model that can be asked, and the folder where this run's orders and notes are kept."""

    model: Model
    name: ModelName
    prices: PriceList
    home: Path
    settings: Settings | None = None
    limits: Limits = field(default_factory=Limits)
    notes: bool = False
    more: Sequence[Tool] = ()  # tools that are not this stage's own

    def price(self, usage: Usage) -> Decimal:
        return self.prices.cost(usage, self.name.id, self.name.provider).total_usd

    @property
    def places(self) -> Places:
        return Places(orders=self.home / "orders.db", notes=self.home / "notes.db")

    def kit(
        self,
        task: str,
        journal: Journal,
        approve: Approve,
        faults: Mapping[str, Fault] | None = None,
        patience_s: float = 1.0,
    ) -> Kit:
        own = tools(task, self.places, self.settings, notes=self.notes)
        offered: Sequence[Tool] = [*own, *self.more]
        if faults:
            offered = broken(offered, dict(faults), patience_s)
        return Kit(
            model=self.model,
            tools=Toolbox(offered),
            journal=journal,
            system=load_prompt("agent").text,
            limits=self.limits,
            approve=approve,
            price=self.price,
        )


@asynccontextmanager
async def open_bench(
    name: str,
    settings: Settings,
    home: Path,
    limits: Limits | None = None,
    *,
    notes: bool = False,
    more: Sequence[Tool] = (),
    taps: Sequence[Tap] = (),
) -> AsyncIterator[Bench]:
    model = resolve(name, settings)
    with with_offline([model], settings) as reachable:
        async with open_provider(model, reachable, taps=taps) as provider:
            yield Bench(
                model=provider,
                name=model,
                prices=open_prices(settings.prices_file),
                home=home,
                settings=settings,
                limits=limits or Limits(),
                notes=notes,
                more=more,
            )


async def run_task(
    task: Task,
    bench: Bench,
    faults: Mapping[str, Fault] | None = None,
    *,
    solve: Solve = agent.solve,
    patience_s: float = 1.0,
    watch: Callable[[Event], None] | None = None,
) -> Run:
    """The task with its own answer to every request for approval."""

    async def approve(_: Proposal) -> Decision:
        return task.approve

    before = placed(bench.places.orders)
    journal = Journal(watch=watch)
    outcome: Outcome = await solve(
        task.task, bench.kit(task.task, journal, approve, faults, patience_s)
    )
    return Run(outcome, journal.events, placed(bench.places.orders)[len(before) :])


def placed(file: Path) -> list[tuple[str, int]]:
    if not file.is_file():
        return []
    with closing(sqlite3.connect(file)) as db:
        return [(sku, quantity) for sku, quantity in db.execute("SELECT sku, quantity FROM placed")]
