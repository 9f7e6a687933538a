"""The models this server serves, and which brain answers for a name it does not know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from shared.offline.fields import Rejected

Kind = Literal["small", "large", "embed"]
WINDOW = 128_000  # tokens, prompt and answer together


@dataclass(frozen=True, slots=True)
class Served:
    id: str
    kind: Kind
    name: str


MODELS = {
    served.id: served
    for served in (
        Served("offline-small", "small", "Offline small (words)"),
        Served("offline-large", "large", "Offline large (MiniLM embeddings)"),
        Served("offline-embed", "embed", "all-MiniLM-L6-v2, 384 dimensions"),
    )
}


def resolve(model: str, any_model: str | None, *, embed: bool = False) -> Served:
    """`any_model`: the chat model that answers for unknown names; without it they are a 404."""
    served = MODELS.get(model)
    if served is None and any_model:
        served = MODELS["offline-embed" if embed else any_model]
    if served is None or (served.kind == "embed") != embed:
        names = ", ".join(m.id for m in MODELS.values() if (m.kind == "embed") == embed)
        problem = f"The model {model[:100]!r} does not exist here; this server has {names}"
        raise Rejected(404, problem, param="model", code="model_not_found")
    return served
