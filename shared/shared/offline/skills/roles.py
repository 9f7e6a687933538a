"""Which fields of a schema are about other fields: evidence, reasons, confidence, summaries.

Told by their names alone. Also adds to each field what the rules of the prompt say of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from shared.offline.skills import (
    fields,
)
from shared.offline.skills.fields import Field
from shared.offline.skills.task import Task
from shared.offline.words import name_terms, stem


def stems(words: str) -> frozenset[str]:
    return frozenset(map(stem, words.split()))


_EVIDENCE = stems("quote evidence span source snippet excerpt raw citation verbatim")
_REASONS = stems("reason rationale explanation justification reasoning why")
SUMMARIES = stems("summary abstract gist overview")
VALUES = ("value", "answer", "normalized", "normalised", "result")


def _hints(task: Task, names: Sequence[str]) -> dict[str, str]:
    """What lines of the rules say of a field that they name: `- total: the amount to pay`."""
    found: dict[str, str] = {}
    for name in names:
        way = (
            rf"^[^\n]{{0,12}}?[`\"'*]*\b{re.escape(name)}\b[`\"'*]*(?:\s*\([^)\n]*\))?"
            r"\s*(?::|-|=|\u2014|\u2013|is|are)\s*(?P<said>[^\n]+)"
        )
        said = [match["said"] for match in re.finditer(way, task.rules, re.M)]
        found[name] = " ".join(said)[:500]
    return found


def children(task: Task, one: Field) -> list[Field]:
    names = list(one.schema.get("properties") or {})
    return fields.children(one, task.root, _hints(task, names) if task.rules.strip() else None)


def value_child(inner: Sequence[Field]) -> Field | None:
    """The value of an evidence object: it has a child called value and one called quote or so."""
    if not any(is_evidence(child) for child in inner):
        return None
    return next((child for child in inner if child.name.lower() in VALUES), None)


def is_evidence(child: Field) -> bool:
    return bool(_EVIDENCE & set(name_terms(child.name)))


def base_of(child: Field, among: Sequence[Field]) -> Field | None:
    """`total` for `total_quote`: the field that this one is the evidence of."""
    head, _, tail = child.name.rpartition("_")
    if head and _EVIDENCE & set(name_terms(tail)):
        return next((other for other in among if other.name == head), None)
    return None


def is_role(child: Field) -> bool:
    words = set(name_terms(child.name))
    return (
        child.kind == "text" and bool(words & (_REASONS | SUMMARIES))
    ) or child.name == "confidence"
