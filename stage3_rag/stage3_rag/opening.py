"""Puts a RAG together from settings: store, embedder, retriever and, with a model, the answerer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from shared.embeddings import MiniLM
from shared.models import resolve
from shared.offline.attach import with_offline
from shared.prices import open_prices
from shared.providers.opening import open_provider
from shared.providers.provider import Provider
from shared.settings import Settings
from stage3_rag.answer import Answerer
from stage3_rag.retrieve import Retriever
from stage3_rag.store import Store, open_store


@dataclass(frozen=True, slots=True)
class Collection:
    """One tenant's documents, ready to be searched and written."""

    store: Store
    embedder: MiniLM
    retriever: Retriever


@asynccontextmanager
async def open_collection(settings: Settings, tenant: str) -> AsyncIterator[Collection]:
    embedder = await asyncio.to_thread(MiniLM)
    async with open_store(settings, tenant, embedder=embedder) as store:
        yield Collection(store, embedder, Retriever(store, embedder))


@dataclass(frozen=True, slots=True)
class Rag:
    """A collection and the model that answers from it."""

    collection: Collection
    provider: Provider
    answerer: Answerer


@asynccontextmanager
async def open_rag(settings: Settings, tenant: str, model_name: str) -> AsyncIterator[Rag]:
    model = resolve(model_name, settings)
    with with_offline([model], settings) as reachable:
        async with open_collection(reachable, tenant) as collection:
            provider = open_provider(model, reachable)
            try:
                prices = open_prices(settings.prices_file)
                yield Rag(collection, provider, Answerer(collection.retriever, provider, prices))
            finally:
                await provider.aclose()
