"""Many documents through one extractor: a few at a time, each finished one kept at once.

A document that cannot be read, or that no model could extract, is a named failure in its place; the
others go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.documents import UnreadableDocument
from shared.errors import LocalError
from shared.journal import Journal, key_of
from stage2_extractor.documents import read_document
from stage2_extractor.extract import Extractor
from stage2_extractor.reading import Failure

AT_A_TIME = 4


@dataclass(frozen=True, slots=True)
class Done:
    """One document's result. `cached`: it was in the journal and nothing was paid now."""

    name: str
    result: dict[str, Any]
    cached: bool = False

    @property
    def failed(self) -> bool:
        return self.result.get("record") is None


@dataclass(frozen=True, slots=True)
class Item:
    """`read` gives the text, and may raise `UnreadableDocument`."""

    name: str
    read: Callable[[], str]


def items_of(files: Sequence[Path]) -> list[Item]:
    return [Item(str(file), lambda file=file: read_document(file)) for file in files]  # type: ignore[misc]


async def run_batch(
    items: Sequence[Item], extractor: Extractor, journal: Journal, *, at_a_time: int = AT_A_TIME
) -> AsyncIterator[Done]:
    """Results as they are finished. Cancelling loses no finished one."""
    gate = asyncio.Semaphore(at_a_time)
    asking: dict[str, asyncio.Lock] = {}  # by key: a text that comes twice is paid once
    tasks = [asyncio.create_task(_one(item, extractor, journal, gate, asking)) for item in items]
    try:
        for finished in asyncio.as_completed(tasks):
            yield await finished
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _one(
    item: Item,
    extractor: Extractor,
    journal: Journal,
    gate: asyncio.Semaphore,
    asking: dict[str, asyncio.Lock],
) -> Done:
    async with gate:
        try:
            text = await asyncio.to_thread(item.read)
        except UnreadableDocument as error:
            return Done(item.name, {"record": None, "failure": "unreadable", "detail": str(error)})
        key = key_of(extractor.identity, text)
        async with asking.setdefault(key, asyncio.Lock()):
            if (known := journal.get(key)) is not None:
                return Done(item.name, known, cached=True)
            result = (await extractor.extract(text)).to_json()
            if result["failure"] != Failure.CALL:  # a later run may get through
                _keep(journal, key, result)
            return Done(item.name, result)


def _keep(journal: Journal, key: str, result: dict[str, Any]) -> None:
    try:
        journal.put(key, result)
    except OSError as error:
        raise LocalError(f"{journal.path} cannot be written: {error.strerror}") from None
