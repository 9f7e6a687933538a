"""The counted lines in stage 4's comparison are those that the bench counts now."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| ([^|]+) \| (\d+) \| (\d+) \|$", re.MULTILINE)


def test_the_lines_are_counted() -> None:
    counted = subprocess.run(
        [sys.executable, "tests/bench/run.py", "lines", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    (section,) = json.loads(counted.stdout)["sections"]
    now = {
        row: (cells["loop"]["median"], cells["port"]["median"])
        for row, cells in section["rows"].items()
    }
    text = (ROOT / "stage4_agent" / "COMPARISON.md").read_text(encoding="utf-8")
    block = text.split("<!-- lines -->")[1].split("<!-- /lines -->")[0]
    assert {row: (int(loop), int(port)) for row, loop, port in ROW.findall(block)} == now
