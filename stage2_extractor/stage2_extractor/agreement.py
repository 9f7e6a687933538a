"""How often two people who labelled the same documents said the same.

What two careful readers do not agree on, no model can be blamed for. Fields are compared with the
rules of `metrics`, buckets with Cohen's kappa. Left out: who was right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from stage2_extractor.confusion import kappa
from stage2_extractor.dataset import Case
from stage2_extractor.metrics import FIELDS, compare, judge, ratio
from stage2_extractor.records import Invoice, Ticket


@dataclass(frozen=True, slots=True)
class Agreement:
    """`shares`: of the documents that both labelled, how many agree, a field. `kappa`: tickets."""

    task: str
    documents: int
    shares: Mapping[str, float]
    differing: tuple[str, ...]
    kappa: float | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "task": self.task,
            "documents": self.documents,
            "agreement": {name: round(share, 4) for name, share in self.shares.items()},
            "kappa": None if self.kappa is None else round(self.kappa, 4),
            "differing": list(self.differing),
        }


def agreement(task: str, first: Sequence[Case], second: Mapping[str, BaseModel]) -> Agreement:
    """The two passes over the cases that are in both."""
    both = [(case.id, case.record, second[case.id]) for case in first if case.id in second]
    return _of_tickets(both) if task == "ticket" else _of_invoices(both)


def render_agreement(found: Agreement) -> str:
    kinds = {"invoice": "invoices", "ticket": "tickets"}
    lines = [f"{found.documents} {kinds[found.task]} labelled twice, share that agrees"]
    lines += [f"  {name:16} {share:6.1%}" for name, share in found.shares.items()]
    if found.kappa is not None:
        lines.append(f"  {'Cohen kappa':16} {found.kappa:6.3f}")
    if found.differing:
        lines.append(f"  differing: {', '.join(found.differing)}")
    return "\n".join(lines) + "\n"


def _of_tickets(both: Sequence[tuple[str, BaseModel, BaseModel]]) -> Agreement:
    pairs = [
        (one.bucket, other.bucket)
        for _, one, other in both
        if isinstance(one, Ticket) and isinstance(other, Ticket)
    ]
    differing = [name for name, one, other in both if one != other]
    share = ratio(len(both) - len(differing), len(both)) or 0.0
    return Agreement("ticket", len(both), {"bucket": share}, tuple(differing), kappa(pairs))


def _of_invoices(both: Sequence[tuple[str, BaseModel, BaseModel]]) -> Agreement:
    agreed = dict.fromkeys((*FIELDS, "lines"), 0)
    differing = []
    for name, one, other in both:
        same = _same_fields(one, other)
        for field in same:
            agreed[field] += 1
        differing += [f"{name} {field}" for field in agreed if field not in same]
    shares = {field: ratio(count, len(both)) or 0.0 for field, count in agreed.items()}
    return Agreement("invoice", len(both), shares, tuple(differing))


def _same_fields(one: BaseModel, other: BaseModel) -> list[str]:
    """Fields on which both say the same; `lines` when every cell of every row does."""
    if not (isinstance(one, Invoice) and isinstance(other, Invoice)):
        return []
    same = [f for f in FIELDS if compare(getattr(one, f), getattr(other, f)).flawless]
    judged = judge(one, other, "")
    rows = (judged.rows, *judged.cells.values())
    return [*same, *(["lines"] if all(tally.flawless for tally in rows) else [])]
