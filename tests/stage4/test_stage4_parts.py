"""Evidence, notes, prompts, imports, and what the loop costs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.stage4.conftest import play, tool

from stage4_agent.contract import ToolFailure, UnsafeTool
from stage4_agent.evidence import Found, evidence, numbers, unsupported
from stage4_agent.overhead import us_per_step
from stage4_agent.prompts import FOLDER, load_prompt
from stage4_agent.scripted import call, calls, says
from stage4_agent.toolbox import Toolbox
from stage4_agent.tools.notes import note_tools
from stage4_agent.tools.offered import DATA
from stage4_agent.tools.orders import place_order

SHOP = DATA / "shop.db"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1,204.50 and 3", ["1204.5", "3"]),
        ("on 2026-03-04", ["2026-03-04"]),
        ("[r3] says 7", ["7"]),
        ("see [https://x.example/page/42]", []),
        ("007", ["7"]),
        ("none", []),
    ],
)
def test_numbers_are_read_in_plain_writing(text: str, found: list[str]) -> None:
    assert numbers(text) == found


def result(text: str, *, ok: bool = True) -> Found:
    return Found("c", "sql_query", {}, text, ok)


@pytest.mark.parametrize(
    ("answer", "made_up"),
    [
        ("It is 26907.55.", ()),  # 26907.5541 rounded
        ("It is 26908.", ()),
        ("It is 26907.56.", ("26907.56",)),
        ("It is 2690.", ("2690",)),
        ("19% of it", ()),  # from the task
        ("There are two of 3.", ("3",)),
    ],
)
def test_a_number_must_come_from_somewhere(answer: str, made_up: tuple[str, ...]) -> None:
    assert unsupported(answer, "Add 19%.", [result('{"result": "26907.5541"}')]) == made_up


def test_a_failed_result_is_no_evidence_but_may_be_quoted() -> None:
    failed = [result("it is out of order (503)", ok=False)]
    assert evidence("It failed with 503.", failed) == ()
    assert unsupported("It failed with 503.", "", failed) == ()


async def test_notes_outlive_a_session(tmp_path: Path) -> None:
    file = tmp_path / "notes.db"
    remember, _ = note_tools(file)
    await remember.run({"topic": "supplier", "text": "Call Lund first."}, "")
    await remember.run({"topic": "supplier", "text": "Call Dahl first."}, "")
    _, recall = note_tools(file)
    found = (await recall.run({"word": "SUPPL"}, ""))["notes"]
    assert [(n["topic"], n["text"]) for n in found] == [("supplier", "Call Dahl first.")]
    assert (await recall.run({"word": "100%_'"}, ""))["notes"] == []
    assert (await note_tools(tmp_path / "none.db")[1].run({"word": "x"}, ""))["notes"] == []


async def test_the_store_has_an_end(tmp_path: Path) -> None:
    remember, _ = note_tools(tmp_path / "notes.db", most=5)
    for number in range(5):
        await remember.run({"topic": f"t{number}", "text": "x"}, "")
    with pytest.raises(ToolFailure, match="overwrite"):
        await remember.run({"topic": "one more", "text": "x"}, "")


async def test_the_shop_takes_a_key_once(tmp_path: Path) -> None:
    order = place_order(tmp_path / "orders.db", SHOP)
    one = await order.run({"sku": "DE-1007", "quantity": 2}, "key")
    assert await order.run({"sku": "DE-1007", "quantity": 2}, "key") == one
    assert one == {"order": 1, "sku": "DE-1007", "quantity": 2, "total_usd": 640.0}
    assert (await order.run({"sku": "DE-1007", "quantity": 2}, "other"))["order"] == 2
    with pytest.raises(ToolFailure, match="no article"):
        await order.run({"sku": "XX-1", "quantity": 1}, "third")


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.md")), ids=lambda f: f.stem)
def test_every_prompt_has_a_version_and_a_reason(file: Path) -> None:
    prompt = load_prompt(file.stem)
    assert prompt.version >= 1
    assert prompt.text
    assert "\nwhy: " in file.read_text(encoding="utf-8")


def test_the_loop_is_imported_without_an_sdk_or_a_heavy_library() -> None:
    heavy = ["openai", "anthropic", "pydantic", "httpx2", "lark", "pint", "numpy"]
    heavy += ["genai_prices", "opentelemetry"]
    code = f"import sys, stage4_agent.agent; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_step_costs_the_same_after_ten_and_after_fifty() -> None:
    """A ratio, since a busy machine makes both slow; the bar in microseconds is in `score`."""
    best = min(us_per_step(50) / us_per_step(10) for _ in range(3))
    assert best < 1.5


def test_a_schema_cannot_make_the_program_fetch() -> None:
    async def never(_given: object, _key: str) -> str:
        return ""

    takes = {"type": "object", "properties": {"n": {"$ref": "http://127.0.0.1:9/schema.json"}}}
    with pytest.raises(UnsafeTool, match="nothing is fetched"):
        Toolbox([tool("t", never, parameters=takes)])


async def test_a_key_in_an_error_does_not_reach_the_model() -> None:
    key = "sk-ant-api03-" + "a1B2c3D4" * 6

    async def leaks(_given: object, _key: str) -> str:
        raise ValueError(f"401 for key {key}")

    one = call("t", n=1)
    run = await play([calls(one), says("It failed.")], tool("t", leaks))
    assert "401" in run.seen(one.id)
    assert key not in run.seen(one.id)
    assert key not in str(run.journal.events)


def test_every_test_of_the_threat_model_exists() -> None:
    root = DATA.parents[1]
    page = (root / "stage4_agent" / "THREAT_MODEL.md").read_text(encoding="utf-8")
    named = re.findall(r"`tests/stage4/(test_\w+\.py):(test_\w+)", page)
    assert len(named) > 15
    for file, test in named:
        assert f"def {test}(" in (root / "tests" / "stage4" / file).read_text(encoding="utf-8"), (
            test
        )
