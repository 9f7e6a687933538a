"""From traces of production to cases that a person labels: sampled at random, redacted, no doubles.

A trace counts when one of its spans says what was asked: `app.question`, or the last message of a
user in `gen_ai.input.messages`. `app.answer` and `app.declined` are kept beside it as a hint. What
comes out has `"needs": null`: it cannot be run before somebody has labelled it, since an empty
label would mean "must be refused". Left out: choosing by failure or topic.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from shared.errors import UserError
from shared.journal import key_of
from shared.redaction import Redactor
from shared.resampling import SEED
from shared.trace_store import StoredSpan, read_traces


@dataclass(frozen=True, slots=True)
class Seen:
    """What somebody asked. `trace` is empty for a line of a file."""

    question: str
    answer: str = ""
    trace: str = ""


def read_seen(file: Path, last: int = 100_000) -> list[Seen]:
    """From a trace store (SQLite), or from JSON lines with a `question` each."""
    if not file.exists():
        raise UserError(f"{file} is not there: name a trace store or a file of JSON lines")
    if file.suffix in (".jsonl", ".json"):
        return list(_from_lines(file))
    traces = read_traces(file, last)
    return [found for trace in traces if (found := _asked(trace.trace_id, trace.spans))]


def sample(
    seen: Iterable[Seen],
    count: int,
    known: Iterable[str] = (),
    secrets: Iterable[str] = (),
    seed: int = SEED,
) -> list[dict[str, Any]]:
    """`known`: questions that are cases already. Equal but for case and spaces counts as equal."""
    redactor = Redactor(secrets)
    have = {_flat(question) for question in known}
    fresh: dict[str, Seen] = {}
    for one in seen:
        clean = Seen(redactor.text(one.question), redactor.text(one.answer), one.trace)
        if _flat(clean.question) not in have:
            fresh.setdefault(_flat(clean.question), clean)
    pool = [fresh[key] for key in sorted(fresh)]
    drawn = Random(seed).sample(pool, min(count, len(pool)))  # noqa: S311
    return [_case(one) for one in drawn]


def _case(one: Seen) -> dict[str, Any]:
    said = f"; production said: {one.answer}" if one.answer else ""
    return {
        "id": f"p-{key_of(_flat(one.question))[:10]}",
        "split": "",
        "kind": "sampled",
        "question": one.question,
        "answer": None,
        "needs": None,
        "note": f"to be labelled; trace {one.trace or 'unknown'}{said}",
    }


def _asked(trace: str, spans: Sequence[StoredSpan]) -> Seen | None:
    for span in spans:
        if isinstance(question := span.attributes.get("app.question"), str) and question.strip():
            return Seen(question.strip(), str(span.attributes.get("app.answer", "")), trace)
    for span in spans:
        if question := _last_user(span.attributes):
            return Seen(question, "", trace)
    return None


def _last_user(attributes: Mapping[str, Any]) -> str:
    try:
        messages = json.loads(attributes.get("gen_ai.input.messages", "[]"))
        users = [one for one in messages if one["role"] == "user"]
        parts = [part["content"] for part in users[-1]["parts"] if part["type"] == "text"]
    except (ValueError, KeyError, IndexError, TypeError):
        return ""
    return "".join(parts).strip()


def _from_lines(file: Path) -> Iterator[Seen]:
    for number, line in enumerate(file.read_text(encoding="utf-8").split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            yield Seen(
                str(row["question"]), str(row.get("answer") or ""), str(row.get("trace") or "")
            )
        except (ValueError, KeyError, TypeError):
            raise UserError(f"{file}, line {number}: no JSON object with a question") from None


def _flat(text: str) -> str:
    return " ".join(text.split()).casefold()
