"""Starts the offline model for a command that needs it and has no address of one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from shared.models import Model
from shared.settings import Settings


@contextmanager
def with_offline(models: Iterable[Model], settings: Settings) -> Iterator[Settings]:
    """Settings under which `models` can be reached; the server ends with the block."""
    needed = any(model.provider == "offline" for model in models)
    if not needed or settings.offline_base_url:
        yield settings
        return
    from shared.offline.server import LocalServer

    with LocalServer() as server:
        yield settings.model_copy(update={"offline_base_url": server.base_url})
