"""The score: each row is measured, and a planted regression that stays green lowers it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.score import Row, Score
from stage5_evals.score import render_score, score
from stage5_evals.suite import load_suite

PLANTS = """
[[plant]]
name = "no citations"
expect = "red"
because = "a field is lost"
wrap = "stage5_evals.wraps:without_citations"

[[plant]]
name = "SECOND"
expect = "red"
because = "what the test lays around it"
{line}

[[plant]]
name = "one at a time"
expect = "green"
because = "order means nothing"
at_a_time = 1
"""
WAVERS = """
seen = {}
async def answer(question, history):
    number = asked(question)
    seen[number] = seen.get(number, 0) + 1
    return right(number) | ({"declined": True} if number == 0 and seen[number] % 2 else {})
"""


@pytest.fixture
def scored(place: Any, call: Callable[..., Any]) -> Callable[..., Score]:
    def measure(line: str, code: str = "") -> Score:
        place.target(*([code] if code else []))
        file: Path = place.folder / "suite.toml"
        file.write_text(
            f'cases = "cases.jsonl"\ncorpus = "corpus"\ntarget = "{place.module}:answer"\n'
            'baseline = "baseline.jsonl"\nplants = "plants.toml"\n'
        )
        (place.folder / "plants.toml").write_text(PLANTS.format(line=line))
        assert call("baseline", "--suite", file, "--why", "the first").code == 0
        return score(load_suite(file))

    return measure


def rows(found: Score) -> dict[str, Row]:
    return {row.metric: row for row in found.rows}


def test_all_bars_hold_where_every_plant_is_caught(scored: Callable[..., Score]) -> None:
    found = scored('wrap = "stage5_evals.wraps:always_declines"')
    assert (found.stage, found.model, found.cases) == (5, "fake", 20)
    assert {name: (row.value, row.ok) for name, row in rows(found).items()} == {
        "planted_regressions_red": (1.0, True),
        "harmless_changes_green": (1.0, True),
        "false_alarms_at_100": (0.0, True),
        "drop_of_10_percent_caught": (pytest.approx(0.936, abs=0.01), True),
    }
    assert "at most 0.05" in render_score(found)


def test_a_plant_that_is_missed_misses_the_bar(scored: Callable[..., Score]) -> None:
    found = rows(scored(""))["planted_regressions_red"]
    assert (found.value, found.ok) == (0.5, False)


def test_cases_that_waver_are_measured_and_cost_false_alarms(scored: Callable[..., Score]) -> None:
    """One of 20 wavers, so a set of 100 is taken to have five such cases."""
    found = rows(scored('wrap = "stage5_evals.wraps:always_declines"', WAVERS))
    assert 0 < found["false_alarms_at_100"].value < 0.02
