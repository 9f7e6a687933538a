"""What a collection holds, in numbers, as `stage3 stats` tells it. Left out: other tenants."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from stage3_rag.duplicates import ALIKE, likeness
from stage3_rag.refusal import SETTING
from stage3_rag.store import Store


@dataclass(frozen=True, slots=True)
class Alike:
    """Two documents that say almost the same; `likeness` is the share of their common runs."""

    first: str
    second: str
    likeness: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """All zero and empty for a collection that nothing was put into."""

    tenant: str
    documents: int = 0
    superseded: int = 0
    chunks: int = 0
    terms: int = 0
    embedder: str = ""
    dimensions: int = 0
    chunker: str = ""
    search: str = ""
    languages: tuple[str, ...] = ()
    threshold: str = ""
    origins: dict[str, int]
    alike: tuple[Alike, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


async def stats(store: Store) -> Stats:
    """Of one moment. `store` is opened without an embedder, so that any index can be looked at."""
    async with store.snapshot() as now:
        if now.index is None:
            return Stats(tenant=store.tenant, origins={})
        documents = await now.documents()
        calibrated = await now.setting(SETTING) is not None
        return Stats(
            tenant=store.tenant,
            documents=len(documents),
            superseded=sum(bool(one.superseded_by) for one in documents),
            chunks=now.index.chunks,
            terms=now.index.terms,
            embedder=now.index.embedder,
            dimensions=now.index.dimensions,
            chunker=now.index.chunker,
            search="approximate" if now.index.has_hnsw else "exact",
            languages=tuple(await now.languages()),
            threshold="calibrated" if calibrated else "not calibrated, a careful default",
            origins=dict(Counter(one.origin for one in documents)),
            alike=tuple(_alike(await now.pairs())),
        )


def _alike(pairs: list[tuple[str, str, bytes, bytes]]) -> list[Alike]:
    found = (Alike(a, b, round(likeness(one, two), 3)) for a, b, one, two in pairs)
    return sorted((one for one in found if one.likeness >= ALIKE), key=lambda one: -one.likeness)
