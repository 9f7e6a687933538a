"""The commands that fill a collection and look after it: `ingest`, `stats`, `reindex`."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from shared.process import answer, answer_json, unwinding
from shared.progress import progress
from shared.settings import Settings, load_settings
from stage3_rag.store import open_store

if TYPE_CHECKING:
    from shared.embeddings import Embedder
    from stage3_rag.contextual import ModelContexts
    from stage3_rag.ingest import Report
    from stage3_rag.reindex import Rebuilt
    from stage3_rag.stats import Stats

HANDBOOK = Path(__file__).parents[1] / "data" / "handbook"
Bar = tuple[Callable[[int], None], Callable[[], None]]


def run_ingest(arguments: Namespace) -> int:
    """Exit code 1 when a file could not be read; everything else is in the collection then."""
    from stage3_rag.ingest_view import report_json, report_text

    path = Path(arguments.path) if arguments.path else HANDBOOK
    with unwinding(), _bar() as bar:
        report, contexts = asyncio.run(_ingest(path, arguments, load_settings(), bar))
    if arguments.json:
        answer_json(report_json(report, contexts))
    else:
        answer(report_text(report, str(path), arguments.tenant, contexts))
    return 1 if report.failed else 0


def run_stats(arguments: Namespace) -> int:
    from stage3_rag.ingest_view import stats_text

    found = asyncio.run(_stats(arguments.tenant, load_settings()))
    if arguments.json:
        answer_json(found.to_json())
    else:
        answer(stats_text(found))
    return 0


def run_reindex(arguments: Namespace) -> int:
    from dataclasses import asdict

    from stage3_rag.ingest_view import rebuilt_text

    with unwinding(), _bar() as bar:
        rebuilt = asyncio.run(_reindex(arguments, load_settings(), bar))
    if arguments.json:
        answer_json(asdict(rebuilt))
    else:
        answer(rebuilt_text(rebuilt, arguments.tenant))
    return 0


async def _ingest(
    path: Path, arguments: Namespace, settings: Settings, bar: Bar
) -> tuple[Report, ModelContexts | None]:
    from shared.embeddings import MiniLM
    from stage3_rag.ingest import ingest_path

    embedder = await asyncio.to_thread(MiniLM)
    async with (
        _contexts(arguments.context_model, embedder, settings) as contexts,
        open_store(settings, arguments.tenant, embedder=embedder) as store,
    ):
        found, finished = bar
        report = await ingest_path(
            path, store, embedder, contexts=contexts, found=found, finished=finished
        )
        return report, contexts


async def _stats(tenant: str, settings: Settings) -> Stats:
    from stage3_rag.stats import stats

    async with open_store(settings, tenant) as store:
        return await stats(store)


async def _reindex(arguments: Namespace, settings: Settings, bar: Bar) -> Rebuilt:
    from shared.embeddings import MiniLM
    from stage3_rag.reindex import reindex

    embedder = await asyncio.to_thread(MiniLM)
    async with open_store(settings, arguments.tenant) as store:
        found, finished = bar
        return await reindex(
            store, embedder, arguments.chunker or "", found=found, finished=finished
        )


@asynccontextmanager
async def _contexts(
    name: str | None, embedder: Embedder, settings: Settings
) -> AsyncIterator[ModelContexts | None]:
    if name is None:
        yield None
        return
    from shared.models import resolve
    from shared.offline.attach import with_offline
    from shared.prices import open_prices
    from shared.providers.opening import open_provider
    from stage3_rag.contextual import ModelContexts

    model = resolve(name, settings)
    with with_offline([model], settings) as reachable:
        provider = open_provider(model, reachable)
        try:
            prices = open_prices(settings.prices_file)
            yield ModelContexts(provider, prices, embedder, settings.budget_usd)
        finally:
            await provider.aclose()


@contextmanager
def _bar() -> Iterator[Bar]:
    """The bar appears when it is known how much there is to do."""
    with ExitStack() as stack:
        steps: list[Callable[[], None]] = []

        def found(total: int) -> None:
            steps.append(stack.enter_context(progress(total)))

        def finished() -> None:
            steps[-1]()

        yield found, finished
