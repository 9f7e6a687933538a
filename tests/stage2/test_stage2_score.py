"""The bars: what holds, what does not, and what the scoreboard is told."""

from __future__ import annotations

import json
import re
from typing import Any, get_args

import pytest

from shared.messages import Request
from shared.models import KNOWN
from shared.offline.answer import Answer
from shared.offline.server import LocalServer
from shared.score import Score
from shared.settings import load_settings
from stage2_extractor.dataset import Case
from stage2_extractor.metrics import FIELDS
from stage2_extractor.records import Bucket, Invoice, Ticket
from stage2_extractor.score import render_score, score_on

EMPTY = dict.fromkeys(FIELDS) | {"lines": []}
BUCKETS = get_args(Bucket)
INVOICES = [
    Case(id=f"i{n}", text=f"Total {n}", record=Invoice.model_validate(EMPTY | {"total": n}))
    for n in range(10, 22)
]
TICKETS = [
    Case(id=f"t{n}", text=f"It is {bucket} {n}", record=Ticket.model_validate({"bucket": bucket}))
    for n in range(4)
    for bucket in BUCKETS
]


class Reader:
    """Reads rightly once it was shown examples, up to a document whose number is in `blind`."""

    def __init__(self, blind: set[int] | None = None, invents: bool = False) -> None:
        self.blind, self.invents = blind or set(), invents

    def __call__(self, request: Request, *_: Any) -> Answer:
        text, taught = request.messages[-1].text, len(request.messages) > 1
        number = int(re.findall(r"\d+", text)[0])
        able = taught and number not in self.blind
        if "bucket" in dict(request.output.schema)["properties"] if request.output else False:
            found = next(bucket for bucket in BUCKETS if bucket in text)
            return Answer(json.dumps({"bucket": found if able else "billing"}))
        given = {"total": number if able else None}
        given |= {"tax": 4321} if self.invents else {}
        filled = {name: {"value": given.get(name), "quote": None} for name in FIELDS}
        return Answer(json.dumps(filled | {"lines": []}))


def scored(reader: Reader) -> Score:
    with LocalServer(think=reader) as server:
        reachable = load_settings().model_copy(update={"offline_base_url": server.base_url})
        cases = {"invoice": INVOICES, "ticket": TICKETS}
        return score_on(cases, KNOWN["offline-large"], reachable)


def test_a_model_that_learns_from_examples_reaches_every_bar() -> None:
    found = scored(Reader())
    assert [(row.metric, row.value) for row in found.rows] == [
        ("invoice_field_f1", 1.0),
        ("hallucinated_value_rate", 0.0),
        ("ticket_macro_f1", 1.0),
        ("invoice_v3_over_v1", 1.0),
        ("ticket_v3_over_v1", pytest.approx(1 - (2 * 4 / 24) / 5)),  # version 1: billing always
    ]
    assert found.ok
    assert found.cases == len(INVOICES) + len(TICKETS)
    assert (found.cost_usd or 0) > 0
    assert "MISSED" not in render_score(found)


def test_a_model_that_learns_nothing_beats_nothing() -> None:
    found = scored(Reader(blind=set(range(100))))
    gains = [row for row in found.rows if row.metric.endswith("over_v1")]
    assert [row.value for row in gains] == [0, 0]
    assert not any(row.ok for row in gains)
    assert not found.ok
    assert render_score(found).count("MISSED") == 5  # nothing claimed: no rate of false claims


def test_one_document_better_is_not_beyond_noise() -> None:
    found = scored(Reader(blind=set(range(11, 100))))
    row = next(row for row in found.rows if row.metric == "invoice_v3_over_v1")
    assert row.value > 0
    assert not row.ok


def test_invented_values_miss_their_bar_although_the_extractor_throws_them_out() -> None:
    found = scored(Reader(invents=True))
    rows = {row.metric: row for row in found.rows}
    assert rows["invoice_field_f1"].value == 1
    assert rows["hallucinated_value_rate"].value == 0.5
    assert not rows["hallucinated_value_rate"].ok
