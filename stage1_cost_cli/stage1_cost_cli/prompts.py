"""The committed prompts that the score runs: calibration and test, with the texts they attach.

What is measured over them is decided in `score`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.errors import LocalError
from shared.messages import OutputSchema, Request, user

DATA = Path(__file__).parent.parent / "data" / "score"


@dataclass(frozen=True, slots=True)
class Case:
    """`feature` is what a ledger would file the call under."""

    id: str
    feature: str
    request: Request


def load_cases(name: str) -> list[Case]:
    file = DATA / name
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        return [_case(json.loads(line)) for line in lines]
    except OSError as error:
        raise LocalError(
            f"{error.filename} is missing ({error.strerror}): run this in a checkout of the project"
        ) from None


def _case(entry: dict[str, Any]) -> Case:
    prompt, system = entry["prompt"], ""
    if "attach" in entry:
        name = entry["attach"]
        prompt = f'<document id="{name}">\n{_text(name)}\n</document>\n\n{prompt}'
    if "system_file" in entry:
        system = _text(entry["system_file"])
    output = OutputSchema("record", entry["schema"]) if "schema" in entry else None
    request = Request(
        messages=(user(prompt),), system=system, cache_system=bool(system), output=output
    )
    return Case(entry["id"], entry["feature"], request)


def _text(name: str) -> str:
    return (DATA / "texts" / name).read_text(encoding="utf-8")
