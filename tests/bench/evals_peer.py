"""Eval runners over the same cases with an instant fake model, one process for each side.

Usage: evals_peer.py SIDE CASES, where CASES is a file of JSON lines with question and answer; then
orders as JSON lines on standard input, {"cases": 1000}, and the CPU and wall seconds of one run of
so many cases back. Every side writes whatever it writes by default, one record a case.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Rows = list[dict[str, Any]]


def ours(rows: Rows, folder: Path, graders: tuple[str, ...]) -> None:
    """A whole run folder: answers, graded rows, numbers with intervals and bounds."""
    from stage5_evals.harness import run_suite
    from stage5_evals.runs import RunStore
    from stage5_evals.suite import suite_of

    _cases(rows, folder)
    given = {
        "folder": str(folder),
        "cases": "cases.jsonl",
        "corpus": "corpus",
        "target": "evals_peer:instant",
        "graders": list(graders),
        "checks": [{"name": "exact", "must": "^the same"}],
        "at_a_time": 4,
    }
    run = asyncio.run(run_suite(suite_of(given, "bench"), RunStore(folder / "runs")))
    assert run.summary["metrics"]["exact"]["value"] == 1
    assert len(run.rows) == len(rows)


async def instant(question: str, history: list[dict[str, str]]) -> dict[str, Any]:
    passage = [{"document": "d.md", "text": "the same words as the label"}]
    citation = [{"document": "d.md", "quote": "the same words as the label"}]
    told = {"answer": "the same words as the label", "declined": False, "cost_usd": 0.0}
    return told | {"retrieved": passage, "citations": citation, "model": "instant"}


def _cases(rows: Rows, folder: Path) -> None:
    (folder / "corpus").mkdir(exist_ok=True)
    (folder / "corpus" / "d.md").write_text("the same words as the label\n")
    needs = [[{"document": "d.md", "quote": "the same words as the label"}]]
    lines = (json.dumps(row | {"needs": needs}) + "\n" for row in rows)
    (folder / "cases.jsonl").write_text("".join(lines))


def inspect(rows: Rows, folder: Path) -> None:
    """Exact match against the target; usage is given, without it a tokenizer would be fetched."""
    from inspect_ai import Task, eval
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.model import ModelOutput, ModelUsage, get_model
    from inspect_ai.scorer import exact
    from inspect_ai.solver import generate

    def output() -> Any:
        made = ModelOutput.from_content("mockllm/model", rows[0]["answer"])
        made.usage = ModelUsage(input_tokens=100, output_tokens=10, total_tokens=110)
        return made

    samples = [Sample(input=row["question"], target=row["answer"], id=row["id"]) for row in rows]
    task = Task(dataset=MemoryDataset(samples), solver=[generate()], scorer=exact())
    model = get_model("mockllm/model", custom_outputs=[output() for _ in rows], memoize=False)
    (log,) = eval(task, model=model, display="none", log_dir=str(folder / "logs"))
    assert log.status == "success", log.error
    assert log.results.scores[0].metrics["mean"].value == 1


def phoenix(rows: Rows, folder: Path) -> None:
    """Scores a data frame of answers that are there already; no model is called."""
    import pandas
    from phoenix.evals import create_evaluator, evaluate_dataframe

    @create_evaluator(name="exact", kind="code")
    def exact(output: str, expected: str) -> bool:
        return output == expected

    frame = pandas.DataFrame(
        [{"input": r["question"], "output": r["answer"], "expected": r["answer"]} for r in rows]
    )
    found = evaluate_dataframe(dataframe=frame, evaluators=[exact], hide_tqdm_bar=True)
    assert len(found) == len(rows)
    first = found["exact_score"].iloc[0]
    assert (json.loads(first) if isinstance(first, str) else first)["score"] == 1
    found.to_json(folder / "found.jsonl", orient="records", lines=True)


def floor(rows: Rows, folder: Path) -> None:
    """Read JSON lines, compare two texts, write JSON lines."""
    with (folder / "out.jsonl").open("w") as out:
        for row in rows:
            right = row["answer"] == "the same words as the label"
            out.write(json.dumps(row | {"right": right}) + "\n")


SIDES: dict[str, Callable[[Rows, Path], None]] = {
    "ours": lambda rows, folder: ours(rows, folder, ("answers",)),
    "ours-all": lambda rows, folder: ours(rows, folder, ()),
    "inspect": inspect,
    "phoenix": phoenix,
    "floor": floor,
}


def main() -> None:
    side, file = sys.argv[1:]
    rows = [json.loads(line) for line in Path(file).read_text().splitlines()]
    sys.path.insert(0, str(Path(__file__).parent))
    answers = os.dup(1)
    os.dup2(2, 1)  # what a runner prints is no answer of ours
    for line in sys.stdin:
        wanted = rows[: json.loads(line)["cases"]]
        with tempfile.TemporaryDirectory() as folder:
            start, cpu = time.perf_counter(), time.process_time()
            SIDES[side](wanted, Path(folder))
            taken = {"wall": time.perf_counter() - start, "cpu": time.process_time() - cpu}
        os.write(answers, json.dumps(taken).encode() + b"\n")


if __name__ == "__main__":
    main()
