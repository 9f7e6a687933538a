"""From what the brain said to what leaves: cut at stop sequences and `max_tokens`, counted.

The text comes first, then the tool calls; a call that the limit cuts keeps the JSON it has.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from shared.messages import StopReason
from shared.offline.answer import Answer
from shared.offline.billing import pieces
from shared.offline.wire import CutCall, Parsed, Turn


@dataclass(slots=True)
class _Allowance:
    """Output tokens that are left, and whether anything had to be cut."""

    left: int
    cut: bool = False
    spent: int = 0

    def take(self, text: str) -> tuple[str, ...]:
        taken = []
        for piece, tokens in pieces(text):
            if tokens > self.left:
                self.cut = True
            if self.cut:
                break
            self.left -= tokens
            self.spent += tokens
            taken.append(piece)
        return tuple(taken)


def finish(
    answer: Answer, parsed: Parsed, limit: int | None = None, stop: StopReason | None = None
) -> tuple[Turn, int]:
    """The turn and its output tokens. `limit` and `stop` are a fault's, over what was asked."""
    asked = parsed.request.max_tokens
    allowance = _Allowance(asked if limit is None else min(limit, asked))
    text, sequence = _until_stop(answer.text, parsed.request.stop)
    refusal = allowance.take(answer.refusal)
    said = () if answer.refusal else allowance.take(text)
    calls = () if answer.refusal or sequence is not None else _calls(answer, allowance)
    reason: StopReason = "tool_use" if calls else "end"
    if allowance.cut:
        reason, sequence = "length", None
    elif answer.refusal:
        reason = "refusal"
    elif sequence is not None:
        reason = "stop_sequence"
    turn = Turn(
        id=secrets.token_hex(12),
        model=parsed.model,
        created=int(time.time()),
        pieces=said,
        calls=calls,
        refusal=refusal,
        stop=stop or reason,
        stop_sequence=sequence,
    )
    return turn, allowance.spent


def _until_stop(text: str, sequences: tuple[str, ...]) -> tuple[str, str | None]:
    found = [(text.find(s), s) for s in sequences if s and s in text]
    if not found:
        return text, None
    at, sequence = min(found)
    return text[:at], sequence


def _calls(answer: Answer, allowance: _Allowance) -> tuple[CutCall, ...]:
    calls: list[CutCall] = []
    for call in answer.tool_calls:
        allowance.take(call.name)
        cut = CutCall(call, allowance.take(call.json or "{}"))
        if allowance.cut and not cut.pieces:
            break
        calls.append(cut)
    return tuple(calls)
