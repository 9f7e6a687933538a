"""Prints what a second labeller may see: every fifth text, shuffled, without its label.

    python stage2_extractor/data/second_pass/blind.py tickets
    python stage2_extractor/data/second_pass/blind.py invoices

It leaves out the comparison of the two passes: a second labeller should not see it.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent
EVERY = 5


def tickets() -> dict[str, str]:
    lines = (DATA / "tickets" / "tickets.jsonl").read_text(encoding="utf-8").splitlines()
    return {row["id"]: row["text"] for row in map(json.loads, lines)}


def invoices() -> dict[str, str]:
    paths = (DATA / "invoices").glob("*.txt")
    return {path.stem: path.read_text(encoding="utf-8", errors="replace") for path in paths}


def second_share(texts: dict[str, str]) -> list[str]:
    """The ids whose number is divisible by five, ordered by their text: that says nothing."""
    ids = (name for name in texts if int(re.findall(r"\d+", name)[-1]) % EVERY == 0)
    return sorted(ids, key=lambda name: texts[name])


def main() -> None:
    kinds = {"tickets": tickets, "invoices": invoices}
    if len(sys.argv) != 2 or sys.argv[1] not in kinds:
        sys.exit(f"usage: {Path(__file__).name} tickets|invoices")
    texts = kinds[sys.argv[1]]()
    for name in second_share(texts):
        sys.stdout.write(f"===== {name}\n{texts[name]}\n")


if __name__ == "__main__":
    main()
