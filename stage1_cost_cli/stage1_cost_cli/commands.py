"""One function a command: from parsed arguments to printed result and exit code."""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from shared.calls import CallRecord
from shared.errors import UserError
from shared.messages import Request
from shared.models import Model, resolve
from shared.offline.attach import with_offline
from shared.process import answer, answer_json, clean_note, note, unwinding
from shared.providers.opening import open_provider
from shared.providers.wires import refuse_unsupported
from shared.settings import Settings, load_settings
from stage1_cost_cli.ask import Asked, Show, ask_all, question_request, refuse_too_long
from stage1_cost_cli.ask_view import answers_json, print_receipts, report_errors
from stage1_cost_cli.books import check_budget, close_books


def run_ask(arguments: Namespace) -> int:
    if arguments.raw and (arguments.json or arguments.no_stream):
        raise UserError("--raw prints the events of a stream: leave out --json and --no-stream")
    settings = load_settings()
    models = [resolve(name, settings) for name in arguments.model or ["small"]]
    request = question_request(
        _text(arguments.question, "question"),
        system=arguments.system,
        max_tokens=arguments.max_tokens,
        temperature=arguments.temperature,
        top_p=arguments.top_p,
        top_k=arguments.top_k,
        stop=tuple(arguments.stop),
    )
    for model in models:
        refuse_unsupported(request, model)
        refuse_too_long(request, model)
    check_budget([(model, request) for model in models], settings)
    records: list[CallRecord] = []
    show = Show(_ignore if arguments.json else answer, clean_note(settings))
    with unwinding():
        try:
            asked = asyncio.run(_ask(models, request, settings, records, show, arguments))
        finally:  # also after Ctrl-C: what was spent is told and written down
            records.sort(key=lambda record: [model.id for model in models].index(record.model))
            receipts = close_books(records, settings, note)
            print_receipts(records, receipts, "none" if arguments.json else arguments.receipt)
            if arguments.json and records:
                answer_json(answers_json(records, receipts, settings))
    return report_errors(asked, settings)


async def _ask(
    models: Sequence[Model],
    request: Request,
    settings: Settings,
    records: list[CallRecord],
    show: Show,
    arguments: Namespace,
) -> list[Asked]:
    with with_offline(models, settings) as reachable:
        async with AsyncExitStack() as stack:
            providers = [
                await stack.enter_async_context(
                    open_provider(model, reachable, taps=[records.append])
                )
                for model in models
            ]
            return await ask_all(
                providers, request, show, stream=not arguments.no_stream, raw=arguments.raw
            )


def run_chat(arguments: Namespace) -> int:
    from stage1_cost_cli.chat import chat

    settings = load_settings()
    with unwinding():
        return chat(arguments, settings, answer, clean_note(settings))


def run_forecast(arguments: Namespace) -> int:
    from shared.prices import open_prices
    from stage1_cost_cli.forecast import Workload, forecast, measured, with_measured
    from stage1_cost_cli.forecast_view import forecast_json, render_forecast
    from stage1_cost_cli.ledger import Ledger

    settings = load_settings()
    averages = None
    if arguments.from_ledger is None and None in (arguments.input, arguments.output):
        raise UserError("give --input and --output tokens, or --from-ledger FEATURE")
    workload = Workload(
        users_per_day=arguments.users,
        requests_per_user=arguments.requests,
        input_tokens=arguments.input or Decimal(0),
        output_tokens=arguments.output or Decimal(0),
        cached_share=arguments.cached,
        retry_rate=arguments.retries,
        days_per_month=arguments.days,
    )
    if arguments.from_ledger is not None:
        with Ledger(settings.home / "ledger.db") as ledger:
            averages = measured(ledger, feature=arguments.from_ledger)
        workload = with_measured(workload, averages)
    models = arguments.model or ["small", "big"]
    forecasts = forecast(workload, models, settings, open_prices(settings.prices_file))
    if arguments.json:
        answer_json(forecast_json(workload, forecasts, averages))
    else:
        answer(render_forecast(workload, forecasts, averages) + "\n")
    return 0


def run_ledger(arguments: Namespace) -> int:
    from stage1_cost_cli.ledger import Ledger
    from stage1_cost_cli.ledger_view import render_totals, totals_json

    with Ledger(load_settings().home / "ledger.db") as ledger:
        rows = ledger.totals(arguments.by, since=_days_ago(arguments.days))
    if arguments.json:
        answer_json(totals_json(rows, arguments.by))
    else:
        answer(render_totals(rows, arguments.by) + "\n")
    return 0


def run_models(arguments: Namespace) -> int:
    from stage1_cost_cli.catalogue import catalogue, render_catalogue

    rows = catalogue(load_settings())
    if arguments.json:
        answer_json({"models": [row.to_json() for row in rows]})
    else:
        answer(render_catalogue(rows))
    return 0


def run_tokens(arguments: Namespace) -> int:
    from stage1_cost_cli.catalogue import render_token_costs, token_costs

    counted = token_costs(_text(arguments.text, "text"), load_settings())
    if arguments.json:
        answer_json(counted.to_json())
    else:
        answer(render_token_costs(counted))
    return 0


def run_similar(arguments: Namespace) -> int:
    from shared.embeddings import MiniLM
    from stage1_cost_cli.similar import render_similarity, similarity

    matrix = similarity(arguments.texts, MiniLM())
    if arguments.json:
        answer_json(matrix.to_json())
    else:
        answer(render_similarity(matrix) + "\n")
    return 0


def run_limits(arguments: Namespace) -> int:
    from stage1_cost_cli.ledger import Ledger
    from stage1_cost_cli.limits import limits_json, render_limits

    with Ledger(load_settings().home / "ledger.db") as ledger:
        seen = ledger.last_limits()
    now = datetime.now(UTC)
    if arguments.json:
        answer_json(limits_json(seen, now))
    else:
        answer(render_limits(seen, now) + "\n")
    return 0


def run_score(arguments: Namespace) -> int:
    from shared.score import tell
    from stage1_cost_cli.score import render_score, score

    with unwinding():
        result = score(arguments.model, load_settings(), note)
    return tell(result, render_score(result), arguments)


def run_compare(arguments: Namespace) -> int:
    from shared.examine import tell
    from stage1_cost_cli.examine import compare

    with unwinding():  # the programs it started end with it
        examination = compare(arguments.mine, arguments.only, load_settings())
    return tell(examination, arguments)


def _days_ago(days: int | None) -> datetime | None:
    """None for no limit, also for more days than the calendar has."""
    now = datetime.now(UTC)
    return now - timedelta(days=days) if days and days < now.toordinal() else None


def _text(argument: str, what: str) -> str:
    """The argument, or standard input for `-`; an error instead of waiting at a terminal."""
    if argument != "-":
        return argument
    if sys.stdin is None or sys.stdin.isatty():
        raise UserError(f"no {what}: give it as an argument or pipe it in")
    return sys.stdin.buffer.read().decode("utf-8", errors="replace")


def _ignore(text: str) -> None:
    pass
