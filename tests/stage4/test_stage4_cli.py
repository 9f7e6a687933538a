"""The command: what it prints, what it exits with, and what it leaves behind."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.stage4.conftest import Ran

from stage4_agent.journal import read_journal
from stage4_agent.runner import placed

pytestmark = pytest.mark.embeddings
Stage4 = Callable[..., Ran]


def test_a_task_by_name_with_a_live_view(stage4: Stage4) -> None:
    ran = stage4("run", "germany")
    assert ran.code == 0
    assert "71" in ran.out
    assert "step 2   sql_query" in ran.err
    assert "so far" in ran.err
    assert "evidence sql_query: 71" in ran.err


def test_a_question_as_json(stage4: Stage4, tmp_path: Path) -> None:
    trace = tmp_path / "t.jsonl"
    ran = stage4("run", "What is 17.5% of 1,248.60?", "--json", "--trace", str(trace))
    assert (ran.code, ran.err) == (0, "")
    assert "218.505" in ran.json["answer"]
    assert ran.json["status"] == "answered"
    assert ran.json["usd"] > 0
    assert [one["tool"] for one in ran.json["evidence"]] == ["calculator"]
    assert read_journal(trace)[0]["task"] == "What is 17.5% of 1,248.60?"


def test_a_run_leaves_spans(stage4: Stage4, tmp_path: Path) -> None:
    stage4("run", "germany", "--json")
    with sqlite3.connect(tmp_path / "stages" / "traces.db") as db:
        names = [name for (name,) in db.execute("SELECT name FROM span ORDER BY start_ns, id")]
        roots = db.execute("SELECT count(*) FROM span WHERE parent_id = ''").fetchone()
    assert sorted(names) == ["chat offline-large"] * 3 + ["invoke_agent stage4"]
    assert roots == (1,)


def test_from_standard_input(stage4: Stage4) -> None:
    assert "45 days" in stage4("run", "-", stdin="How many days to return an item?\n").out


def test_an_order_waits_is_approved_and_happens_once(stage4: Stage4, tmp_path: Path) -> None:
    orders = tmp_path / "stages" / "agent" / "orders.db"
    first = stage4("run", "order", "--session", "s1", "--json")
    assert first.code == 1
    assert first.json["status"] == "waiting"
    (wish,) = first.json["waiting"]
    assert wish["arguments"] == {"sku": "CH-1140", "quantity": 2}
    assert placed(orders) == []
    assert stage4("run", "--session", "s1", "--approve", "another-key").code == 1
    assert placed(orders) == []
    done = stage4("run", "--session", "s1", "--approve", wish["key"])
    assert done.code == 0
    assert placed(orders) == [("CH-1140", 2)]
    again = stage4("run", "--session", "s1", "--approve", wish["key"])
    assert again.code == 0
    assert placed(orders) == [("CH-1140", 2)]


def test_an_order_that_is_denied(stage4: Stage4, tmp_path: Path) -> None:
    first = stage4("run", "order", "--session", "s2", "--json")
    denied = stage4("run", "--session", "s2", "--deny", first.json["waiting"][0]["key"])
    assert "refused" in denied.out
    assert placed(tmp_path / "stages" / "agent" / "orders.db") == []


def test_a_broken_tool_is_said(stage4: Stage4) -> None:
    ran = stage4("run", "germany", "--break", "sql=error")
    assert ran.code == 0
    assert "could not" in ran.out
    assert "503" in ran.out
    assert "failed" in ran.err


def test_limits_are_obeyed_and_told(stage4: Stage4) -> None:
    steps = stage4("run", "march-tax", "--steps", "2", "--json")
    assert (steps.code, steps.json["status"]) == (1, "partial")
    assert "step limit of 2" in steps.json["answer"]
    money = stage4("run", "march-tax", "--usd", "0.001", "--json")
    assert "money limit" in money.json["reason"]
    assert money.json["steps"] == 0


def test_tasks_are_listed_and_run(stage4: Stage4) -> None:
    listed = stage4("tasks", "--json").json
    assert len(listed) >= 20
    ran = stage4("tasks", "germany", "percent", "--run", "--json")
    assert ran.code == 0
    assert [one["solved"] for one in ran.json] == [True, True]


def test_a_trace_is_replayed_without_model_and_tools(
    stage4: Stage4, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = tmp_path / "t.jsonl"
    then = stage4("run", "march-tax", "--trace", str(trace), "--json").json
    monkeypatch.setenv("OFFLINE_BASE_URL", "http://127.0.0.1:9")  # nobody is there
    ran = stage4("replay", str(trace))
    assert ran.code == 0
    assert then["answer"] in ran.out
    events = [json.loads(line) for line in trace.read_text(encoding="utf-8").splitlines()]
    other = [e | {"text": "{}"} if e["event"] == "reply" and e["step"] == 2 else e for e in events]
    for event in other:
        if event["event"] == "reply" and event["step"] == 2:
            event["calls"] = [{"id": "x", "name": "calculator", "json": '{"expression": "1+1"}'}]
    trace.write_text("".join(json.dumps(event) + "\n" for event in other), encoding="utf-8")
    changed = stage4("replay", str(trace))
    assert changed.code != 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run"], "say what to do"),
        (["run", "germany", "--break", "sql=slowly"], "TOOL=FAULT"),
        (["run", "germany", "--session", "../../etc"], "--session NAME"),
        (["run", "germany", "--model", "no-such-model"], "unknown model"),
        (["tasks", "nothing"], "no task 'nothing'"),
        (["replay", "none.jsonl"], "cannot be read"),
    ],
)
def test_wrong_use_is_one_sentence(stage4: Stage4, words: list[str], said: str) -> None:
    ran = stage4(*words)
    assert ran.code == 2
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_a_page_cannot_move_the_cursor() -> None:
    from stage4_agent.live import Live

    lines: list[str] = []
    event = {"event": "result", "tool": "t", "ok": True, "again": False, "text": "a\x1b[2Jb\x07"}
    Live(lines.append)(event)
    assert lines
    assert all(c.isprintable() for c in lines[0])
