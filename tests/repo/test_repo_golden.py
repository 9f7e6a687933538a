"""Stage 5's golden cases are stage 3's questions and forty more, and their labels stand."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from stage5_evals.case_check import problems
from stage5_evals.cases import load_cases
from stage5_evals.corpus import Corpus

ROOT = Path(__file__).parents[2]
CASES = ROOT / "stage5_evals" / "data" / "golden" / "cases.jsonl"
QUESTIONS = ROOT / "stage3_rag" / "data" / "golden" / "questions.jsonl"
HANDBOOK = ROOT / "stage3_rag" / "data" / "handbook"


def rows(file: Path) -> dict[str, Any]:
    found = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    return {row["id"]: row for row in found}


def test_the_sixty_of_stage_3_are_the_same_rows() -> None:
    sixty = {id: row for id, row in rows(QUESTIONS).items() if row["set"] == 60}
    assert len(sixty) == 60
    ours = rows(CASES)
    assert {id: ours.get(id) for id in sixty} == sixty


def test_the_set_is_what_was_asked_for() -> None:
    cases = load_cases(CASES)
    assert len(cases) == 100
    assert sum(not case.answerable for case in cases) >= 20
    assert sum(bool(case.history) for case in cases) >= 5
    splits = Counter(case.split for case in cases)
    assert splits == {"dev": 50, "test": 50}


def test_no_duplicate_no_leak_and_every_quote_stands_in_the_handbook() -> None:
    assert problems(load_cases(CASES), Corpus(HANDBOOK)) == []
