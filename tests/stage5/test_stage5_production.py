"""Traces to cases, drift, A/B that may be looked at, and pages without a script."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from random import Random
from typing import Any

import pytest
from scipy import stats

from shared.errors import UserError
from shared.trace_store import StoredSpan, TraceStore
from stage5_evals.cases import load_cases
from stage5_evals.drift import questions, scores
from stage5_evals.page_history import history_page
from stage5_evals.page_run import run_page
from stage5_evals.sampling import read_seen, sample
from stage5_evals.sequential import evidence, fixed_size, in_arrival_order, log_wealth, plan


def span(trace: str, **attributes: object) -> StoredSpan:
    return StoredSpan(
        trace_id=trace, span_id=trace, parent_id="", name="ask", kind="SERVER", service="s",
        start_ns=0, end_ns=1, status="OK", attributes=attributes,
    )  # fmt: skip


@pytest.fixture
def traces(tmp_path: Path) -> Path:
    file = tmp_path / "traces.sqlite"
    messages = [
        {"role": "user", "parts": [{"type": "text", "content": "How long is the crossing?"}]}
    ]
    store = TraceStore(file, 1000)
    store.write(
        [
            span("t1", **{"app.question": "Who is jane.doe@example.com?", "app.answer": "Nobody."}),
            span("t2", **{"gen_ai.input.messages": json.dumps(messages)}),
            span("t3", **{"app.question": "how long  is the crossing?"}),
            span("t4", **{"app.question": "Is there a known case?"}),
            span("t5", other="nothing was asked"),
        ]
    )
    store.close()
    return file


def test_traces_become_cases_without_personal_data_and_doubles(traces: Path) -> None:
    cases = sample(read_seen(traces), 10, known=["Is there a known CASE?"])
    assert len(cases) == 2
    text = json.dumps(cases)
    assert "jane.doe" not in text
    assert "[email]" in text
    assert "Nobody." in text


def test_a_sample_cannot_be_run_before_it_is_labelled(traces: Path, tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    rows = sample(read_seen(traces), 10)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with pytest.raises(UserError, match="line 1"):
        load_cases(file)


def test_a_sample_is_the_same_every_time_and_no_larger_than_asked(traces: Path) -> None:
    assert sample(read_seen(traces), 1) == sample(read_seen(traces), 1)
    assert len(sample(read_seen(traces), 1)) == 1


def about(subjects: list[str], count: int, seed: int) -> list[str]:
    draw = Random(seed)
    verbs = ["change", "cancel", "find", "pay for", "book", "lose"]
    return [f"How do I {draw.choice(verbs)} my {draw.choice(subjects)}?" for _ in range(count)]


def test_other_questions_drift_and_the_same_ones_do_not() -> None:
    golden = about(["ticket", "seat", "meal"], 60, 1)
    moved = questions(golden, about(["ticket", "visa", "refund"], 60, 2), draws=199)
    assert moved.drifted
    assert {"visa", "refund"} & set(moved.more)
    alarms = [
        questions(about(["ticket", "seat"], 25, n), about(["ticket", "seat"], 25, 100 + n), 99).p
        for n in range(40)
    ]
    assert sum(p < 0.05 for p in alarms) <= 6


def test_the_drift_of_scores_agrees_with_scipy() -> None:
    draw = Random(3)
    before = [draw.gauss(0.8, 0.1) for _ in range(80)]
    now = [draw.gauss(0.78, 0.1) for _ in range(70)]
    theirs = stats.permutation_test(
        (before, now), lambda a, b: b.mean() - a.mean(), n_resamples=1999, vectorized=False, rng=1
    )
    ours = scores(before, now)
    assert ours.statistic == pytest.approx(theirs.statistic)
    assert ours.p == pytest.approx(theirs.pvalue, abs=0.03)


def test_looking_after_every_pair_raises_no_more_false_alarms_than_alpha() -> None:
    """A test for one look, looked at after every pair, would raise one in a third of these."""
    draw = Random(11)
    alarms = 0
    for _ in range(400):
        pairs = [(draw.random() < 0.8, draw.random() < 0.8) for _ in range(300)]
        alarms += evidence(pairs).decided_at is not None
    assert alarms <= 0.05 * 400


def test_a_real_difference_is_found_and_named() -> None:
    draw = Random(12)
    found = evidence([(draw.random() < 0.9, draw.random() < 0.6) for _ in range(400)])
    assert found.decision == "A is better"
    assert found.decided_at is not None
    assert found.p < 0.05


def test_the_wealth_is_a_bet_that_is_fair_under_chance() -> None:
    """Over all outcomes of n tosses its mean is 1: what Ville's inequality needs."""
    n = 12
    mean = sum(stats.binom.pmf(a, n, 0.5) * math.exp(log_wealth(a, n - a)) for a in range(n + 1))
    assert mean == pytest.approx(1.0)


def test_arms_are_paired_in_the_order_of_arrival() -> None:
    outcomes = [("A", True), ("A", False), ("B", False), ("B", True), ("B", True)]
    assert list(in_arrival_order(outcomes)) == [(True, False), (False, True)]


def test_the_size_for_one_look_is_that_of_the_textbook() -> None:
    """80% power at the two-sided 5% level, from 4% to 6% bad: 1,858 to 1,864 in each group."""
    assert fixed_size(0.96, 0.02 / 0.96) == pytest.approx(1860, rel=0.01)


def test_shadow_traffic_needs_fewer_questions_than_two_groups() -> None:
    shadow, groups = plan(0.85, 0.1, unstable=0.1, runs=60), plan(0.85, 0.1, runs=60)
    assert shadow.pairs_median is not None
    assert groups.pairs_median is not None
    assert shadow.pairs_median < groups.pairs_median


class Tags(HTMLParser):
    """What a page loads or runs, and whether its tags are closed."""

    VOID = frozenset(
        ("meta", "path", "circle", "rect", "line", "polygon", "polyline", "br", "!doctype")
    )

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name for name, _ in attrs}
        if tag in ("script", "link", "img", "iframe") or names & {"src", "href", "onclick"}:
            self.loads.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag in self.VOID or self.open.pop() == tag, tag


def seen(page: str) -> Tags:
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    return tags


def test_a_run_is_one_page_that_loads_nothing(place: Any) -> None:
    place.target()
    run = place.run()
    page = run_page(run)
    assert seen(page).loads == []
    assert not re.search(r"https?://", page)
    assert run.config.run in page
    for metric in run.summary["metrics"]:
        assert metric in page


def test_what_an_answer_says_cannot_enter_the_page(place: Any) -> None:
    place.target()
    run = place.run()
    evil = replace(run.rows[0], answer="<script>alert(1)</script>", grades={"x": 0.0})
    page = run_page(replace(run, rows=(evil,)))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_the_history_shows_what_flipped(place: Any) -> None:
    place.target()
    one = place.run()
    first = one.rows[0]
    metric = next(iter(first.grades))
    worse = replace(first, grades={**first.grades, metric: 0.0})
    two = replace(one, rows=(worse, *one.rows[1:]))
    page = history_page([one, two])
    assert seen(page).loads == []
    assert first.case in page
    assert f"{metric} (1)" in page
    assert "None: every case" in history_page([one, one])
