"""What one call cost and how long it took, whether it ended well, broke or was cut short.

A number that the server did not state is counted here and marked as an estimate, never shown as
exact and never as zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Any

from shared.calls import CallRecord
from shared.errors import UnpricedModel
from shared.messages import Reply, Usage
from shared.prices import Cost, PriceList
from shared.tokens import count_tokens
from stage1_cost_cli.estimate import input_tokens
from stage1_cost_cli.money import money

HEADS = ("model", "in", "cached", "out", "first", "total", "tok/s", "cost", "saved")
OWN_PRICES = "your price file"  # as `shared.prices` names it
NO_PRICE = "no price known: name a price file in STAGES_PRICES"
ENDINGS = {
    "length": "cut at max tokens",
    "context_full": "cut, the window is full",
    "refusal": "refused",
}
WIDE = 200  # where no terminal sets a width, a row stays one line


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Times in seconds. `estimated`: the server stated no whole usage. `cost` None: no price."""

    asked: str
    model: str
    provider: str
    usage: Usage
    estimated: bool
    first_token_s: float | None
    total_s: float
    cost: Cost | None
    request_id: str
    attempts: int
    outcome: str

    @property
    def tokens_per_s(self) -> float | None:
        """Output tokens by the time after the first one; None where there is no first token."""
        if self.first_token_s is None or self.total_s <= self.first_token_s:
            return None
        return self.usage.output_tokens / (self.total_s - self.first_token_s)

    @property
    def saved_share(self) -> Decimal:
        """Part of the price without any cache that the cache saved, 0 to 1; below 0 on a write."""
        if self.cost is None or self.cost.total_usd + self.cost.saved_usd == 0:
            return Decimal(0)
        return self.cost.saved_usd / (self.cost.total_usd + self.cost.saved_usd)

    def to_json(self) -> dict[str, Any]:
        return {
            "asked": self.asked,
            "model": self.model,
            "provider": self.provider,
            "outcome": self.outcome,
            **asdict(self.usage),
            "cached_tokens": self.usage.cache_read_tokens,
            "estimated": self.estimated,
            "first_token_s": _rounded(self.first_token_s),
            "total_s": _rounded(self.total_s),
            "tokens_per_s": _rounded(self.tokens_per_s, 1),
            "cost_usd": None if self.cost is None else float(self.cost.total_usd),
            "saved_by_cache_usd": None if self.cost is None else float(self.cost.saved_usd),
            "price_source": None if self.cost is None else self.cost.source,
            "request_id": self.request_id,
            "attempts": self.attempts,
        }


def receipt(record: CallRecord, prices: PriceList) -> Receipt | None:
    """The receipt of a call; None when it failed before anything was counted."""
    reply = record.partial
    if reply is None:
        return None
    usage, estimated = _usage(record, reply)
    return Receipt(
        asked=record.model,
        model=reply.model or record.model,
        provider=record.provider,
        usage=usage,
        estimated=estimated,
        first_token_s=reply.timing.first_token_s,
        total_s=record.total_s,
        cost=price(record, reply, usage, prices),
        request_id=reply.request_id,
        attempts=reply.attempts,
        outcome=_outcome(record, reply),
    )


def price(record: CallRecord, reply: Reply, usage: Usage, prices: PriceList) -> Cost | None:
    """The price of the model that answered, else of the one that was asked; None for neither.

    A file of one's own may name only the latter, and wins over a list that knows the former.
    """
    found: list[Cost] = []
    for model in (reply.model, record.model):
        with suppress(UnpricedModel):
            found.append(prices.cost(usage, model, record.provider, at=record.started_at))
    own = [cost for cost in found if cost.source == OWN_PRICES]
    return next(iter(own or found), None)


def line(receipt: Receipt) -> str:
    """The receipt as one line of plain text."""
    about = "~" if receipt.estimated else ""
    usage = receipt.usage
    parts = [
        receipt.model if receipt.outcome == "ok" else f"{receipt.model} ({receipt.outcome})",
        f"{about}{usage.input_tokens} in ({usage.cache_read_tokens} cached)",
        f"{about}{usage.output_tokens} out",
        f"first token {_ms(receipt.first_token_s)}",
        f"total {_ms(receipt.total_s)}",
        "- tok/s" if receipt.tokens_per_s is None else f"{receipt.tokens_per_s:.0f} tok/s",
        cost_text(receipt),
    ]
    if receipt.attempts > 1:
        parts.append(f"{receipt.attempts} tries")
    return " · ".join([*parts, receipt.request_id or "no request id"])


def cost_text(receipt: Receipt) -> str:
    if receipt.cost is None:
        return NO_PRICE
    about = "~" if receipt.estimated else ""
    saved = f", cache saved {receipt.saved_share:.0%}" if receipt.cost.saved_usd else ""
    return f"{about}{money(receipt.cost.total_usd)}{saved} ({receipt.cost.source})"


def table_text(receipts: Sequence[Receipt]) -> str:
    """Several receipts side by side, for standard error: its width and its colours."""
    from rich.console import Console
    from rich.table import Table

    from stage1_cost_cli.terminal import to_text

    view = Table(box=None, pad_edge=False, header_style="bold")
    view.add_column(HEADS[0], overflow="fold")
    for title in HEADS[1:]:
        view.add_column(title, justify="right", no_wrap=True)
    for one in receipts:
        view.add_row(*_cells(one))
    here = Console(stderr=True)
    color = here.is_terminal and not here.no_color
    text = to_text(view, width=here.width if here.is_terminal else WIDE, color=color)
    return "\n".join([text, "", *map(_ending, receipts)])


def _cells(one: Receipt) -> tuple[str, ...]:
    about = "~" if one.estimated else ""
    return (
        one.model,
        f"{about}{one.usage.input_tokens}",
        str(one.usage.cache_read_tokens),
        f"{about}{one.usage.output_tokens}",
        _ms(one.first_token_s),
        _ms(one.total_s),
        "-" if one.tokens_per_s is None else f"{one.tokens_per_s:.0f}",
        "?" if one.cost is None else f"{about}{money(one.cost.total_usd)}",
        f"{one.saved_share:.0%}" if one.cost and one.cost.saved_usd else "-",
    )


def _ending(one: Receipt) -> str:
    """How the call ended, whose price it is, and the id to quote to its owner."""
    source = NO_PRICE if one.cost is None else one.cost.source
    tries = f" · {one.attempts} tries" if one.attempts > 1 else ""
    return f"{one.model}: {one.outcome} · {source}{tries} · {one.request_id or 'no request id'}"


def _usage(record: CallRecord, reply: Reply) -> tuple[Usage, bool]:
    """The stated usage, completed by our own count for a call that did not come to its end."""
    whole = record.reply is not None and not record.cancelled
    if whole and reply.usage is not None:
        return reply.usage, False
    stated = reply.usage or Usage(input_tokens=input_tokens(record.request))
    seen = count_tokens(reply.text)
    seen += sum(count_tokens(call.name + call.json) for call in reply.tool_calls)
    return replace(stated, output_tokens=max(stated.output_tokens, seen)), True


def _outcome(record: CallRecord, reply: Reply) -> str:
    if record.cancelled:
        return "stopped early"
    if record.error is not None:
        return "broken off"
    return ENDINGS.get(reply.stop or "", "ok")


def _ms(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.0f} ms"


def _rounded(value: float | None, digits: int = 4) -> float | None:
    return None if value is None else round(value, digits)
