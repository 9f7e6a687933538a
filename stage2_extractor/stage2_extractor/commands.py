"""One function a command: from parsed arguments to printed result and exit code."""

from __future__ import annotations

import asyncio
import json
import sys
from argparse import Namespace
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from shared.documents import decode
from shared.errors import LocalError, UserError
from shared.journal import Journal
from shared.models import resolve
from shared.offline.attach import with_offline
from shared.prices import open_prices
from shared.process import answer, answer_json, note, unwinding
from shared.progress import progress
from shared.providers.opening import open_provider
from shared.settings import Settings, load_settings
from stage2_extractor.batch import Done, Item, items_of, run_batch
from stage2_extractor.documents import find_documents, usable
from stage2_extractor.extract import Extractor
from stage2_extractor.output import csv_text, json_line
from stage2_extractor.prompts import Prompt, load_prompt


def run_extract(arguments: Namespace) -> int:
    return _batch(arguments, "invoice")


def run_classify(arguments: Namespace) -> int:
    return _batch(arguments, "ticket")


def run_prompts(arguments: Namespace) -> int:
    from stage2_extractor.prompt_view import diff_text, prompts_json, prompts_text

    settings = load_settings()
    tasks = [arguments.task] if arguments.task else ["invoice", "ticket"]
    if arguments.diff:
        if not arguments.task:
            raise UserError("say which task: stage2 prompts invoice --diff 2 3")
        old, new = (load_prompt(arguments.task, version) for version in arguments.diff)
        answer(diff_text(old, new))
    elif arguments.json:
        answer_json(prompts_json(tasks, settings))
    else:
        answer(prompts_text(tasks, settings))
    return 0


def run_eval(arguments: Namespace) -> int:
    from stage2_extractor.dataset import load_cases
    from stage2_extractor.evaluation import evaluate_versions, open_journal
    from stage2_extractor.report import render_report, report_json

    if arguments.agreement:
        return _agreement(arguments)
    settings = load_settings()
    small = resolve(arguments.model, settings)
    big = None if arguments.fallback == "none" else resolve(arguments.fallback, settings)
    big = None if big == small else big
    cases = load_cases(arguments.task, arguments.split)
    prompts = [load_prompt(arguments.task, v) for v in arguments.prompt or ["1", "2", "3"]]
    with (
        open_journal(settings.home / "stage2-eval.jsonl", [small, big]) as journal,
        progress(len(cases) * len(prompts) * arguments.repeat) as step,
    ):
        runs = asyncio.run(
            evaluate_versions(
                cases,
                prompts,
                small,
                big,
                settings,
                repeats=arguments.repeat,
                max_tokens=arguments.max_tokens,
                journal=journal,
                finished=lambda _: step(),
            )
        )
    if arguments.chart:
        from stage2_extractor.chart import chart

        _write(arguments.chart, chart(runs))
    if arguments.json:
        answer_json(report_json(runs))
    else:
        answer(render_report(runs))
    return 0


def run_score(arguments: Namespace) -> int:
    from shared.score import tell
    from stage2_extractor.score import render_score, score

    with unwinding(), progress(180) as step:
        result = score(arguments.model, load_settings(), finished=lambda _: step())
    return tell(result, render_score(result), arguments)


def run_compare(arguments: Namespace) -> int:
    from shared.examine import tell
    from stage2_extractor.contract import schema
    from stage2_extractor.examine import compare

    if arguments.schema:
        answer_json(schema())
        return 0
    with unwinding():  # the programs it started end with it
        examination = compare(arguments.mine, arguments.only)
    return tell(examination, arguments)


def _agreement(arguments: Namespace) -> int:
    from stage2_extractor.agreement import agreement, render_agreement
    from stage2_extractor.dataset import load_cases, load_second_passes

    cases = load_cases(arguments.task, None)
    passes = load_second_passes(arguments.task)
    found = [agreement(arguments.task, cases, second) for second in passes]
    if arguments.json:
        answer_json({"passes": [one.to_json() for one in found]})
    else:
        answer("\n".join(map(render_agreement, found)))
    return 0


