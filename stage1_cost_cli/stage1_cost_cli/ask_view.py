"""How the calls of one question are told: receipts as text or JSON, errors as sentences.

What they cost is decided in `receipt`; the answers themselves were printed by `ask`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from shared.calls import CallRecord
from shared.process import note, without_secrets
from shared.settings import Settings
from stage1_cost_cli.ask import Asked, refusal
from stage1_cost_cli.receipt import Receipt, line, table_text


def print_receipts(
    records: Sequence[CallRecord], receipts: Sequence[Receipt | None], form: str
) -> None:
    """To standard error: a line for one call, a table for several, or a JSON object a line."""
    for record, one in zip(records, receipts, strict=True):
        if record.cancelled and one is None:
            note(f"{record.model}: stopped before it answered; its owner may bill the prompt")
    known = [one for one in receipts if one is not None]
    if form == "json":
        for one in known:
            note(json.dumps(one.to_json(), ensure_ascii=False))
    elif form == "text" and len(records) == 1:
        for one in known:
            note(line(one))
    elif form == "text" and known:
        note(table_text(known))


def answers_json(
    records: Sequence[CallRecord], receipts: Sequence[Receipt | None], settings: Settings
) -> dict[str, Any]:
    both = zip(records, receipts, strict=True)
    return {"answers": [_answer(record, one, settings) for record, one in both]}


def report_errors(asked: Sequence[Asked], settings: Settings) -> int:
    """The exit code: the worst of the errors, 0 without one."""
    codes = [0]
    for one in asked:
        if one.error:
            name = f"{one.model.id}: " if len(asked) > 1 else ""
            note(f"stage1: {name}{without_secrets(str(one.error), settings.secrets())}")
            codes.append(one.error.exit_code)
    return max(codes)


def _answer(record: CallRecord, receipt: Receipt | None, settings: Settings) -> dict[str, Any]:
    reply, error = record.partial, record.error or (record.reply and refusal(record.reply))
    stopped = "stopped early" if record.cancelled else None
    return {
        "model": record.model,
        "text": reply.text if reply else "",
        "error": without_secrets(str(error), settings.secrets()) if error else stopped,
        "receipt": receipt.to_json() if receipt else None,
    }
