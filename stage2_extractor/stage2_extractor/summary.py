"""What a run is worth, as a list of named numbers that a table, a chart and a JSON file share.

Repeats of a document are averaged inside it: a field that is right nine times in ten counts nine
tenths, and the document, not the repeat, is what an interval draws.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Literal, TypeVar

from shared.resampling import Difference, Statistic, bootstrap, paired, percentile, wilson
from stage2_extractor.confusion import Confusion, Pair, macro_f1
from stage2_extractor.evaluation import Outcome, Run
from stage2_extractor.metrics import (
    FIELDS,
    Judged,
    Tally,
    by_field,
    flips,
    judge,
    ratio,
    total,
)
from stage2_extractor.metrics import macro_f1 as macro_of_fields
from stage2_extractor.records import Invoice, Ticket

Kind = Literal["share", "count", "usd", "seconds"]
T = TypeVar("T")
Parts = tuple[int, ...]  # the counts of one document that a ratio is made of


@dataclass(frozen=True, slots=True)
class Number:
    """`value` is None where there was nothing to count. `low` and `high`: the 95% interval."""

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    kind: Kind = "share"

    def to_json(self) -> dict[str, Any]:
        known = {"value": self.value, "low": self.low, "high": self.high}
        return {name: round(x, 6) for name, x in known.items() if x is not None}


HEADLINE = {"invoice": "field_f1", "ticket": "macro_f1"}


@dataclass(frozen=True, slots=True)
class Graded:
    """A run held against its labels, once. Of `invoices` and `tickets` one is empty."""

    run: Run
    invoices: list[list[Judged]]
    tickets: list[list[Pair]]


def grade(run: Run) -> Graded:
    """Each case's repeats against its label."""
    if run.prompt.task == "invoice":
        return Graded(run, [[_judged(one) for one in case] for case in run.by_case()], [])
    return Graded(run, [], [[_pair(one) for one in case] for case in run.by_case()])


def numbers(graded: Graded) -> list[Number]:
    """Quality first, then what went wrong, then what it cost."""
    quality = _of_invoices(graded.invoices) if graded.invoices else _of_tickets(graded)
    run = graded.run
    return [*quality, *_flips(run), *_failures(run), *_costs(run)]


def per_label(graded: Graded) -> dict[str, Tally]:
    """The tally of each field and cell, or of each bucket."""
    if graded.invoices:
        return by_field(judged for case in graded.invoices for judged in case)
    found = confusion(graded)
    return {label: found.tally(label) for label in found.labels}


def confusion(graded: Graded) -> Confusion:
    return Confusion.of([pair for case in graded.tickets for pair in case])


def failures(run: Run) -> Counter[str]:
    """How many outcomes had no record, by name; those kept in spite of a failure are left out."""
    return Counter(str(one.failure) for one in run.outcomes if one.record is None)


def gain(new: Graded, old: Graded) -> Difference:
    """The headline number of `new` minus that of `old`, paired by document."""
    if _ids(new) != _ids(old):
        raise ValueError("two runs can only be paired over the same cases and repeats")
    if new.invoices:
        return paired(_field_parts(new.invoices), _field_parts(old.invoices), _f1)
    return paired(new.tickets, old.tickets, _macro_of_cases)


def _of_invoices(cases: list[list[Judged]]) -> list[Number]:
    every = [judged for case in cases for judged in case]
    whole = total(judged.overall for judged in every)
    rows = [_parts([one.rows for one in case]) for case in cases]
    exact = [(sum(one.exact for one in case), len(case)) for case in cases]
    invented = [_sums([(one.unsupported, one.claims) for one in case]) for case in cases]
    false = [_sums([(one.false_where_absent, one.absent) for one in case]) for case in cases]
    tallies = by_field(every)
    cells = total(tally for name, tally in tallies.items() if name.startswith("lines."))
    return [
        _bounded("field_f1", _field_parts(cases), _f1),
        Number("field_precision", whole.precision),
        Number("field_recall", whole.recall),
        Number("field_f1_macro", macro_of_fields(tallies[name] for name in FIELDS)),
        Number("fields_right", fmean(one.share_right for one in every)),
        _bounded("line_item_f1", rows, _f1),
        Number("line_cell_f1", cells.f1),
        _share("exact_records", exact),
        _share("hallucinated_values", invented),
        _share("false_where_absent", false),
    ]