def _batch(arguments: Namespace, task: str) -> int:
    settings = load_settings()
    _refuse_no_folder(arguments.out)  # before anything is paid for
    items = _items(arguments.path)
    prompt = load_prompt(task, arguments.prompt)
    path = Path(arguments.journal) if arguments.journal else settings.home / "stage2.jsonl"
    with Journal(path) as journal:
        done = asyncio.run(_run(items, prompt, journal, settings, arguments))
    done.sort(key=lambda one: [item.name for item in items].index(one.name))
    if arguments.format == "csv":
        _write(arguments.out, csv_text([(one.name, one.result) for one in done]))
    elif arguments.out:
        _write(arguments.out, "".join(_line(one, arguments.format) for one in done))
    _summary(done, len(items))
    return 1 if any(one.failed for one in done) else 0


async def _run(
    items: Sequence[Item],
    prompt: Prompt,
    journal: Journal,
    settings: Settings,
    arguments: Namespace,
) -> list[Done]:
    """Results in the order in which they are finished; JSON lines are printed as they come."""
    done: list[Done] = []
    at_once = arguments.format != "csv" and not arguments.out
    async with open_extractor(prompt, settings, arguments) as extractor:
        with progress(len(items)) as step:
            async for one in run_batch(items, extractor, journal, at_a_time=arguments.at_a_time):
                done.append(one)
                step()
                if at_once:
                    answer(_line(one, arguments.format))
    return done


@asynccontextmanager
async def open_extractor(
    prompt: Prompt, settings: Settings, arguments: Namespace
) -> AsyncIterator[Extractor]:
    """An extractor whose models can be reached inside the block."""
    small = resolve(arguments.model, settings)
    big = resolve(arguments.fallback, settings) if arguments.fallback != "none" else None
    models = [small, *([big] if big and big.id != small.id else [])]
    with with_offline(models, settings) as reachable:
        providers = [open_provider(model, reachable) for model in models]
        try:
            yield Extractor(
                prompt,
                providers[0],
                providers[1] if len(providers) > 1 else None,
                open_prices(settings.prices_file),
                max_tokens=arguments.max_tokens,
            )
        finally:
            for provider in providers:
                await provider.aclose()


def _items(path: str) -> list[Item]:
    if path != "-":
        return items_of(find_documents(Path(path)))
    if sys.stdin is None or sys.stdin.isatty():
        raise UserError("nothing on standard input: pipe a document in, or name a file")
    data = sys.stdin.buffer.read()
    return [Item("-", lambda: usable("standard input", decode("standard input", data)))]


def _refuse_no_folder(name: str | None) -> None:
    if name is not None and not Path(name).parent.is_dir():
        raise UserError(f"{name} cannot be written: there is no folder {Path(name).parent}")


def _summary(done: Sequence[Done], items: int) -> None:
    failed = [one for one in done if one.failed]
    cached = sum(one.cached for one in done)
    cost = sum(one.result.get("cost_usd") or 0 for one in done if not one.cached)
    again = f", {cached} from the journal" if cached else ""
    note(f"{items} document{'s' * (items != 1)}{again}, {len(failed)} failed, ${cost:.6f}")
    for one in failed:
        detail = one.result.get("detail") or _last_detail(one.result)
        note(f"  {one.name}: {one.result['failure']}: {detail}")


def _line(one: Done, format: str) -> str:
    """A line of JSON; as `record` the record alone, and nothing for a document without one."""
    if format != "record":
        return json_line(one.name, one.result)
    return "" if one.failed else json.dumps(one.result["record"], ensure_ascii=False) + "\n"


def _last_detail(result: dict[str, Any]) -> str:
    tries = result.get("tries") or [{}]
    return str(tries[-1].get("detail", ""))


def _write(name: str | None, text: str) -> None:
    """Whole or not at all: a reader never sees half a file."""
    if name is None:
        answer(text)
        return
    target = Path(name)
    beside = target.with_name(f".{target.name}.part")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(target)
    except OSError as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise LocalError(f"{name} cannot be written: {error.strerror}") from None
