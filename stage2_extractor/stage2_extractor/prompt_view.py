"""What the versions of a prompt say, how they differ, and what each part costs in tokens."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shared.messages import Usage
from shared.models import Model, resolve
from shared.prices import PriceList, open_prices
from shared.settings import Settings
from shared.tokens import count_tokens
from stage2_extractor.prompts import Prompt, list_prompts, request
from stage2_extractor.shape import schema_of

CALLS = 1000
WARM = 1  # calls that write the cache before the others read it


@dataclass(frozen=True, slots=True)
class Parts:
    """Tokens of what is sent with every document, by OpenAI's vocabulary."""

    system: int
    schema: int
    examples: int

    @property
    def total(self) -> int:
        return self.system + self.schema + self.examples


def parts_of(prompt: Prompt) -> Parts:
    """Each piece is counted for itself, as it is sent; what a provider frames it with is not."""
    schema = json.dumps(dict(schema_of(prompt).schema), ensure_ascii=False, separators=(",", ":"))
    turns = [piece.text for piece in request(prompt, "").messages[:-1]]
    return Parts(
        system=count_tokens(prompt.system),
        schema=count_tokens(schema),
        examples=sum(count_tokens(turn) for turn in turns),
    )


def prefix_costs(parts: Parts, model: Model, prices: PriceList) -> tuple[Decimal, Decimal]:
    """What the fixed part costs in a thousand calls, without and with prefix caching."""

    def cost(usage: Usage) -> Decimal:
        return prices.cost(usage, model.id, model.provider).total_usd

    plain = cost(Usage(parts.total)) * CALLS
    written = cost(Usage(parts.total, cache_write_tokens=parts.total)) * WARM
    read = cost(Usage(parts.total, cache_read_tokens=parts.total)) * (CALLS - WARM)
    return plain, written + read


def prompts_text(tasks: list[str], settings: Settings) -> str:
    model, prices = resolve("big", settings), open_prices(settings.prices_file)
    lines = []
    for task in tasks:
        for prompt in list_prompts(task):
            parts = parts_of(prompt)
            plain, cached = prefix_costs(parts, model, prices)
            after = f" after {prompt.parent}" if prompt.parent else ""
            lines += [
                f"{prompt.name}  {prompt.date}{after}",
                f"  changed: {prompt.changed}",
                f"  why: {prompt.why}",
                f"  tokens: system {parts.system}, schema {parts.schema}, "
                f"examples {parts.examples}, together {parts.total}",
                f"  {CALLS} calls of {model.id}, fixed part only: ${plain:.4f}, "
                f"with prefix caching ${cached:.4f}",
                "",
            ]
    return "\n".join(lines)


def prompts_json(tasks: list[str], settings: Settings) -> dict[str, Any]:
    model, prices = resolve("big", settings), open_prices(settings.prices_file)
    return {"prompts": [_one_json(p, model, prices) for t in tasks for p in list_prompts(t)]}


def diff_text(old: Prompt, new: Prompt) -> str:
    """A unified diff of everything that is sent: words, field descriptions, examples."""
    lines = difflib.unified_diff(_lines(old), _lines(new), old.name, new.name, n=1)
    return "".join(lines) or f"{old.name} and {new.name} send the same\n"


def _one_json(prompt: Prompt, model: Model, prices: PriceList) -> dict[str, Any]:
    parts = parts_of(prompt)
    plain, cached = prefix_costs(parts, model, prices)
    return {
        "name": prompt.name,
        "date": prompt.date.isoformat(),
        "parent": prompt.parent,
        "changed": prompt.changed,
        "why": prompt.why,
        "tokens": {
            "system": parts.system,
            "schema": parts.schema,
            "examples": parts.examples,
            "total": parts.total,
        },
        "model": model.id,
        "usd_per_1000_calls": {"plain": float(plain), "cached": float(cached)},
    }


def _lines(prompt: Prompt) -> list[str]:
    lines = [*prompt.system.splitlines(), ""]
    lines += [f"{name}: {words}" for name, words in prompt.fields.items()]
    for example in prompt.examples:
        lines += ["", f"example {example.name}", *example.text.splitlines(), example.answer]
    return [line + "\n" for line in lines]
