"""The numbers this stage is judged by, measured now on the 60 labelled questions of the handbook.

The handbook is brought up to date in the store first, which costs nothing when it is. The refusal
threshold is set on the answerable questions of the dev split, as a user would set it; so refusals
are stated for the test split as well, which nothing was set on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shared.resampling import Interval, bootstrap, percentile, wilson
from shared.score import Row, Score, rows_text
from shared.settings import Settings
from shared.tables import table
from stage3_rag.calibrate import calibrate
from stage3_rag.evaluation import Judged, judge, texts_of
from stage3_rag.golden import CORPUS, load_questions
from stage3_rag.ingest import ingest_path
from stage3_rag.metrics import Refusals, gain, reciprocal_rank_of
from stage3_rag.opening import open_rag

TENANTS = ("handbook", "acme")
RECALL_BAR, REFUSAL_BAR, SLOWEST_S = 0.95, 0.85, 3.0


@dataclass(frozen=True, slots=True)
class RagScore(Score):
    """`more` has the numbers without a bar: name to value and 95% interval."""

    more: dict[str, Interval]

    def to_json(self) -> dict[str, Any]:
        more = {
            name: {"value": round(n.value, 4), "low": round(n.low, 4), "high": round(n.high, 4)}
            for name, n in self.more.items()
        }
        return {**Score.to_json(self), "more": more}


def score(model: str, settings: Settings, finished: Callable[[], None] = lambda: None) -> RagScore:
    """On `model`, which is really paid for."""
    return asyncio.run(_score(model, settings, finished))


async def _score(model: str, settings: Settings, finished: Callable[[], None]) -> RagScore:
    started = time.monotonic()
    for tenant in TENANTS[1:]:
        async with open_rag(settings, tenant, model) as rag:
            await ingest_path(CORPUS, rag.collection.store, rag.collection.embedder)
    async with open_rag(settings, TENANTS[0], model) as rag:
        await ingest_path(CORPUS, rag.collection.store, rag.collection.embedder)
        known = [one.text for one in load_questions("dev", most=100) if one.answerable]
        await calibrate(rag.collection.retriever, known)
        await rag.answerer.ask("Which chapter is about caching?")  # nothing is loaded any more
        judged = await judge(load_questions(), rag.answerer, texts_of(CORPUS), finished)
    return RagScore(
        stage=3,
        model=rag.provider.model.id,
        cases=len(judged),
        rows=rows(judged),
        seconds=time.monotonic() - started,
        cost_usd=_cost(judged),
        more=more(judged),
    )


def rows(judged: Sequence[Judged]) -> tuple[Row, ...]:
    answerable = [one for one in judged if one.question.answerable]
    test = [one for one in judged if one.question.split == "test"]
    found = bootstrap(answerable, lambda them: _mean([one.recall(5) for one in them]))
    refused, on_test = bootstrap(judged, _f1), bootstrap(test, _f1)
    cited = [one for judgement in judged for one in judgement.exists]
    share, (low, high) = _mean(cited), wilson(sum(cited), max(1, len(cited)))
    slowest = percentile([one.answer.total_s for one in judged], 99)
    return (
        Row("recall_at_5", found.value, RECALL_BAR, low=found.low, high=found.high),
        Row("refusal_f1", refused.value, REFUSAL_BAR, low=refused.low, high=refused.high),
        Row("refusal_f1_on_test", on_test.value, REFUSAL_BAR, low=on_test.low, high=on_test.high),
        Row("citations_that_exist", share, 1.0, low=low, high=high),
        Row("answer_p99_s", slowest, SLOWEST_S, at_most=True),
    )


def more(judged: Sequence[Judged]) -> dict[str, Interval]:
    answerable = [one for one in judged if one.question.answerable]
    answered = [one for one in answerable if not one.answer.declined]
    each: dict[str, tuple[Sequence[Judged], Callable[[Sequence[Judged]], float]]] = {
        "recall_at_1": (answerable, lambda them: _mean([one.recall(1) for one in them])),
        "recall_at_10": (answerable, lambda them: _mean([one.recall(10) for one in them])),
        "mrr": (answerable, lambda them: _mean([reciprocal_rank_of(one.found) for one in them])),
        "ndcg_at_10": (
            answerable,
            lambda them: _mean([gain(one.found, len(one.question.needs), 10) for one in them]),
        ),
        "refusal_precision": (judged, lambda them: _refusals(them).precision),
        "refusal_recall": (judged, lambda them: _refusals(them).recall),
        "cites_a_labelled_quote": (answered, lambda them: _mean([o.cites_a_label for o in them])),
        "retrieval_p50_s": (
            judged,
            lambda them: percentile([o.answer.retrieval_s for o in them], 50),
        ),
        "retrieval_p99_s": (
            judged,
            lambda them: percentile([o.answer.retrieval_s for o in them], 99),
        ),
        "answer_p50_s": (judged, lambda them: percentile([o.answer.total_s for o in them], 50)),
        "cost_per_question_usd": (judged, lambda them: float(_cost(them) or 0) / len(them)),
    }
    for kind in sorted({one.question.kind for one in answerable}):
        of_kind = [one for one in answerable if one.question.kind == kind]
        name = f"recall_at_5 {kind} ({len(of_kind)})"
        each[name] = (of_kind, lambda them: _mean([one.recall(5) for one in them]))
    return {
        name: bootstrap(cases, statistic, resamples=500)
        for name, (cases, statistic) in each.items()
        if cases
    }


def render_score(score: RagScore) -> str:
    cost = "cost unknown" if score.cost_usd is None else f"${score.cost_usd:.4f}"
    head = f"{score.model}: {score.cases} questions, {score.seconds:.1f} s, {cost}\n\n"
    body = [["", "measured", "95% interval"]]
    for name, number in score.more.items():
        digits = 5 if name.endswith("usd") else 3
        between = f"[{number.low:.{digits}f}, {number.high:.{digits}f}]"
        body.append([name, f"{number.value:.{digits}f}", between])
    return head + rows_text(score.rows) + "\n" + table(body)


def _refusals(judged: Sequence[Judged]) -> Refusals:
    return Refusals.count(
        [one.answer.declined for one in judged], [one.question.answerable for one in judged]
    )


def _f1(judged: Sequence[Judged]) -> float:
    return _refusals(judged).f1


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _cost(judged: Sequence[Judged]) -> float | None:
    costs = [one.answer.cost_usd for one in judged]
    known = [cost for cost in costs if cost is not None]
    return float(sum(known, Decimal(0))) if len(known) == len(costs) else None
