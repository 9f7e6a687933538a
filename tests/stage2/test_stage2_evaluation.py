"""Evaluations against an offline model that is told what to answer, so that the truth is known."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from shared.errors import ProviderError
from shared.journal import Journal
from shared.models import KNOWN
from shared.offline.server import LocalServer
from shared.settings import Settings, load_settings
from stage2_extractor.chart import chart
from stage2_extractor.dataset import Case
from stage2_extractor.evaluation import Run, evaluate_versions, open_journal
from stage2_extractor.metrics import FIELDS
from stage2_extractor.prompts import Prompt, load_prompt
from stage2_extractor.records import Invoice, Ticket
from stage2_extractor.report import mistakes, render_report, report_json
from stage2_extractor.summary import confusion, gain, grade, numbers

KEY = "offline"
SMALL, LARGE = KNOWN["offline-small"], KNOWN["offline-large"]
ONE, THREE = load_prompt("ticket", "1"), load_prompt("ticket", "3")
TICKETS = [
    Case(id="a", text="Charged twice", record=Ticket(bucket="billing"), split="dev"),
    Case(id="b", text="Parcel late", record=Ticket(bucket="delivery"), split="test"),
    Case(id="c", text="Locked out", record=Ticket(bucket="account_access"), ambiguous=True),
]


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


@pytest.fixture
def settings(server: LocalServer) -> Settings:
    return load_settings().model_copy(update={"offline_base_url": server.base_url})


def says(*buckets: str) -> list[dict[str, Any]]:
    return [{"kind": "reply", "text": json.dumps({"bucket": bucket})} for bucket in buckets]


async def run(
    settings: Settings, prompts: Sequence[Prompt] = (ONE,), cases: Any = TICKETS, **options: Any
) -> list[Run]:
    return await evaluate_versions(cases, prompts, SMALL, None, settings, **options)


def value(run: Run, name: str) -> float | None:
    return {number.name: number.value for number in numbers(grade(run))}[name]


async def in_order(settings: Settings, replies: Any, server: LocalServer, **options: Any) -> Run:
    """One case at a time, so that the scripted replies meet the cases in order."""
    outcomes: list[Any] = []
    server.script(KEY, replies)
    for case in options.pop("cases", TICKETS):
        (one,) = await run(settings, cases=[case], **options)
        outcomes += one.outcomes
    return Run(one.prompt, tuple(outcomes), one.repeats)


async def test_the_numbers_of_known_answers(server: LocalServer, settings: Settings) -> None:
    found = await in_order(settings, says("billing", "delivery", "how_to"), server)
    assert value(found, "accuracy") == pytest.approx(2 / 3)
    assert value(found, "accuracy_clear") == 1
    assert value(found, "accuracy_ambiguous") == 0
    assert value(found, "macro_f1") == pytest.approx(2 / 4)  # how_to was only given
    assert confusion(grade(found)).counts["account_access", "how_to"] == 1
    assert value(found, "tries") == 1


async def test_tokens_and_cost_are_the_servers(server: LocalServer, settings: Settings) -> None:
    (found,) = await run(settings)
    entries = server.wait_finished(KEY, len(TICKETS))
    billed = [entry.billed or {} for entry in entries]
    assert value(found, "input_tokens") == pytest.approx(sum(b["total"] for b in billed) / 3)
    assert value(found, "output_tokens") == pytest.approx(sum(b["output"] for b in billed) / 3)
    dollars = sum(b["total"] * 0.10 + b["output"] * 0.50 for b in billed) / 1e6
    assert value(found, "cost_usd") == pytest.approx(dollars / 3)
    assert 0 < (value(found, "p50_s") or 0) <= (value(found, "p95_s") or 0)


async def test_a_failed_record_is_wrong_and_named(server: LocalServer, settings: Settings) -> None:
    bad = [{"kind": "refusal"}, {"kind": "invalid_json"}, {"kind": "invalid_json"}]
    found = await in_order(settings, [*bad, *says("account_access")], server)
    assert [outcome.failure for outcome in found.outcomes] == ["refused", "invalid_json", None]
    assert value(found, "accuracy") == pytest.approx(1 / 3)
    assert value(found, "no_record") == pytest.approx(2 / 3)
    assert value(found, "tries") == pytest.approx(4 / 3)
    assert "gave no record: 1 refused, 1 invalid_json" in render_report([found])
    assert confusion(grade(found)).rows()[0][-1] == "no answer"


async def test_an_unknown_usage_leaves_the_cost_unknown(
    server: LocalServer, settings: Settings
) -> None:
    silent = {"kind": "usage", "overrides": None}
    found = await in_order(settings, [[*says("billing"), silent]], server)
    assert value(found, "cost_usd") is None
    assert "$" not in render_report([found])


async def test_repeats_are_real_calls_and_flips_are_counted(
    server: LocalServer, settings: Settings, tmp_path: Path
) -> None:
    replies = says("billing", "how_to", "delivery", "delivery", "account_access", "account_access")
    with Journal(tmp_path / "journal.jsonl") as journal:
        found = await in_order(settings, replies, server, repeats=2, journal=journal)
        again = await in_order(settings, says("how_to"), server, repeats=2, journal=journal)
    assert value(found, "fields_that_flip") == pytest.approx(1 / 3)
    assert value(found, "accuracy") == pytest.approx(5 / 6)  # half of one case, all of two
    assert len(server.log(KEY)) == 6
    assert all(outcome.cached for outcome in again.outcomes)
    assert value(again, "fields_that_flip") == pytest.approx(1 / 3)


async def test_an_interrupted_run_pays_only_for_the_rest(
    server: LocalServer, settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        await run(settings, cases=TICKETS[:2], journal=journal)
    with Journal(path) as journal:
        (found,) = await run(settings, journal=journal)
    assert [outcome.cached for outcome in found.outcomes] == [True, True, False]
    assert len(server.wait_finished(KEY, 3)) == 3
    assert "2 answers of ticket@1 from the journal" in render_report([found])


async def test_another_prompt_is_asked_anew(
    server: LocalServer, settings: Settings, tmp_path: Path
) -> None:
    with Journal(tmp_path / "journal.jsonl") as journal:
        both = await run(settings, [ONE, THREE], journal=journal)
    assert not any(outcome.cached for found in both for outcome in found.outcomes)


def interrupted(path: Path) -> None:
    with open_journal(path, [SMALL, LARGE]) as journal:
        journal.put("k", {})
        raise KeyboardInterrupt


def test_a_whole_offline_evaluation_leaves_no_journal(tmp_path: Path) -> None:
    path = tmp_path / "eval.jsonl"
    with pytest.raises(KeyboardInterrupt):
        interrupted(path)
    assert path.exists()
    with open_journal(path, [SMALL, None]) as journal:
        assert journal.get("k") == {}
    assert not path.exists()
    with open_journal(path, [SMALL, KNOWN["gpt-4o-mini"]]):
        pass
    assert path.exists()


async def test_a_dead_line_is_an_error_and_not_a_score(
    server: LocalServer, settings: Settings
) -> None:
    server.script(KEY, [{"kind": "status", "status": 401, "times": 99}])
    with pytest.raises(ProviderError, match="no call came through"):
        await run(settings, cases=[*TICKETS, *TICKETS])


async def test_one_call_that_fails_among_others_counts_as_wrong(
    server: LocalServer, settings: Settings
) -> None:
    replies = [*says("billing"), {"kind": "status", "status": 401}, *says("account_access")]
    found = await in_order(settings, replies, server)
    assert [outcome.failure for outcome in found.outcomes] == [None, "call", None]
    assert value(found, "accuracy") == pytest.approx(2 / 3)


async def test_two_versions_side_by_side(server: LocalServer, settings: Settings) -> None:
    old = await in_order(settings, says("how_to", "how_to", "how_to"), server)
    new = await in_order(
        settings, says("billing", "delivery", "account_access"), server, prompts=[THREE]
    )
    assert gain(grade(new), grade(old)).value == 1
    text, data = render_report([old, new]), report_json([old, new])
    assert "ticket@1" in text.splitlines()[2]
    assert "ticket@3 over ticket@1  +1.000" in text
    assert data["gains"][0]["value"] == 1
    assert data["versions"][1]["numbers"]["accuracy"]["value"] == 1
    assert json.loads(json.dumps(data)) == data
    with pytest.raises(ValueError, match="same cases"):
        gain(grade(new), grade(Run(ONE, old.outcomes[:2], 1)))


async def test_mistakes_are_listed_for_dev_only(server: LocalServer, settings: Settings) -> None:
    found = await in_order(settings, says("how_to", "how_to", "how_to"), server)
    assert mistakes(found) == [
        {"case": "a", "field": "bucket", "right": "billing", "given": "how_to"}
    ]


async def test_the_chart_is_svg_with_a_bar_a_version(
    server: LocalServer, settings: Settings
) -> None:
    runs = await run(settings, [ONE, THREE])
    root = ET.fromstring(chart(runs))
    space = "{http://www.w3.org/2000/svg}"
    assert root.tag == f"{space}svg"
    bars = [one for one in root.iter(f"{space}rect") if one.find(f"{space}title") is not None]
    assert len(bars) == 2 * 4
    words = [one.text for one in root.iter(f"{space}text")]
    assert {"ticket@1", "ticket@3", "macro_f1"} <= set(words)


async def test_an_invoice_end_to_end(server: LocalServer, settings: Settings) -> None:
    """One right field, one wrong and one invented, counted by hand."""
    record = dict.fromkeys(FIELDS) | {"invoice_number": "INV-7", "total": 5, "lines": []}
    text = "Invoice INV-7\nTotal 5.00\nTax 1"
    case = Case(id="i", text=text, record=Invoice.model_validate(record))
    claimed = record | {"total": 1, "discount": 3.33}
    payload = {name: {"value": claimed[name], "quote": None} for name in FIELDS} | {"lines": []}
    server.script(KEY, [{"kind": "reply", "text": json.dumps(payload), "times": 2}])
    (found,) = await run(settings, [load_prompt("invoice", "1")], [case])
    assert found.outcomes[0].hallucinated == {"discount": "3.33"}
    assert value(found, "tries") == 2
    assert value(found, "field_f1") == pytest.approx(0.5)  # tp 1, fp 1, fn 1: the claim is gone
    assert value(found, "hallucinated_values") == pytest.approx(1 / 3)
    assert value(found, "false_where_absent") == 0
    assert value(found, "exact_records") == 0
    assert value(found, "line_item_f1") == 0
    assert "lines.amount" in render_report([found])
