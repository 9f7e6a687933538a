"""Prompts are files: a front matter with version, date and why, then the words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from shared.errors import BadSettings

FOLDER = Path(__file__).parent / "prompts"
_HEAD = re.compile(r"---\nversion: (?P<version>\d+)\n.*?\n---\n(?P<text>.*)", re.S)


@dataclass(frozen=True, slots=True)
class Prompt:
    name: str
    version: int
    text: str


def load_prompt(name: str) -> Prompt:
    file = FOLDER / f"{name}.md"
    match = _HEAD.match(file.read_text(encoding="utf-8"))
    if match is None:
        raise BadSettings(f"{file} must begin with a front matter whose first line is its version")
    return Prompt(name, int(match["version"]), match["text"].strip())
