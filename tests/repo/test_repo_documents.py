"""What the documents name must exist: links, files, functions, tests, variables, numbers."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from shared.settings import Settings

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "shared/*.md", "stage*_*/*.md", "stage*_*/data/**/*.md")
    for path in ROOT.glob(pattern)
)
NAMED = re.compile(r"`([\w/.-]+\.py):([\w.]+)`")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
BLOCK = re.compile(r"<!-- (\w+) -->\n(.*?)<!-- /\1 -->", re.DOTALL)


def names_in(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    defined = {node.name for node in ast.walk(tree) if isinstance(node, kinds)}
    constants = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    return defined | constants


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_document_names_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    missing = [link for link in LINK.findall(text) if not (document.parent / link).exists()]
    for file, name in NAMED.findall(text):
        found = [base / file for base in (ROOT, document.parent) if (base / file).is_file()]
        if not found or name.split(".")[-1] not in names_in(found[0]):
            missing.append(f"{file}:{name}")
    assert not missing


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_marked_block_is_filled(document: Path) -> None:
    empty = [
        name
        for name, body in BLOCK.findall(document.read_text(encoding="utf-8"))
        if not body.replace("```text", "").replace("```", "").strip()
    ]
    assert not empty


def test_every_variable_is_in_the_example_and_no_other() -> None:
    text = (ROOT / ".env.example").read_text()
    shown = set(re.findall(r"^#?\s?([A-Z][A-Z0-9_]+)=", text, re.MULTILINE))
    read = {field.alias for field in Settings.model_fields.values()}
    assert shown == read


def test_the_first_command_stands_in_the_first_twenty_lines() -> None:
    head = (ROOT / "README.md").read_text().splitlines()[:20]
    assert any(line.startswith("make ") for line in head)
