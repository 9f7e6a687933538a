"""Cases and corpus: what is read, what is refused, and what a fingerprint notices."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from shared.errors import UserError
from stage5_evals.case_check import problems
from stage5_evals.cases import case_of, fingerprint, load_cases
from stage5_evals.corpus import Corpus

ROW = {
    "id": "a",
    "split": "dev",
    "kind": "plain",
    "question": "How long is the crossing?",
    "history": [{"question": "Which boat?", "answer": "Svalan."}],
    "answer": "35 minutes",
    "needs": [[{"document": "a.md", "quote": "takes 35 minutes"}]],
    "note": "",
}


def written(tmp_path: Path, *rows: Any) -> Path:
    file = tmp_path / "cases.jsonl"
    file.write_text(
        "".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows)
    )
    return file


def test_the_golden_format_is_read(tmp_path: Path) -> None:
    (case,) = load_cases(written(tmp_path, ROW | {"set": 60}))
    assert (case.id, case.answerable, case.history[0].answer) == ("a", True, "Svalan.")
    assert not case_of(ROW | {"needs": []}).answerable


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (["{no json\n"], "line 1"),
        ([ROW, ROW], "twice"),
        ([ROW | {"question": "  "}], "empty"),
        ([ROW | {"needs": [[{"document": "a.md"}]]}], "quote"),
        ([], "nothing would be measured"),
        ([{"id": "a"}], "question"),
    ],
)
def test_a_bad_file_is_one_sentence(tmp_path: Path, rows: list[Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        load_cases(written(tmp_path, *rows))


def test_a_missing_file_and_an_empty_split_are_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.jsonl cannot be read"):
        load_cases(tmp_path / "none.jsonl")
    with pytest.raises(UserError, match="split train"):
        load_cases(written(tmp_path, ROW), "train")


def test_the_order_of_cases_is_no_change_and_a_label_is_one() -> None:
    rows = [ROW | {"id": str(n), "question": f"{n}?"} for n in range(30)]
    mixed = Random(3).sample(rows, len(rows))
    whole = fingerprint(map(case_of, rows))
    assert fingerprint(map(case_of, mixed)) == whole
    assert fingerprint(case_of(row | {"note": "x", "split": "test"}) for row in rows) == whole
    for change in (
        {"answer": "36 minutes"},
        {"question": "how?"},
        {"history": []},
        {"needs": []},
        {"expect": {"steps": 2}},
    ):
        assert fingerprint(map(case_of, [rows[0] | change, *rows[1:]])) != whole
    assert fingerprint(map(case_of, rows[1:])) != whole


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a.md").write_text(
        "# The **Sound**\n\nThe crossing takes\n35 minutes, the captain\u2019s log says.\n"
    )
    (folder / ".hidden").write_text("x")
    return folder


@pytest.mark.parametrize(
    ("quote", "stands"),
    [
        ("The crossing takes 35 minutes", True),
        ("the CROSSING   takes 35 minutes, the captain's log", True),
        ("# The **Sound**", True),
        ("takes 36 minutes", False),
        ("", False),
        ("...", False),
    ],
)
def test_a_quote_stands_whatever_its_line_ends_and_markup(
    corpus: Path, quote: str, stands: bool
) -> None:
    assert Corpus(corpus).holds("deep/a.md", quote) is stands


def test_no_quote_stands_outside_the_corpus(corpus: Path) -> None:
    (corpus.parent / "secret.md").write_text("a quote outside")
    assert not Corpus(corpus).holds("../secret.md", "a quote outside")
    assert not Corpus(corpus).holds("none.md", "a quote")


def test_another_line_width_is_the_same_corpus_and_another_word_is_not(corpus: Path) -> None:
    before = Corpus(corpus).fingerprint()
    file = corpus / "deep" / "a.md"
    text = file.read_text()
    file.write_text(text.replace("takes\n35", "takes 35").replace("\n\n", "\n\n\n"))
    (corpus / ".hidden").write_text("y")
    assert Corpus(corpus).fingerprint() == before
    file.write_text(text.replace("35", "53"))
    assert Corpus(corpus).fingerprint() != before
    file.write_text(text)
    file.rename(corpus / "b.md")
    assert Corpus(corpus).fingerprint() != before


def test_duplicates_leaks_and_stale_labels_are_found(corpus: Path) -> None:
    good = ROW | {
        "history": [],
        "needs": [[{"document": "deep/a.md", "quote": "takes 35 minutes"}]],
    }
    fillers = [
        good | {"id": f"f{n}", "question": f"subject {n} of matter {n * 7} and so on {n}?"}
        for n in range(12)
    ]
    old, lost = ([[{"document": d, "quote": q}]] for d, q in (("deep/a.md", "50"), ("z.md", "x")))
    rows = [
        good,
        good | {"id": "twin", "question": "How long is the crossing, then?"},
        good | {"id": "leak", "question": "how long is the Crossing", "split": "test"},
        good | {"id": "stale", "question": "And old words?", "needs": old},
        good | {"id": "gone", "question": "A document lost?", "needs": lost},
        good | {"id": "mute", "question": "Nothing to say about it?", "answer": None},
        *fillers,
    ]
    found = {(one.kind, one.cases) for one in problems(list(map(case_of, rows)), Corpus(corpus))}
    assert found == {
        ("duplicate", ("a", "twin")),
        ("leak", ("a", "leak")),
        ("leak", ("twin", "leak")),
        ("stale", ("stale",)),
        ("stale", ("gone",)),
        ("no answer", ("mute",)),
    }
