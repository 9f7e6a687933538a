"""What a program must do so that `make compare STAGE=1 MINE='…'` can examine it, in any language.

Called as      `MINE --model small "the question"`, also with `--model big`; MINE is the command
               that you name, without a shell, in the folder that you start from. Standard input is
               empty, and standard output and error are pipes.
Environment    ANTHROPIC_BASE_URL, OPENAI_BASE_URL (ends in /v1), ANTHROPIC_API_KEY, OPENAI_API_KEY.
               Both addresses lead to the examiner, which speaks Anthropic Messages, OpenAI Chat
               Completions and OpenAI Responses. Take either one, with any SDK or none.
Models         `small` and `big` are two real model ids of your choice. The examiner answers for
               any id; what a call costs is the public price of the id that you asked for.
Standard out   the answer and nothing else, each piece written out as it arrives, without colour
               codes. Its last line may be the receipt.
Receipt        one line with one JSON object, on standard error or as the last line of standard
               output, when a call has succeeded. Its fields are those of `AskReceipt` below; more
               fields are welcome.
Exit code      0 after a whole answer. Anything else after a failure, with a sentence about it on
               standard error; text that had already arrived stays printed.

`examine_checks` holds what is asked. Left out: chat, tools, Windows.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, fields
from typing import Any

ENVIRONMENT = ("ANTHROPIC_BASE_URL", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "OPENAI_API_KEY")


@dataclass(frozen=True, slots=True, kw_only=True)
class AskReceipt:
    """The fields that every receipt has.

    `input_tokens` is the whole input, cached tokens included, whatever the wire calls it.
    `first_token_s`: seconds until the first piece of text; `total_s`: until the end. Both count
    from the request or from the start of the program, whichever you like.
    """

    model: str
    input_tokens: int
    output_tokens: int
    cost_usd: float
    first_token_s: float
    total_s: float


FIELDS = tuple(field.name for field in fields(AskReceipt))


class BadReceipt(Exception):
    """The message says what is missing or of the wrong type."""


@dataclass(frozen=True, slots=True)
class Printed:
    """What a program printed, taken apart: `receipt` is None when there was none."""

    answer: str
    receipt: dict[str, Any] | None
    complaints: str


def take_apart(stdout: str, stderr: str) -> Printed:
    """The answer, the receipt, and what else was said on standard error."""
    said = stderr.splitlines()
    for place in reversed(range(len(said))):
        if found := _receipt(said[place]):
            return Printed(stdout, found, "\n".join(said[:place] + said[place + 1 :]).strip())
    body, _, last = stdout.rstrip().rpartition("\n")
    if found := _receipt(last):
        return Printed(body, found, stderr.strip())
    return Printed(stdout, None, stderr.strip())


def checked_receipt(found: dict[str, Any] | None) -> AskReceipt:
    """`BadReceipt` when there is none, or one that does not say what it must."""
    if found is None:
        raise BadReceipt(
            "there is no receipt: no line on standard error, and not the last one of standard "
            f"output, is a JSON object with {', '.join(FIELDS)}"
        )
    missing = [name for name in FIELDS if name not in found]
    if missing:
        raise BadReceipt(f"the receipt lacks {', '.join(missing)}")
    if not isinstance(found["model"], str) or not found["model"]:
        raise BadReceipt(f"the receipt's model is {found['model']!r}, not a model id")
    for name in FIELDS[1:]:
        if not _is_amount(found[name]):
            raise BadReceipt(f"the receipt's {name} is {found[name]!r}, not a number from 0 up")
    return AskReceipt(**{name: found[name] for name in FIELDS})


def _receipt(line: str) -> dict[str, Any] | None:
    if not line.strip().startswith("{"):
        return None
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and not value.keys().isdisjoint(FIELDS) else None


def _is_amount(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value < 1e12 and math.isfinite(value)
