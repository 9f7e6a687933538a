"""One function a command: from parsed arguments to printed result and exit code."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from shared.calls import CallRecord
from shared.errors import MissingExtra, ModelError, UserError
from shared.process import answer, answer_json, clean_note, note, unwinding
from shared.settings import Settings, load_settings
from shared.tables import table
from stage4_agent import agent
from stage4_agent.asking import asks
from stage4_agent.contract import Limits, Outcome, Solve
from stage4_agent.faults import read_faults
from stage4_agent.journal import Event, Journal, read_journal
from stage4_agent.live import Live
from stage4_agent.mcp_commands import foreign_tools, serve
from stage4_agent.printing import outcome_json, task_json, tasks_text, tell
from stage4_agent.records import made, record_file
from stage4_agent.runner import Bench, open_bench, run_task
from stage4_agent.tasks import Run, Task, chosen, find_task, load_tasks, problems
from stage4_agent.tools.offered import DATA


def run_run(arguments: Namespace) -> int:
    settings = load_settings()
    faults = read_faults(arguments.broken)
    home = settings.home / "agent"
    file, resumed = record_file(arguments, home)
    task = _task(arguments, resumed)
    limits = Limits(steps=arguments.steps, usd=arguments.usd, seconds=float(arguments.seconds))

    started_at, records = datetime.now(UTC), list[CallRecord]()

    async def work() -> tuple[Outcome, Bench, list[Event]]:
        watch = None if arguments.json else Live(clean_note(settings))
        async with AsyncExitStack() as opened:
            more = await foreign_tools(arguments.mcp, opened)
            bench = await opened.enter_async_context(
                open_bench(
                    arguments.model, settings, home, limits, notes=arguments.notes, more=more,
                    taps=[records.append],
                )
            )  # fmt: skip
            loop = await opened.enter_async_context(opened_loop(arguments.loop, file))
            if not arguments.json:
                note(f"model    {bench.name.id}, record {file}")
            with Journal(file, session=arguments.session or "", watch=watch) as journal:
                kit = bench.kit(task, journal, asks(arguments), faults)
                before = len(journal.events)
                outcome = await solver(arguments.mode, loop)(task, kit)
                return outcome, bench, journal.events[before:]

    with unwinding():
        outcome, bench, events = asyncio.run(work())
    if arguments.json:
        answer_json(outcome_json(outcome) | {"trace": str(file)})
    else:
        tell(outcome, file, arguments.loop)
    from stage4_agent.spans import write_spans

    write_spans(records, events, outcome, started_at, bench, settings)
    return 0 if outcome.status == "answered" else 1


def run_tasks(arguments: Namespace) -> int:
    tasks = load_tasks(DATA / "tasks.jsonl")
    if not arguments.run:
        listed = chosen(tasks, arguments.ids, offline=False)
        if arguments.json:
            answer_json([{"id": t.id, "task": t.task, "offline": t.offline} for t in listed])
        else:
            rows = [
                ["id", "offline", "task"],
                *([t.id, "yes" if t.offline else "no", t.task] for t in listed),
            ]
            answer(table(rows))
        return 0
    settings = load_settings()
    with unwinding():
        done = asyncio.run(_run_all(tasks, arguments, settings))
    failed = sum(bool(problems(task, run)) for task, run in done)
    if arguments.json:
        answer_json([task_json(task, run) for task, run in done])
    else:
        answer(tasks_text(done))
    return 1 if failed else 0


async def _run_all(
    tasks: list[Task], arguments: Namespace, settings: Settings
) -> list[tuple[Task, Run]]:
    faults = read_faults(arguments.broken)
    with tempfile.TemporaryDirectory() as home:
        async with open_bench(arguments.model, settings, Path(home)) as bench:
            offline = bench.name.provider == "offline"
            wanted = chosen(tasks, arguments.ids, offline=offline)
            async with opened_loop(arguments.loop) as loop:
                solve = solver(arguments.mode, loop)
                return [(task, await run_task(task, bench, faults, solve=solve)) for task in wanted]


def run_ways(arguments: Namespace) -> int:
    from stage4_agent.ways import compare, ways_text

    settings = load_settings()
    with unwinding(), tempfile.TemporaryDirectory() as home:
        rows = asyncio.run(compare(arguments.model, settings, Path(home)))
    if arguments.json:
        answer_json(rows)
    else:
        answer(ways_text(rows))
    return 0


def run_score(arguments: Namespace) -> int:
    from shared.score import tell as tell_score
    from stage4_agent.score import AgentScore, render, score, with_overhead

    settings = load_settings()

    async def scored(home: Path) -> tuple[AgentScore, Solve]:
        async with opened_loop(arguments.loop) as solve:
            return await score(arguments.model, settings, home, solve=solve), solve

    with unwinding(), tempfile.TemporaryDirectory() as home:
        found = with_overhead(*asyncio.run(scored(Path(home))))
    return tell_score(found, render(found), arguments)


def run_replay(arguments: Namespace) -> int:
    from stage4_agent.replay import replayed
    from stage4_agent.tools.offered import Places, tools

    events = read_journal(Path(arguments.trace))
    nowhere = Path(tempfile.gettempdir()) / "never-written"
    own = tools(str(events[0]["task"]), Places(nowhere, nowhere), notes=True)
    watch = None if arguments.json else Live(lambda line: answer(line + "\n"))

    async def work() -> Outcome:
        async with AsyncExitStack() as opened:
            offered = [*own, *await foreign_tools(arguments.mcp, opened)]
            missing = set(events[0]["tools"]) - {tool.name for tool in offered}
            if missing:
                raise UserError(
                    f"the run had tools of an MCP server ({', '.join(sorted(missing))}): name it "
                    "with --mcp; their forms are asked of it, they are not called"
                )
            kept = [tool for tool in offered if tool.name in events[0]["tools"]]
            return await replayed(events, kept, watch=watch)

    with unwinding():
        outcome = asyncio.run(work())
    if arguments.json:
        answer_json(outcome_json(outcome))
    else:
        answer(f"{outcome.status}: {outcome.answer or outcome.reason}\n")
    return 0


def run_compare(arguments: Namespace) -> int:
    from shared.examine import tell as tell_examination
    from stage4_agent.examine import compare

    with unwinding():  # the programs it started end with it
        examination = compare(arguments.mine, arguments.only)
    return tell_examination(examination, arguments)


def run_serve_mcp(arguments: Namespace) -> int:
    from stage4_agent.tools.offered import Places, tools

    settings = load_settings()
    home = made(settings.home / "agent")
    places = Places(orders=home / "orders.db", notes=home / "notes.db")
    with unwinding():
        serve(tools("", places, settings), writes=arguments.writes, port=arguments.http)
    return 0


def run_answer(arguments: Namespace) -> int:
    from stage4_agent.examine_contract import read_job
    from stage4_agent.examined import work

    job = read_job(sys.stdin.read())
    with unwinding():
        outcome = asyncio.run(work(job, arguments.model, load_settings()))
    if outcome.status == "failed":
        raise ModelError(outcome.reason)
    answer(outcome.answer + "\n")
    return 0 if outcome.status == "answered" else 1


def solver(mode: str, loop: Solve) -> Solve:
    from stage4_agent.plan import plan_first
    from stage4_agent.router import routed

    return {"react": loop, "plan": plan_first(loop), "router": routed(loop)}[mode]


@asynccontextmanager
async def opened_loop(name: str, record: Path | None = None) -> AsyncIterator[Solve]:
    """The loop, or its port: with its checkpoints beside the record, where there is one."""
    if name == "bare":
        yield agent.solve
        return
    try:
        from stage4_agent.langgraph_port import ported, with_checkpoints
    except ImportError as error:
        raise MissingExtra(
            f"{error.name or error} is not installed: `uv sync --inexact --all-packages --extra "
            "langgraph` (or `pip install 'stage4-agent[langgraph]'`)"
        ) from None
    if record is None:
        yield ported()
    else:
        async with with_checkpoints(record.with_suffix(".checkpoints.db")) as solve:
            yield solve


def _task(arguments: Namespace, resumed: bool) -> str:
    text = arguments.task
    if text == "-":
        text = sys.stdin.read()
    if not (text or "").strip():
        if resumed:
            return ""  # the record has it
        raise UserError("say what to do: a task's id (`stage4 tasks`) or a question in quotes")
    known = find_task(load_tasks(DATA / "tasks.jsonl"), text)
    return known.task if known else str(text).strip()
