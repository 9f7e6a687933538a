"""The two numbers this stage is judged by, measured now.

One: the estimate made before a call against the bill after it, over prompts of many kinds. The
estimator sees only calls that were made before: those of a separate calibration set and those of
earlier test prompts, as a ledger would give them. Two: our cost against the offline server's own
log, to the last decimal.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from shared.calls import CallRecord
from shared.errors import LocalError, UserError
from shared.messages import Usage
from shared.models import Model, resolve
from shared.offline.server import LocalServer
from shared.prices import NOTIONAL, PriceList, open_prices
from shared.providers.opening import open_provider
from shared.resampling import wilson
from shared.score import Row, Score, rows_text
from shared.settings import Settings
from stage1_cost_cli.books import check_budget, close_books
from stage1_cost_cli.estimate import estimate
from stage1_cost_cli.prompts import Case, load_cases

if TYPE_CHECKING:
    from shared.offline.log import Entry

WITHIN = Decimal("0.20")
SHARE_BAR = 0.80
KEY = "offline"
ONE_OF_EACH = Usage(input_tokens=1, output_tokens=1)


Done = tuple[Case, Usage, CallRecord]  # with the usage that was expected before the call


@dataclass(frozen=True, slots=True)
class Guess:
    """Costs in US dollars."""

    case: Case
    expected: Decimal
    billed: Decimal

    @property
    def error(self) -> Decimal:
        """How far the estimate was off, as a share of the bill; negative when it was too low."""
        return self.expected / self.billed - 1


@dataclass(frozen=True, slots=True)
class EstimateScore(Score):
    guesses: tuple[Guess, ...]


def score(model_name: str, settings: Settings, warn: Callable[[str], None]) -> EstimateScore:
    """Runs both sets through `model_name`. A real model is really paid for, and booked as that."""
    model = resolve(model_name, settings)
    if model.provider != "offline":
        started = time.monotonic()
        done = _paid(model, settings, warn)
        return _scored(model, done, [], settings, time.monotonic() - started)
    with LocalServer() as server:
        return score_on(server, model, settings)


def score_on(server: LocalServer, model: Model, settings: Settings) -> EstimateScore:
    """The score against a server whose log says what was really billed."""
    started = time.monotonic()
    reachable = settings.model_copy(update={"offline_base_url": server.base_url})
    done = asyncio.run(_call_all(model, reachable, []))
    return _scored(model, done, server.log(KEY), settings, time.monotonic() - started)


def _paid(model: Model, settings: Settings, warn: Callable[[str], None]) -> list[Done]:
    """The calls of a real model; a budget or a missing price stops them before the first one."""
    if not open_prices(settings.prices_file).cost(ONE_OF_EACH, model.id, model.provider).total_usd:
        raise UserError(f"{model.id} costs nothing here, so there is no bill to estimate")
    check_budget([(model, case.request) for case in _all_cases()], settings)
    records: list[CallRecord] = []
    try:
        return asyncio.run(_call_all(model, settings, records))
    finally:
        close_books(records, settings, warn)


def render_score(score: EstimateScore) -> str:
    """Every prompt's kind with its error, then the numbers and their bars."""
    from rich.table import Table

    from stage1_cost_cli.money import money
    from stage1_cost_cli.terminal import to_text

    view = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("kind of prompt", "prompts", "within 20%", "median error", "estimate", "bill"):
        view.add_column(title, justify="left" if title == "kind of prompt" else "right")
    for feature, group in _by_feature(score.guesses).items():
        near = sum(abs(guess.error) <= WITHIN for guess in group)
        middle = statistics.median(abs(guess.error) for guess in group)
        expected = sum((guess.expected for guess in group), Decimal(0))
        billed = sum((guess.billed for guess in group), Decimal(0))
        cells = (str(len(group)), str(near), f"{middle:.0%}", money(expected), money(billed))
        view.add_row(feature, *cells)
    head = f"{score.model}: {len(score.guesses)} prompts, {money(billed)} in all\n\n"
    return head + to_text(view) + "\n\n" + rows_text(score.rows)


def _all_cases() -> list[Case]:
    return load_cases("calibration.jsonl") + load_cases("prompts.jsonl")


async def _call_all(model: Model, settings: Settings, records: list[CallRecord]) -> list[Done]:
    """Each test case with the usage expected before its call and the record of the call."""
    past: dict[str, list[Usage]] = defaultdict(list)
    done: list[Done] = []
    async with open_provider(model, settings, taps=[records.append]) as provider:
        for case in _all_cases():
            expected = estimate(case.request, past[case.feature]).usage
            reply = await provider.complete(case.request, feature=case.feature)
            if reply.usage is not None:
                past[case.feature].append(reply.usage)
            done.append((case, expected, records[-1]))
    return done[len(load_cases("calibration.jsonl")) :]


def _scored(
    model: Model,
    done: Sequence[Done],
    log: Sequence[Entry],
    settings: Settings,
    seconds: float,
) -> EstimateScore:
    prices = open_prices(settings.prices_file)
    guesses = tuple(_guess(case, expected, record, prices) for case, expected, record in done)
    near = sum(abs(guess.error) <= WITHIN for guess in guesses)
    expected = sum((guess.expected for guess in guesses), Decimal(0))
    billed = sum((guess.billed for guess in guesses), Decimal(0))
    low, high = wilson(near, len(guesses))
    rows = [
        Row("share_within_20_percent", near / len(guesses), SHARE_BAR, low=low, high=high),
        Row("total_off_by", float(abs(expected / billed - 1)), float(WITHIN), at_most=True),
    ]
    if log:
        rows.append(Row("cost_equals_server_log", _share_exact(guesses, log), 1.0))
    return EstimateScore(1, model.id, len(guesses), tuple(rows), seconds, float(billed), guesses)


def _guess(case: Case, expected: Usage, record: CallRecord, prices: PriceList) -> Guess:
    if record.usage is None:
        raise LocalError(f"{record.model} states no usage, so its bill cannot be scored")
    estimated = prices.cost(expected, record.model, record.provider).total_usd
    billed = prices.cost(record.usage, record.model, record.provider).total_usd
    return Guess(case, estimated, billed)


def _share_exact(guesses: Sequence[Guess], log: Sequence[Entry]) -> float:
    """Share of calls whose cost equals the server's; the last calls of the log are the tests."""
    ours = [guess.billed for guess in guesses]
    theirs = [_server_cost(entry) for entry in log[-len(guesses) :]]
    return sum(a == b for a, b in zip(ours, theirs, strict=True)) / len(ours)


def _server_cost(entry: Entry) -> Decimal:
    """The bill from the server's own counts, added up here and not by `shared.prices`."""
    rate = NOTIONAL[entry.model]
    bill = entry.billed or {}
    written = bill["write_5m"] + bill["write_1h"]
    parts = (
        (bill["total"] - bill["read"] - written) * rate.input,
        bill["read"] * rate.cache_read,
        written * rate.cache_write,
        bill["output"] * rate.output,
    )
    return sum(parts, Decimal(0)) / 1_000_000


def _by_feature(guesses: Sequence[Guess]) -> dict[str, list[Guess]]:
    groups: dict[str, list[Guess]] = defaultdict(list)
    for guess in guesses:
        groups[guess.case.feature].append(guess)
    return groups
