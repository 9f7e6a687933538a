"""A row is judged by its bar; a score is told to people, to programs and to the scoreboard."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

import pytest

from shared.resampling import wilson
from shared.score import Row, Score, rows_text, tell
from shared.scoreboard import measure

ROWS = (
    Row("f1", 0.9, 0.8, low=0.85, high=0.95),
    Row("invented", 0.03, 0.02, at_most=True),
    Row("gain", 0.2, 0.0, sure=True, low=-0.01, high=0.4),
)
SCORE = Score(7, "offline-large", 90, ROWS, 12.345, None)


def test_a_row_knows_on_which_side_of_its_bar_it_must_be() -> None:
    assert Row("share", 0.8, 0.8, low=0.6).ok
    assert not Row("share", 0.799, 0.8).ok
    assert Row("error", 0.2, 0.2, at_most=True).ok
    assert not Row("error", 0.201, 0.2, at_most=True).ok


def test_a_row_that_must_be_sure_is_judged_by_its_interval() -> None:
    assert Row("gain", 0.2, 0.0, sure=True, low=0.01, high=0.4).ok
    assert not Row("gain", 0.2, 0.0, sure=True, low=-0.01, high=0.4).ok
    assert not Row("gain", 0.2, 0.0, sure=True, low=0.0, high=0.4).ok
    assert not Row("gain", 0.2, 0.0, sure=True).ok


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.metric)
def test_a_row_survives_json(row: Row) -> None:
    assert Row.from_json(json.loads(json.dumps(row.to_json()))) == row


def test_an_object_needs_its_numbers() -> None:
    with pytest.raises(KeyError, match="bar"):
        Row.from_json({"metric": "f1", "value": 1})


def test_the_table_tells_value_interval_bar_and_verdict() -> None:
    assert rows_text(ROWS) == (
        "          measured  95% interval     asked\n"
        "f1        0.900     [0.850, 0.950]   at least 0.8    ok\n"
        "invented  0.030                      at most 0.02    MISSED\n"
        "gain      0.200     [-0.010, 0.400]  surely above 0  MISSED\n"
    )


@pytest.mark.parametrize(("check", "code"), [(False, 0), (True, 1)])
def test_only_check_makes_a_missed_bar_a_failure(
    check: bool, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tell(SCORE, "text\n", Namespace(json=False, check=check)) == code
    assert capsys.readouterr().out == "text\n"
    assert tell(SCORE, "text\n", Namespace(json=True, check=check)) == code
    told = json.loads(capsys.readouterr().out)
    assert told | {"rows": []} == {
        "stage": 7,
        "model": "offline-large",
        "cases": 90,
        "seconds": 12.35,
        "cost_usd": None,
        "rows": [],
    }


def test_the_scoreboard_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "stage7_printed"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "score.py").touch()
    told = json.dumps(SCORE.to_json())
    (package / "__main__.py").write_text(f"print({told!r})", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    lines = measure(7, "stage7_printed", "the number moves")
    assert [(line.measured, line.ok) for line in lines] == [
        ("0.900 [0.85, 0.95] (at least 0.8)", True),
        ("0.030 (at most 0.02)", False),
        ("0.200 [-0.01, 0.40] (surely above 0)", False),
    ]
    assert {line.model for line in lines} == {"offline-large"}


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [(8, 10, 0.490, 0.943), (0, 10, 0.0, 0.278), (10, 10, 0.722, 1.0), (81, 263, 0.255, 0.366)],
)
def test_wilson_as_published(hits: int, total: int, low: float, high: float) -> None:
    """The last one is example 1 of Newcombe (1998), Statistics in Medicine 17, method 3."""
    assert wilson(hits, total) == (pytest.approx(low, abs=6e-4), pytest.approx(high, abs=6e-4))
