"""The numbers this stage is judged by, measured now on the test split.

Version 3 of both prompts must reach its bar, invent next to nothing, and beat version 1 by more
than noise. The model that is judged answers alone: no bigger one is asked where it fails, and no
journal is read, so that every number is of this run.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

from shared.models import Model, resolve
from shared.score import Row, Score, rows_text
from shared.settings import Settings
from stage2_extractor.dataset import Case, load_cases
from stage2_extractor.evaluation import Outcome, Run, evaluate_versions
from stage2_extractor.prompts import TASKS, load_prompt
from stage2_extractor.summary import Graded, Number, gain, grade, numbers

OLD, NEW = "1", "3"
INVOICE_BAR = 0.80
TICKET_BAR = 0.80
HALLUCINATED_BAR = 0.02


def score(
    model_name: str, settings: Settings, finished: Callable[[Outcome], None] = lambda _: None
) -> Score:
    """Both tasks on `model_name`, which is really paid for."""
    cases = {task: load_cases(task, "test") for task in TASKS}
    return score_on(cases, resolve(model_name, settings), settings, finished)


def score_on(
    cases: Mapping[str, Sequence[Case]],
    model: Model,
    settings: Settings,
    finished: Callable[[Outcome], None] = lambda _: None,
) -> Score:
    """The same on any cases: `{"invoice": […], "ticket": […]}`."""
    started = time.monotonic()
    runs = asyncio.run(_run(cases, model, settings, finished))
    seconds = time.monotonic() - started
    every = [outcome for pair in runs.values() for run in pair for outcome in run.outcomes]
    costs = [outcome.cost_usd for outcome in every if outcome.cost_usd is not None]
    cost = sum(costs) if len(costs) == len(every) else None
    return Score(2, model.id, sum(map(len, cases.values())), tuple(rows(runs)), seconds, cost)


def rows(runs: dict[str, list[Run]]) -> list[Row]:
    """The bars, from the runs of the old and the new prompt of each task."""
    old_invoice, invoice = map(grade, runs["invoice"])
    old_ticket, ticket = map(grade, runs["ticket"])
    on_invoices = {number.name: number for number in numbers(invoice)}
    on_tickets = {number.name: number for number in numbers(ticket)}
    hallucinated = on_invoices["hallucinated_values"]
    return [
        _row("invoice_field_f1", on_invoices["field_f1"], INVOICE_BAR),
        _row("hallucinated_value_rate", hallucinated, HALLUCINATED_BAR, at_most=True),
        _row("ticket_macro_f1", on_tickets["macro_f1"], TICKET_BAR),
        _gain("invoice_v3_over_v1", invoice, old_invoice),
        _gain("ticket_v3_over_v1", ticket, old_ticket),
    ]


def render_score(score: Score) -> str:
    cost = "cost unknown" if score.cost_usd is None else f"${score.cost_usd:.4f}"
    head = (
        f"{score.model}: {score.cases} cases of the test split, {score.seconds:.1f} s, {cost}\n\n"
    )
    return head + rows_text(score.rows)


async def _run(
    cases: Mapping[str, Sequence[Case]],
    model: Model,
    settings: Settings,
    finished: Callable[[Outcome], None],
) -> dict[str, list[Run]]:
    """The old and the new prompt of each task."""
    runs = {}
    for task, group in cases.items():
        prompts = [load_prompt(task, version) for version in (OLD, NEW)]
        runs[task] = await evaluate_versions(
            group, prompts, model, None, settings, finished=finished
        )
    return runs


def _row(metric: str, number: Number, bar: float, *, at_most: bool = False) -> Row:
    """A number that could not be measured misses its bar."""
    worst = 1.0 if at_most else 0.0
    value = worst if number.value is None else number.value
    return Row(metric, value, bar, at_most, low=number.low, high=number.high)


def _gain(metric: str, new: Graded, old: Graded) -> Row:
    found = gain(new, old)
    return Row(metric, found.value, 0.0, sure=True, low=found.low, high=found.high)
