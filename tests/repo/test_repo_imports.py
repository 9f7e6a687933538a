"""What each member may import: what it declares, and `shared`; and an import does no work."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MEMBERS = ["shared", *sorted(path.name for path in ROOT.glob("stage*_*") if path.is_dir())]


def modules(member: str) -> list[Path]:
    return sorted((ROOT / member / member).rglob("*.py"))


def imported(file: Path) -> Iterator[str]:
    """Top-level names that a file imports anywhere, also inside functions."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def declared(member: str) -> set[str]:
    """Distributions that a member declares; `stages-shared` brings those of `shared` with it."""
    project = tomllib.loads((ROOT / member / "pyproject.toml").read_text())["project"]
    wanted = list(project["dependencies"])
    for extra in project.get("optional-dependencies", {}).values():
        wanted += extra
    names = {normal(re.split(r"[\[<>=!~ ;]", one)[0]) for one in wanted}
    return names | (declared("shared") if "stages-shared" in names else set())


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_there_are_seven_members() -> None:
    assert len(MEMBERS) == 7


@pytest.mark.parametrize("member", MEMBERS)
def test_only_declared_distributions_are_imported(member: str) -> None:
    providers = packages_distributions()
    allowed = declared(member)
    undeclared = {
        f"{file.relative_to(ROOT)}: {name}"
        for file in modules(member)
        for name in imported(file)
        if name not in sys.stdlib_module_names
        and name not in MEMBERS
        and not {normal(dist) for dist in providers.get(name, [name])} & allowed
    }
    assert not undeclared


@pytest.mark.parametrize("member", MEMBERS)
def test_dependencies_point_one_way(member: str) -> None:
    stages = set(MEMBERS) - {"shared", member}
    if member == "stage6_production":  # the one that composes the others
        stages = set()
    wrong = {
        f"{file.relative_to(ROOT)}: {name}"
        for file in modules(member)
        for name in imported(file)
        if name in stages
    }
    assert not wrong


# LangGraph brings urllib3, whose import binds a socket once to see whether there is IPv6.
IMPORT_ALL = """
import contextlib, importlib, pkgutil, sys
with contextlib.suppress(ImportError):
    import urllib3
seen = []
def watch(event, args):
    if event in ("socket.connect", "socket.bind", "subprocess.Popen", "os.system"):
        seen.append(event)
    if event == "open" and str(args[0]).endswith(".env"):
        seen.append(f"open {args[0]}")
sys.addaudithook(watch)
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
assert not seen, seen
"""


@pytest.mark.parametrize("member", MEMBERS)
def test_an_import_does_no_work(member: str, tmp_path: Path) -> None:
    """No socket, no process, no `.env`, no output: objects are made by a command, not an import."""
    (tmp_path / ".env").write_text("ANTHROPIC_API_KEY=sk-never-read")
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, member],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_environment_is_read_in_one_module() -> None:
    """`programs` passes the environment on to a reader's program and reads nothing from it."""
    readers = {
        str(file.relative_to(ROOT))
        for member in MEMBERS
        for file in modules(member)
        if re.search(r"\bos\.(environ|getenv)\b", file.read_text(encoding="utf-8"))
    }
    assert readers <= {
        "shared/shared/programs.py",
        "stage1_cost_cli/stage1_cost_cli/examine.py",
    }
