"""The judges' prompts: versioned files, instructions above a line of ===, the form of a case below.

A version that has judged is never edited: a change is a new file that names its parent. What is
filled in cannot close the tag that it stands in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from shared import front_matter
from shared.errors import BadSettings, UserError

FOLDER = Path(__file__).parent / "judge_prompts"
TAG = re.compile(
    r"<(?=\s*/?\s*(?:question|passages|claim|answer|text|statement|reference)\w*\b)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class JudgePrompt:
    """`name` has the version in it: `faithfulness-1`."""

    name: str
    system: str
    form: str

    def filled(self, **parts: str) -> str:
        fenced = {name: TAG.sub("\u2039", text) for name, text in parts.items()}
        return self.form.format(**fenced)


def load_prompt(task: str, version: str) -> JudgePrompt:
    """`UserError` names the versions that exist."""
    file = FOLDER / f"{task}-{version}.md"
    if not file.exists():
        known = sorted(one.stem for one in FOLDER.glob(f"{task}-*.md"))
        raise UserError(f"no prompt {file.stem}: there are {', '.join(known) or 'none'}")
    _, body = front_matter.read(file)
    system, parted, form = body.partition("\n===\n")
    if not parted:
        raise BadSettings(f"{file} must hold instructions, a line of ===, and the form of a case")
    return JudgePrompt(file.stem, system.strip(), form.strip())
