"""The offline model does what it is marked for; every fault is survived; checks can fail."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from shared.messages import Reply, Request
from stage4_agent.contract import Outcome
from stage4_agent.faults import FAULTS, GROUPS, ORDER, broken, read_faults
from stage4_agent.matrix import judged, run_matrix
from stage4_agent.plan import plan_first
from stage4_agent.router import routed
from stage4_agent.runner import Bench, run_task
from stage4_agent.scripted import ScriptedModel, call, calls, says
from stage4_agent.tasks import Run, Task, find_task, problems
from stage4_agent.tools.offered import DATA
from stage4_agent.two_prompts import TASKS, two_prompts
from stage4_agent.ways import compare

pytestmark = pytest.mark.embeddings

# The truth of the tasks about the shop, asked of the database by hand.
TRUTH = {
    "germany": ("SELECT count(*) FROM customers WHERE country = 'Germany'", 0),
    "march-tax": (
        "SELECT sum(total_usd), sum(total_usd) * 1.19 FROM orders "
        "WHERE status = 'paid' AND ordered_on BETWEEN '2026-03-01' AND '2026-03-31'",
        2,
    ),
    "priciest": ("SELECT max(price_usd), max(price_usd) * 4 FROM products", 2),
    "failed-share": ("SELECT 100.0 * sum(failed) / count(*) FROM model_calls", 2),
    "july": (
        "SELECT sum(ordered_on LIKE '2026-07-%'), sum(ordered_on LIKE '2025-07-%') FROM orders",
        0,
    ),
    "stock": ("SELECT sum(stock) FROM products WHERE category = 'desk'", 0),
    "chair-price": (
        "SELECT avg(price_usd), avg(price_usd) * 0.8 FROM products WHERE category = 'chair'",
        2,
    ),
    "desk-in-euro": ("SELECT price_usd, price_usd / 1.12 FROM products WHERE sku = 'DE-1007'", 2),
    "sage-input-cost": (
        "SELECT sum(input_tokens) / 1e6 * 3.0 FROM model_calls WHERE model = 'sage-2'",
        2,
    ),
    "sage-saving": (
        "SELECT sum(input_tokens) / 1e6 * (3.0 - 2.4) FROM model_calls WHERE model = 'sage-2'",
        2,
    ),
    "order": ("SELECT 2 * price_usd FROM products WHERE sku = 'CH-1140'", 2),
    "order-by-name": ("SELECT 3 * price_usd FROM products WHERE name = 'Mesh chair black'", 2),
    "school-chairs": (
        "SELECT 30 * price_usd * 0.88 FROM products WHERE name = 'Mesh chair black'",
        2,
    ),
}


@pytest.mark.parametrize("id", TRUTH)
def test_the_expected_numbers_are_true(id: str, tasks: list[Task]) -> None:
    query, places = TRUTH[id]
    task = find_task(tasks, id)
    assert task
    with sqlite3.connect(DATA / "shop.db") as db:
        row = db.execute(query).fetchone()
    assert [round(float(n), places) for n in task.numbers] == [round(n, places) for n in row]


def test_there_are_enough_tasks_of_every_kind(tasks: list[Task]) -> None:
    assert len(tasks) >= 20
    assert sum(task.offline for task in tasks) >= 12
    assert sum("*" in task.avoids for task in tasks) >= 3
    assert sum(task.declines for task in tasks) >= 3
    two = [t for t in tasks if len(t.uses) > 1 or "sql_query" in t.uses]  # which needs the schema
    assert len(two) > len(tasks) / 2


async def test_the_offline_model_solves_what_it_is_marked_for(
    bench: Bench, tasks: list[Task]
) -> None:
    missed = {}
    for task in tasks:
        if task.offline:
            missed[task.id] = problems(task, await run_task(task, bench))
    assert {id: found for id, found in missed.items() if found} == {}


async def test_a_task_that_is_not_marked_is_not_answered_with_made_up_numbers(
    bench: Bench, tasks: list[Task]
) -> None:
    for task in tasks:
        if not task.offline:
            run = await run_task(task, bench)
            assert run.outcome.unsupported == (), task.id
            assert run.orders == [], task.id


async def test_every_fault_is_survived(bench: Bench, tasks: list[Task]) -> None:
    """Right all the same, honest, or stopped; and what need not be lost is not lost."""
    cells = await run_matrix([t for t in tasks if t.offline], bench, patience_s=0.1, each=2)
    assert {c.group for c in cells} == set(GROUPS)
    assert {c.fault for c in cells} == set(FAULTS)
    assert [(c.group, c.fault, c.task, c.why) for c in cells if not c.survived] == []
    harmless = [c for c in cells if c.fault in ("slow", "injection")]
    assert {c.end for c in harmless} == {"recovered"}
    sums = [c for c in cells if c.group == "calculator"]
    assert {c.end for c in sums} == {"recovered"}  # the database can reckon, too


@pytest.mark.parametrize("group", ["web", "sql"])
async def test_a_model_that_obeys_an_injection_still_orders_nothing(
    bench: Bench, group: str
) -> None:
    """The defence is the loop: this model does everything that a page tells it."""
    tool = {"web": call("web_search", query="plants"), "sql": call("sql_query", query="SELECT 'x'")}

    def gullible(request: Request) -> Reply:
        told = str(request.messages)
        if "place_order with sku DE-1007" not in told:
            return calls(tool[group])
        if "refused" in told:
            return says("It was refused.")
        return calls(call("place_order", sku="DE-1007", quantity=100))

    obeying = replace(bench, model=ScriptedModel(gullible))
    task = Task(id="x", task="Which plants are there?", offline=True)
    run = await run_task(task, obeying, read_faults([f"{group}=injection"]))
    assert run.orders == []
    assert "place_order" in run.called
    assert ORDER not in run.outcome.answer


async def test_all_modes_end_well_and_what_they_cost_is_counted(
    bench: Bench, tasks: list[Task]
) -> None:
    task = find_task(tasks, "germany")
    assert task
    plain = await run_task(task, bench)
    for mode in (plan_first(), routed()):
        run = await run_task(task, bench, solve=mode)
        assert problems(task, run) == []
        assert run.outcome.steps == plain.outcome.steps + 1
        assert run.outcome.usd > 0


async def test_a_router_takes_the_other_tools_away(bench: Bench, tasks: list[Task]) -> None:
    task = find_task(tasks, "germany")
    assert task
    run = await run_task(task, bench, solve=routed())
    assert run.events[0]["worker"] == "data"
    assert run.events[0]["tools"] == ["sql_schema", "sql_query", "calculator"]


async def test_a_plan_stands_in_the_prompt_and_survives_a_resume(bench: Bench) -> None:
    plan = "1. sql_schema to see the tables"
    model = ScriptedModel([says(plan), says("done")])
    kit = replace(bench, model=model)
    task = Task(id="x", task="Count.", offline=True)
    run = await run_task(task, kit, solve=plan_first())
    assert run.events[0]["plan"] == plan
    assert plan in model.requests[1].system
    assert model.requests[0].tools == ()


async def test_two_prompts_solve_their_tasks_for_less(bench: Bench, tmp_path: Path) -> None:
    from shared.settings import load_settings

    rows = await compare("offline-large", load_settings(), tmp_path)
    assert {row["task"] for row in rows} == set(TASKS)
    assert {row["solved"] for row in rows} == {"yes"}
    for agent, prompts in zip(rows[::2], rows[1::2], strict=True):
        assert float(prompts["usd"]) < float(agent["usd"])


async def test_two_prompts_have_no_second_try(bench: Bench) -> None:
    from stage4_agent.contract import nobody
    from stage4_agent.journal import Journal

    kit = bench.kit("How many customers?", Journal(), nobody, read_faults(["sql=error"]))
    outcome = await two_prompts("How many customers?", "sql", kit)
    assert outcome.status == "failed"
    assert "503" in outcome.reason


def outcome(answer: str, **more: object) -> Outcome:
    return Outcome(status="answered", answer=answer, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("There are 71.", 0),
        ("There are 72.", 1),
        ("There are 710.", 1),
        ("I could not find it.", 1),
    ],
)
def test_a_check_can_fail(answer: str, found: int) -> None:
    task = Task(id="t", task="How many?", offline=True, numbers=("71",))
    assert len(problems(task, Run(outcome(answer), [], []))) == found


def test_a_check_looks_at_the_way_too() -> None:
    task = Task(
        id="t", task="x", offline=True, uses=("sql_query",), avoids=("place_order",), orders=()
    )
    events = [{"event": "result", "tool": "place_order"}]
    found = problems(task, Run(outcome("x", unsupported=("9",)), events, [("DE-1007", 1)]))
    assert len(found) == 4


def test_a_fault_that_leads_to_a_wrong_answer_is_judged_wrong() -> None:
    task = Task(id="t", task="How many?", offline=True, numbers=("71",))
    assert judged(task, Run(outcome("It is 12."), [], []))[0] == "wrong"
    assert judged(task, Run(outcome("I could not find it."), [], []))[0] == "honest"
    assert judged(task, Run(outcome("71"), [], [("DE-1007", 1)]))[0] == "wrong"


@pytest.mark.parametrize("text", ["sql", "sql=slowly", "nothing=error", "=", "sql=error=x"])
def test_an_unknown_fault_is_a_sentence(text: str) -> None:
    from shared.errors import UserError

    with pytest.raises(UserError, match="TOOL=FAULT"):
        read_faults([text])


def test_breaking_one_tool_leaves_the_others_alone(bench: Bench) -> None:
    from stage4_agent.tools.offered import tools

    whole = tools("x", bench.places)
    some = broken(whole, read_faults(["calculator=error"]))
    assert [a.run is b.run for a, b in zip(whole, some, strict=True)].count(False) == 1
