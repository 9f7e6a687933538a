"""What an ingestion, a rebuild and a collection look like in words and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from stage3_rag.ingest import Report
from stage3_rag.reindex import Rebuilt
from stage3_rag.stats import Stats

if TYPE_CHECKING:
    from stage3_rag.contextual import ModelContexts

NAMED = 5  # of a long list; `--json` has all


def report_text(
    report: Report, path: str, tenant: str, contexts: ModelContexts | None = None
) -> str:
    lines = [f'{path} into the collection "{tenant}": {_counts(report)}']
    lines += _listed("changed", report.changed)
    lines += _listed("removed, no file holds them any more", report.removed)
    lines += _said("almost the same as another document", _twins(report.alike))
    lines += _said("of another tenant, left out", _tenants(report.foreign))
    lines += _said("skipped", list(report.skipped.values()))
    lines += _said("FAILED; what was read before stays", list(report.failed.values()), every=True)
    if contexts:
        lines.append(_paid(contexts))
    return "\n".join(lines) + "\n"


def report_json(report: Report, contexts: ModelContexts | None = None) -> dict[str, Any]:
    paid = {} if contexts is None else {"contexts": _paid_json(contexts)}
    return {**asdict(report), **paid}


def rebuilt_text(rebuilt: Rebuilt, tenant: str) -> str:
    kept = f", {rebuilt.kept} of them by an earlier run" if rebuilt.kept else ""
    return (
        f'The collection "{tenant}" is rebuilt: {_number(rebuilt.documents, "document")}{kept}, '
        f"{_number(rebuilt.chunks, 'chunk')} by the chunker {rebuilt.chunker}, embedded with "
        f"{rebuilt.embedder}.\n"
        "Its refusal threshold was measured on the old index and is gone: run `stage3 calibrate`.\n"
    )


def stats_text(stats: Stats) -> str:
    if not stats.documents:
        return f'The collection "{stats.tenant}" is empty: fill it with `stage3 ingest FOLDER`.\n'
    lines = [
        f'The collection "{stats.tenant}"',
        f"  documents   {stats.documents:,}, {stats.superseded} of them superseded",
        f"  chunks      {stats.chunks:,} by the chunker {stats.chunker}, "
        f"{stats.terms / max(stats.chunks, 1):.0f} terms each",
        f"  embedder    {stats.embedder}, {stats.dimensions} dimensions, {stats.search} search",
        f"  languages   {', '.join(stats.languages)}",
        f"  threshold   {stats.threshold}",
    ]
    lines += [
        f"  from        {origin or 'no folder'}: {n:,}" for origin, n in stats.origins.items()
    ]
    twins = [f"{one.first} and {one.second} ({one.likeness:.0%})" for one in stats.alike]
    lines += [f"  almost the same: {twin}" for twin in twins[:NAMED]]
    if len(twins) > NAMED:
        lines.append(f"  almost the same: {len(twins) - NAMED} pairs more, see --json")
    return "\n".join(lines) + "\n"


def _counts(report: Report) -> str:
    parts = [
        f"{len(names)} {what}"
        for what, names in (
            ("added", report.added),
            ("changed", report.changed),
            ("unchanged", report.unchanged),
            ("removed", report.removed),
            ("failed", report.failed),
        )
        if names
    ]
    return f"{', '.join(parts) or 'nothing to do'}; {_number(report.chunks, 'chunk')} written"


def _listed(what: str, ids: Sequence[str]) -> list[str]:
    return _said(what, list(ids))


def _said(what: str, lines: Sequence[str], *, every: bool = False) -> list[str]:
    if not lines:
        return []
    shown = lines if every else lines[:NAMED]
    more = [f"    and {len(lines) - NAMED} more"] if len(shown) < len(lines) else []
    return [f"  {len(lines)} {what}:", *(f"    {line}" for line in shown), *more]


def _twins(alike: Mapping[str, str]) -> list[str]:
    return [f"{id} as {twin}" for id, twin in alike.items()]


def _tenants(foreign: Mapping[str, str]) -> list[str]:
    return [f"{id}: {tenant}" for id, tenant in foreign.items()]


def _paid(contexts: ModelContexts) -> str:
    cost = "no price known" if contexts.cost_usd is None else f"${contexts.cost_usd:.4f}"
    failed = f", {contexts.failed} calls failed (headings only)" if contexts.failed else ""
    return f"  {contexts.written} lines of context by {contexts.identity}: {cost}{failed}"


def _paid_json(contexts: ModelContexts) -> dict[str, Any]:
    return {
        "by": contexts.identity,
        "written": contexts.written,
        "failed": contexts.failed,
        "input_tokens": contexts.usage.input_tokens,
        "cached_tokens": contexts.usage.cache_read_tokens,
        "output_tokens": contexts.usage.output_tokens,
        "cost_usd": None if contexts.cost_usd is None else float(contexts.cost_usd),
    }


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
