"""What a person reads: an answer with its sources, hits with the rank each search gave them."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from shared.tables import table
from stage3_rag.contract import Answer, Citation, Hit
from stage3_rag.covered import Covered

WIDTH = 96
REASONS = {
    "off_topic": "Declined: nothing in this collection is about that. No model was asked.",
    "not_in_context": "Declined: the passages that were found do not hold the answer.",
    "unsupported": "Declined: the model's sentences had no support in the passages.",
    "empty_corpus": "Declined: the collection is empty. Fill it with `stage3 ingest FOLDER`.",
}


def answer_text(answer: Answer) -> str:
    """The sentences with [n], then the quotes they stand on, then what it took."""
    sources = list(dict.fromkeys(c for one in answer.statements for c in one.citations))
    lines: list[str] = []
    for one in answer.statements:
        marks = "".join(f" [{sources.index(citation) + 1}]" for citation in one.citations)
        lines += textwrap.wrap(one.text + marks, WIDTH)
    if answer.reason:
        lines.append(REASONS[answer.reason])
        lines += nearest(answer.hits)
    for number, source in enumerate(sources, 1):
        lines += ["", *_source(number, source, answer.hits)]
    return "\n".join([*lines, "", receipt(answer)]) + "\n"


def nearest(hits: Sequence[Hit]) -> list[str]:
    """Where a person could look further, when there is something."""
    ids = list(dict.fromkeys(hit.chunk.document_id for hit in hits))[:3]
    return [f"Nearest: {', '.join(ids)}"] if ids else []


def receipt(answer: Answer) -> str:
    cost = "unknown cost" if answer.cost_usd is None else f"${answer.cost_usd:.6f}"
    who = f"{answer.model}, " if answer.model else ""
    dropped = f", {len(answer.dropped)} sentences dropped" if answer.dropped else ""
    return (
        f"{who}{answer.total_s:.2f} s (retrieval {answer.retrieval_s:.2f} s), "
        f"{answer.usage.input_tokens} + {answer.usage.output_tokens} tokens, {cost}{dropped}"
    )


def hits_text(hits: Sequence[Hit]) -> str:
    """A row a hit; in brackets the rank that this search alone would have given it."""
    names = [n for n in ("bm25", "dense", "late") if any(n in hit.scores for hit in hits)]
    rows = [["", "score", *names, "where"]]
    for place, hit in enumerate(hits, 1):
        each = [_each(hit, name) for name in names]
        rows.append([str(place), f"{hit.score:.2f}", *each, _where(hit)])
    shown = [
        line
        for place, hit in enumerate(hits, 1)
        for line in ("", f"{place}. {_where(hit)}", *_excerpt(hit.chunk.text))
    ]
    return table(rows) + "\n".join(shown) + "\n"


def covered_text(found: Covered) -> str:
    """A verdict, then where it stands: the sentence of each passage that is nearest."""
    if not found.covered:
        verdict = REASONS[found.refusal or "off_topic"].replace("Declined: ", "Not covered: ")
        return "\n".join([verdict.replace(" No model was asked.", ""), *nearest(found.hits)]) + "\n"
    lines = [f"Covered (confidence {found.confidence:.2f}, the line is at {found.threshold:.2f})."]
    for number, (hit, quote) in enumerate(zip(found.hits, found.quotes, strict=True), 1):
        lines += ["", f"[{number}] {_where(hit)}", *_quoted(quote)]
    return "\n".join(lines) + "\n"


def covered_json(found: Covered) -> dict[str, Any]:
    quotes = [
        {"document": hit.chunk.document_id, "quote": quote}
        for hit, quote in zip(found.hits, found.quotes, strict=True)
    ]
    return {
        "covered": found.covered,
        "confidence": round(found.confidence, 4),
        "threshold": round(found.threshold, 4),
        "citations": quotes if found.covered else [],
        "nearest": [] if found.covered else quotes,
    }


def answer_json(answer: Answer) -> dict[str, Any]:
    return {
        "question": answer.question,
        "answer": answer.text,
        "declined": answer.declined,
        "reason": answer.reason,
        "statements": [
            {
                "text": one.text,
                "citations": [
                    {"document": c.document_id, "quote": c.quote, "chunk": c.chunk_id}
                    for c in one.citations
                ],
            }
            for one in answer.statements
        ],
        "dropped": list(answer.dropped),
        "hits": hits_json(answer.hits),
        "model": answer.model,
        "input_tokens": answer.usage.input_tokens,
        "output_tokens": answer.usage.output_tokens,
        "cost_usd": None if answer.cost_usd is None else float(answer.cost_usd),
        "retrieval_s": round(answer.retrieval_s, 4),
        "total_s": round(answer.total_s, 4),
    }


def hits_json(hits: Sequence[Hit]) -> list[dict[str, Any]]:
    return [
        {
            "document": hit.chunk.document_id,
            "title": hit.title,
            "path": list(hit.chunk.path),
            "text": hit.chunk.text,
            "score": round(hit.score, 4),
            "ranks": hit.ranks,
            "scores": {name: round(score, 4) for name, score in hit.scores.items()},
            "superseded_by": hit.superseded_by,
        }
        for hit in hits
    ]


def _each(hit: Hit, name: Any) -> str:
    score = f"{hit.scores.get(name, 0.0):.2f}"
    return f"{score} ({hit.ranks[name]})" if name in hit.ranks else f"{score} (-)"


def _where(hit: Hit) -> str:
    path = " > ".join(hit.chunk.path[1:] if len(hit.chunk.path) > 1 else hit.chunk.path)
    replaced = f" (superseded by {hit.superseded_by})" if hit.superseded_by else ""
    return f"{hit.chunk.document_id}{f': {path}' if path else ''}{replaced}"


def _source(number: int, source: Citation, hits: Sequence[Hit]) -> list[str]:
    hit = next((one for one in hits if one.chunk_id == source.chunk_id), None)
    head = f"[{number}] {_where(hit) if hit else source.document_id}"
    return [head, *_quoted(source.quote)]


def _quoted(quote: str) -> list[str]:
    words = " ".join(quote.split())
    return textwrap.wrap(f'"{words}"', WIDTH, initial_indent="    ", subsequent_indent="    ")


def _excerpt(text: str) -> list[str]:
    short = textwrap.shorten(text, 300, placeholder=" …")
    return textwrap.wrap(short, WIDTH, initial_indent="   ", subsequent_indent="   ")
