"""How an outcome is printed: for a reader, with what it rests on and cost, or as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from shared.process import answer, note
from shared.tables import table
from stage4_agent.contract import Outcome
from stage4_agent.tasks import Run, Task, problems


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "status": outcome.status,
        "answer": outcome.answer,
        "reason": outcome.reason,
        "evidence": [
            {"tool": e.tool, "arguments": dict(e.arguments), "shared": list(e.shared)}
            for e in outcome.evidence
        ],
        "unsupported": list(outcome.unsupported),
        "waiting": [
            {"key": p.key, "tool": p.tool, "arguments": dict(p.arguments), "tainted": p.tainted}
            for p in outcome.proposals
        ],
        "steps": outcome.steps,
        "tool_calls": outcome.calls,
        "input_tokens": outcome.usage.input_tokens,
        "output_tokens": outcome.usage.output_tokens,
        "usd": float(outcome.usd),
        "seconds": round(outcome.seconds, 3),
    }


def tell(outcome: Outcome, file: Path, loop: str) -> None:
    if outcome.answer:
        answer(outcome.answer + "\n")
    for one in outcome.evidence:
        note(f"evidence {one.tool}: {', '.join(one.shared[:6])}")
    if outcome.unsupported:
        note(f"warning  no result holds {', '.join(outcome.unsupported)}")
    for wish in outcome.proposals:
        given = ", ".join(f"{name}={value!r}" for name, value in wish.arguments.items())
        note(f"waiting  {wish.tool}({given})")
        same = "" if loop == "bare" else f"--loop {loop} "
        go_on = f"stage4 run {same}--trace {file} --approve {wish.key}"
        note(f"         go on with: {go_on}   (or --deny)")
    if outcome.reason:
        note(f"{outcome.status:8} {outcome.reason}")
    note(
        f"{outcome.steps} model calls, {outcome.calls} tool calls, {outcome.usage.input_tokens} + "
        f"{outcome.usage.output_tokens} tokens, ${outcome.usd:.6f}, {outcome.seconds:.2f} s"
    )


def task_json(task: Task, run: Run) -> dict[str, Any]:
    found = problems(task, run)
    return {"id": task.id, "solved": not found, "problems": found, **outcome_json(run.outcome)}


def tasks_text(done: Iterable[tuple[Task, Run]]) -> str:
    rows = [["task", "", "steps", "calls", "usd", "answer or problem"]]
    for task, run in done:
        found = problems(task, run)
        out = run.outcome
        said = " ".join(("; ".join(found) or out.answer or out.reason).split())[:90]
        rows.append(
            [
                task.id,
                "FAIL" if found else "ok",
                str(out.steps),
                str(out.calls),
                f"{out.usd:.6f}",
                said,
            ]
        )
    return table(rows)