def _of_tickets(graded: Graded) -> list[Number]:
    hits = [(sum(a == b for a, b in case), len(case)) for case in graded.tickets]
    by_kind: dict[bool, list[Parts]] = {True: [], False: []}
    for hit, repeats in zip(hits, graded.run.by_case(), strict=True):
        by_kind[repeats[0].case.ambiguous].append(hit)
    return [
        _bounded("macro_f1", graded.tickets, _macro_of_cases),
        _share("accuracy", hits),
        _share("accuracy_clear", by_kind[False]),
        _share("accuracy_ambiguous", by_kind[True]),
    ]


def _flips(run: Run) -> list[Number]:
    if run.repeats == 1:
        return []
    names = (*FIELDS, "lines") if run.prompt.task == "invoice" else ("bucket",)
    answers: list[list[Any]] = [[one.record for one in case] for case in run.by_case()]
    return [Number("fields_that_flip", flips(answers, names))]


def _failures(run: Run) -> list[Number]:
    none = [(sum(one.record is None for one in case), len(case)) for case in run.by_case()]
    tries = fmean(len(one.tries) for one in run.outcomes)
    return [_share("no_record", none), Number("tries", tries, kind="count")]


def _costs(run: Run) -> list[Number]:
    """Means a document, over all of its tries; unknown as soon as one cost is."""
    outcomes = run.outcomes
    costs = [one.cost_usd for one in outcomes if one.cost_usd is not None]
    known = len(costs) == len(outcomes)
    seconds = [one.seconds for one in outcomes]
    return [
        Number("input_tokens", fmean(one.input_tokens for one in outcomes), kind="count"),
        Number("cached_tokens", fmean(one.cached_tokens for one in outcomes), kind="count"),
        Number("output_tokens", fmean(one.output_tokens for one in outcomes), kind="count"),
        Number("cost_usd", fmean(costs) if known else None, kind="usd"),
        Number("p50_s", percentile(seconds, 50), kind="seconds"),
        Number("p95_s", percentile(seconds, 95), kind="seconds"),
    ]


def _share(name: str, cases: Sequence[Parts]) -> Number:
    """Hits out of totals. Where all or none hit, all draws are alike: Wilson's bounds stand in."""
    hits, whole = _sums(cases) if cases else (0, 0)
    if not whole:
        return Number(name, None)
    if hits in (0, whole):
        return Number(name, hits / whole, *wilson(hits, whole))
    return _bounded(name, cases, _ratio)


def _bounded(name: str, cases: Sequence[T], statistic: Statistic[T]) -> Number:
    interval = bootstrap(cases, statistic)
    return Number(name, interval.value, interval.low, interval.high)


def _field_parts(cases: list[list[Judged]]) -> list[Parts]:
    return [_parts([one.overall for one in case]) for case in cases]


def _parts(tallies: Sequence[Tally]) -> Parts:
    whole = total(tallies)
    return whole.tp, whole.fp, whole.fn


def _ids(graded: Graded) -> list[str]:
    return [outcome.case.id for outcome in graded.run.outcomes]


def _pair(outcome: Outcome) -> Pair:
    right, given = outcome.case.record, outcome.record
    if not isinstance(right, Ticket):
        raise TypeError(f"{outcome.case.id} is no ticket")
    return right.bucket, given.bucket if isinstance(given, Ticket) else None


def _judged(outcome: Outcome) -> Judged:
    right, given = outcome.case.record, outcome.record
    if not isinstance(right, Invoice):
        raise TypeError(f"{outcome.case.id} is no invoice")
    return judge(
        right,
        given if isinstance(given, Invoice) else None,
        outcome.case.text,
        evidence=outcome.evidence,
        flagged=outcome.hallucinated,
    )


def _sums(cases: Sequence[Parts]) -> Parts:
    return tuple(map(sum, zip(*cases, strict=True)))


def _f1(cases: Sequence[Parts]) -> float:
    return Tally(*_sums(cases)).f1 or 0.0


def _ratio(cases: Sequence[Parts]) -> float:
    part, whole = _sums(cases)
    return ratio(part, whole) or 0.0


def _macro_of_cases(cases: Sequence[Sequence[Pair]]) -> float:
    return macro_f1([pair for case in cases for pair in case])
