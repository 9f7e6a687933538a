"""Starts the offline model for a command that needs it and has no address of one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shared.errors import MissingExtra
from shared.models import Model
from shared.settings import Settings

if TYPE_CHECKING:
    from shared.embeddings import Embedder


@contextmanager
def with_offline(models: Sequence[Model], settings: Settings) -> Iterator[Settings]:
    """Settings under which `models` can be reached; the server ends with the block."""
    needed = any(model.provider == "offline" for model in models)
    if not needed or settings.offline_base_url:
        yield settings
        return
    from shared.offline.server import LocalServer

    with LocalServer(embedder=_embedder(models)) as server:
        yield settings.model_copy(update={"offline_base_url": server.base_url})


def _embedder(models: Sequence[Model]) -> Embedder | None:
    """The weights, read before the first question, so that no answer is timed with them.

    Without the extra that reads them the large model answers what needs no meaning.
    """
    if all(model.id != "offline-large" for model in models):
        return None
    from shared.embeddings import MiniLM

    try:
        return MiniLM()
    except MissingExtra:
        return None
