"""The committed data can be loaded, and a wrong entry is told by its name."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from shared.errors import LocalError, UserError
from stage2_extractor.agreement import agreement, render_agreement
from stage2_extractor.dataset import (
    Case,
    load_cases,
    load_invoices,
    load_second_passes,
    load_tickets,
)
from stage2_extractor.evidence import unsupported
from stage2_extractor.records import Invoice, Ticket


def ticket(name: str, bucket: Any) -> Case:
    return Case(id=name, text="…", record=Ticket(bucket=bucket))


def write(folder: Path, *entries: Any) -> Path:
    lines = (e if isinstance(e, str) else json.dumps(e) for e in entries)
    (folder / "tickets.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


GOOD = {"id": "t1", "split": "dev", "text": "late parcel", "bucket": "delivery"}


def test_fifty_invoices_and_a_hundred_tickets_are_valid() -> None:
    invoices, tickets = load_cases("invoice"), load_cases("ticket")
    assert (len(invoices), len(tickets)) == (50, 100)
    assert {case.task for case in invoices} == {"invoice"}
    assert Counter(case.split for case in tickets) == {"test": 60, "dev": 40}
    assert {case.split for case in invoices} == {"dev", "test"}
    assert sum(case.ambiguous for case in tickets) > 10


def test_the_splits_share_no_text() -> None:
    for task in ("invoice", "ticket"):
        texts = {
            split: {case.text for case in load_cases(task, split)} for split in ("dev", "test")
        }
        assert not texts["dev"] & texts["test"]


def test_every_label_stands_in_its_text() -> None:
    """A label that the text does not bear out could only be reached by guessing.

    Rows are the exception where OCR lost letters that the label puts back.
    """
    for case in load_cases("invoice"):
        assert isinstance(case.record, Invoice)
        missing = unsupported(case.record, {}, case.text)
        mended = {name for name in missing if name.startswith("lines.")}
        assert set(missing) == mended, case.id
        assert not mended or "ocr-noise" in case.traits, case.id


def test_no_example_of_a_prompt_is_a_case() -> None:
    from stage2_extractor.prompts import TASKS, list_prompts

    for task in TASKS:
        cases = {_squeezed(case.text) for case in load_cases(task)}
        for prompt in list_prompts(task):
            assert not cases & {_squeezed(example.text) for example in prompt.examples}


def test_a_second_pass_covers_a_fifth_and_mostly_agrees() -> None:
    for task, sizes in (("invoice", [10]), ("ticket", [20, 100])):
        found = [agreement(task, load_cases(task), one) for one in load_second_passes(task)]
        assert [one.documents for one in found] == sizes
        assert all(min(one.shares.values()) >= 0.8 for one in found)
        assert all((one.kappa or 0) >= 0.8 for one in found if task == "ticket")


def test_agreement_of_tickets_is_counted() -> None:
    first = [ticket("t1", "billing"), ticket("t2", "billing"), ticket("t3", "how_to")]
    second = {"t1": Ticket(bucket="billing"), "t2": Ticket(bucket="how_to"), "t9": first[0].record}
    found = agreement("ticket", first, second)
    assert found.documents == 2
    assert found.shares == {"bucket": 0.5}
    assert found.differing == ("t2",)
    assert found.kappa == 0  # one label in the first pass: no agreement beyond chance
    assert "50.0%" in render_agreement(found)


def test_agreement_of_invoices_is_by_field() -> None:
    case = load_cases("invoice")[0]
    assert isinstance(case.record, Invoice)
    other = case.record.model_copy(update={"total": None, "lines": []})
    found = agreement("invoice", [case], {case.id: other})
    assert found.shares["total"] == 0
    assert found.shares["lines"] == 0
    assert found.shares["invoice_date"] == 1
    assert found.to_json()["differing"] == [f"{case.id} total", f"{case.id} lines"]


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ([{**GOOD, "bucket": "complaints"}], "the label of t1 is wrong at bucket"),
        ([GOOD, GOOD], "line 2 repeats t1"),
        ([{"id": "t1", "text": ""}], "line 1 has no split, bucket"),
        (["{"], "line 1 is not a JSON object"),
        (["3"], "line 1 is not a JSON object"),
    ],
)
def test_a_wrong_entry_is_named(entries: list[Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=told):
        load_tickets(write(tmp_path, *entries))


def test_a_missing_file_and_an_unknown_split_say_so(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="checkout of the project"):
        load_invoices(tmp_path)
    with pytest.raises(UserError, match="there are dev, test"):
        load_cases("ticket", "train")


def _squeezed(text: str) -> str:
    return re.sub(r"\W+", "", text.casefold())
