"""The examiner of every built stage: its checks have names and point at code that exists."""

from __future__ import annotations

import ast
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from shared.scoreboard import STAGES

ROOT = Path(__file__).parents[2]
BUILT = [package for _, package, _ in STAGES if find_spec(f"{package}.examine")]


def exists(place: str) -> bool:
    """`file:function` or `file:Class.method`."""
    file, _, name = place.partition(":")
    scope: ast.AST = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    for part in filter(None, name.split(".")):
        nodes = ast.iter_child_nodes(scope)
        found = [node for node in nodes if getattr(node, "name", "") == part]
        if not found:
            return False
        scope = found[0]
    return True


@pytest.mark.parametrize("package", BUILT)
def test_what_to_read_next_exists(package: str) -> None:
    checks = import_module(f"{package}.examine").CHECKS
    assert [check.read_next for check in checks if not exists(check.read_next)] == []
    assert len({check.id for check in checks}) == len(checks)
    assert all(check.asks.endswith("?") for check in checks)
