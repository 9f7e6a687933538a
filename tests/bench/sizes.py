"""How many megabytes the environments take on disk, for stage 1 alone and for everything.

Not part of the plain run: it installs from the package index and needs a minute. "compiled" holds
the .pyc file of every module, which is the most it can grow to; running writes only those in use.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from environments import ROOT, PeerMissing, clean_environment, uv
from series import Comparison, Measured, Section

NO_TORCH = ("--all-packages", "--all-extras", "--no-extra", "sentence-transformers")
SYNCS = {
    "stage 1 alone": ("--package", "stage1-cost-cli", "--no-dev"),
    "everything": (*NO_TORCH, "--no-extra", "langgraph", "--no-dev"),
    "everything + dev tools": NO_TORCH,
}
LIMITS = {"stage 1 alone": 150, "everything": 400}
INSTALLED, COMPILED, PACKAGES = "MB", "MB compiled", "packages"


def sizes_section() -> Section:
    measured = {name: _measure(wanted) for name, wanted in SYNCS.items()}
    table = {
        name: {column: [value] for column, value in cells.items()}
        for name, cells in measured.items()
    }
    return Section(
        "4 Environment sizes",
        "A fresh `uv sync` into a folder of its own; disk blocks in use.",
        table,
        [
            Comparison(f"{name}, {column}", [measured[name][column]], unit="MB", aim=limit)
            for name, limit in LIMITS.items()
            for column in (INSTALLED, COMPILED)
        ],
    )


def _measure(wanted: tuple[str, ...]) -> Measured:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "env"
        _sync(folder, *wanted)
        installed = _megabytes(folder)
        _sync(folder, *wanted, "--compile-bytecode")
        packages = sum(1 for _ in folder.glob("lib/python*/site-packages/*.dist-info"))
        return {INSTALLED: installed, COMPILED: _megabytes(folder), PACKAGES: packages}


def _sync(folder: Path, *wanted: str) -> None:
    command = [uv(), "sync", "--quiet", "--frozen", "--link-mode=copy", "--python", sys.executable]
    variables = clean_environment() | {"UV_PROJECT_ENVIRONMENT": str(folder)}
    done = subprocess.run(
        [*command, *wanted], cwd=ROOT, env=variables, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise PeerMissing(f"uv sync failed:\n{done.stderr.strip()}")


def _megabytes(folder: Path) -> float:
    """As `du` counts: the blocks that are taken, each file once."""
    found = (Path(place) / name for place, _, names in os.walk(folder) for name in names)
    return sum(file.lstat().st_blocks * 512 for file in found) / 10**6
