"""Prompt files: a front matter in YAML that says version, date and why, then the words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from shared.errors import BadSettings

_FILE = re.compile(r"---\n(.*?)\n---\n(.*)", re.DOTALL)


def read(file: Path) -> tuple[dict[str, Any], str]:
    """The front matter and the words after it; `BadSettings` when there is none."""
    import yaml

    match = _FILE.match(file.read_text(encoding="utf-8"))
    if not match:
        raise BadSettings(f"{file} must begin with a front matter between two lines of ---")
    try:
        head = yaml.safe_load(match[1])
    except yaml.YAMLError as error:
        raise BadSettings(f"{file}: the front matter is not YAML: {error}") from None
    if not isinstance(head, dict):
        raise BadSettings(f"{file}: the front matter lacks or breaks its lines of `name: value`")
    return head, match[2]
