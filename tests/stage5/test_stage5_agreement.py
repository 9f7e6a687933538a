"""Agreement with people: textbook numbers, simulated judges, and the files of ratings."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from shared.errors import UserError
from stage5_evals.agreement import (
    Confusion,
    corrected,
    kappa,
    kappa_interval,
    self_agreement,
)
from stage5_evals.baseline import KAPPA
from stage5_evals.calibration import read_calibrations
from stage5_evals.cli import main
from stage5_evals.ratings import FILE, load_ratings, second_pass


def pairs(both: int, judge: int, person: int, neither: int) -> list[tuple[bool, bool]]:
    cells = ((True, True), both), ((False, True), judge), ((True, False), person)
    return [pair for pair, n in (*cells, ((False, False), neither)) for _ in range(n)]


def test_kappa_of_the_textbook() -> None:
    """Fifty grant proposals, 20 yes by both, 15 no by both, 5 and 10 disputed: 0.40."""
    assert kappa(pairs(20, 10, 5, 15)) == pytest.approx(0.4)
    assert kappa(pairs(25, 0, 0, 25)) == 1.0
    assert kappa(pairs(0, 25, 25, 0)) == -1.0
    assert kappa(pairs(40, 40, 10, 10)) == pytest.approx(0.0)


def test_the_interval_of_kappa_holds_the_truth_about_as_often_as_it_says() -> None:
    """A judge that is right in 85% of answers, half of them faithful, has a kappa of 0.70."""
    draw = Random(5)
    held = 0
    for _ in range(100):
        given = [(i % 2 == 0, (i % 2 == 0) == (draw.random() < 0.85)) for i in range(120)]
        found = kappa_interval(given, resamples=200)
        held += found.low <= 0.70 <= found.high
    assert 88 <= held <= 100


def test_answers_that_share_a_passage_are_drawn_together() -> None:
    given = pairs(6, 0, 0, 6) * 8 + pairs(0, 6, 6, 0) * 2  # ten passages, two misjudged as a whole
    apart = kappa_interval(given)
    together = kappa_interval(given, [at // 12 for at in range(len(given))])
    assert together.high - together.low > apart.high - apart.low


def test_rogan_and_gladen_give_back_the_true_share() -> None:
    """A judge with sensitivity 0.9 and specificity 0.8 sees 0.62 where the truth is 0.6."""
    known = Confusion(90, 20, 10, 80)
    found = corrected(0.6 * 0.9 + 0.4 * 0.2, 200, known)
    assert found.value == pytest.approx(0.6)
    assert found.low < 0.6 < found.high


def test_a_coin_corrects_nothing() -> None:
    assert corrected(0.5, 100, Confusion(50, 50, 50, 50)).value is None


def test_self_agreement_is_the_chance_that_two_repeats_agree() -> None:
    assert self_agreement({"a": [True, True], "b": [True, False]}) == 0.5
    assert self_agreement({"a": [True, True, False]}) == pytest.approx(1 / 3)
    assert self_agreement({"a": [True]}) is None


def test_the_ratings_of_the_project() -> None:
    ratings = load_ratings()
    assert len(ratings) >= 80
    assert {one.level for one in ratings} == {"clear", "borderline", "adversarial"}
    splits = {one.group: one.split for one in ratings}
    assert all(splits[one.group] == one.split for one in ratings), "a passage is in both splits"
    assert 0.4 < sum(one.faithful for one in ratings) / len(ratings) < 0.6
    assert len(second_pass()) >= len(ratings) / 5


def test_each_passage_stands_in_the_handbook() -> None:
    book = Path(__file__).parents[2] / "stage3_rag" / "data" / "handbook"
    for one in load_ratings():
        for passage in one.passages:
            text = (book / passage.document).read_text(encoding="utf-8")
            assert all(part in text for part in passage.text.split("\n\n")), one.id


def test_calibrate_writes_what_the_gate_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGES_HOME", str(tmp_path / "home"))
    rows = [
        {"passages": [{"text": "The ferry takes 40 minutes."}], "faithful": minutes == 40}
        | {"id": f"r{at}", "answer": f"The ferry takes {minutes} minutes."}
        for at, minutes in enumerate((40, 90, 40, 55))
    ]
    file = tmp_path / "mine.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    arguments = ["calibrate", "--ratings", str(file), "--repeats", "2", "--keep", "--json"]
    assert main(arguments) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["confusion"] == {"both": 2, "judge": 0, "person": 0, "neither": 2}
    assert made["self_agreement"] == 1.0
    (known,) = read_calibrations(tmp_path / "judges.jsonl").values()
    assert known.kappa == 1.0 >= KAPPA
    assert known.identity == made["identity"]


def test_a_judge_under_the_floor_ends_with_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGES_HOME", str(tmp_path / "home"))
    row = {"passages": [{"text": "The ferry takes 40 minutes."}], "answer": "It takes 40 minutes."}
    lines = [json.dumps(row | {"id": str(n), "faithful": n % 2 == 0}) for n in range(4)]
    file = tmp_path / "mine.jsonl"
    file.write_text("\n".join(lines), encoding="utf-8")
    assert main(["calibrate", "--ratings", str(file)]) == 1
    assert "kappa 0.000" in capsys.readouterr().out


@pytest.mark.parametrize("line", ["{", '{"id": "a"}', '{"id": "a", "faithful": "yes"}'])
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text(line, encoding="utf-8")
    with pytest.raises(UserError, match="line 1"):
        load_ratings(file)


def test_the_stored_record_is_of_the_ratings_as_they_are() -> None:
    """A changed rating or another judge needs `stage5 calibrate --split test --keep` again."""
    from stage5_evals.ratings import fingerprint

    records = FILE.with_name("judges.jsonl").read_text(encoding="utf-8").splitlines()
    now = fingerprint(load_ratings(split="test"))
    assert {json.loads(line)["ratings"] for line in records} == {now}
