"""A run is a folder: `config.json`, `answers.jsonl`, `cases.jsonl`, `summary.json`.

config.json    the suite as it was, fingerprints of cases and corpus, the target's identity
answers.jsonl  what the target said, one line an answer, written the moment it came: it is paid for
cases.jsonl    one graded row for each case and repeat, in the order of the cases
summary.json   the numbers; written last, so a run without it did not finish

Left out: asking and grading (`running`), and what the rows are worth (`summary`).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shared.errors import LocalError, UserError
from stage5_evals.suite import Suite, suite_of

FORMAT = 1
CONFIG, ANSWERS, CASES, SUMMARY = "config.json", "answers.jsonl", "cases.jsonl", "summary.json"


_KEPT = ("case", "repeat", "grades")


@dataclass(frozen=True, slots=True)
class Row:
    """One case, one repeat. `grades` has a value, `failed` a reason, for each grader that applies;

    `why` says why a grade is not 1. `failure` is the target's own: then every grader failed.
    `cached` names the run that the answer was taken from.
    """

    case: str
    repeat: int
    split: str = ""
    kind: str = ""
    answer: str = ""
    declined: bool = False
    grades: Mapping[str, float] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    why: Mapping[str, str] = field(default_factory=dict)
    failure: str = ""
    seconds: float = 0.0
    cost_usd: float | None = None
    judged_usd: float = 0.0
    model: str = ""
    cached: str = ""

    def to_json(self) -> dict[str, Any]:
        """Without what is empty."""
        every = {name: getattr(self, name) for name in Row.__slots__}
        kept = {name: value for name, value in every.items() if value or name in _KEPT}
        if self.cost_usd is not None:
            kept["cost_usd"] = self.cost_usd
        return kept


@dataclass(frozen=True, slots=True)
class Config:
    """`judges` is the identity of each judge by the name of its metric."""

    run: str
    started: str
    suite: Suite
    cases: str
    corpus: str
    target: str
    judges: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "run": self.run,
            "started": self.started,
            "cases": self.cases,
            "corpus": self.corpus,
            "target": self.target,
            "judges": dict(self.judges),
            "suite": self.suite.to_json(),
        }

    @classmethod
    def of(cls, data: Mapping[str, Any], where: str) -> Config:
        suite = suite_of(data["suite"], where)
        prints = (data["cases"], data["corpus"], data["target"])
        return cls(data["run"], data["started"], suite, *prints, data["judges"])


@dataclass(frozen=True, slots=True)
class Run:
    """A run that was read. `summary` is empty when it did not finish."""

    folder: Path
    config: Config
    rows: tuple[Row, ...]
    summary: Mapping[str, Any]

    @property
    def complete(self) -> bool:
        return bool(self.summary.get("complete"))


class RunStore:
    """The folder that runs lie in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def new_id(self) -> str:
        return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"

    def place(self, run: str) -> Path:
        """The folder of a run id; a path to a folder is taken as it is."""
        known = self.folder / run
        return known if known.is_dir() or not Path(run).is_dir() else Path(run)

    def earlier(self, target: str) -> Iterator[tuple[str, Path]]:
        """Runs of that identity, the newest first."""
        for folder in sorted(self.folder.glob("*/"), reverse=True):
            try:
                config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue  # somebody else's folder, or one that is being made
            if config.get("target") == target:
                yield config.get("run", folder.name), folder / ANSWERS

    def finished(self) -> list[Run]:
        """Runs that came to their end, the oldest first; a folder that cannot be read is none."""
        found = []
        for folder in sorted(self.folder.glob("*/")):
            try:
                run = read_run(folder)
            except UserError:
                continue
            if run.complete:
                found.append(run)
        return found

    def latest(self) -> str:
        runs = sorted(
            folder.name for folder in self.folder.glob("*/") if (folder / CONFIG).exists()
        )
        if not runs:
            raise UserError(f"there is no run in {self.folder}: start one with `stage5 run`")
        return runs[-1]


def read_config(folder: Path) -> Config:
    file = folder / CONFIG
    try:
        return Config.of(json.loads(file.read_text(encoding="utf-8")), str(file))
    except OSError:
        raise UserError(f"{folder} is no run: it has no {CONFIG}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{file} is damaged: {error!r}") from None


def read_run(folder: Path) -> Run:
    config = read_config(folder)
    summary: dict[str, Any] = {}
    rows: tuple[Row, ...] = ()
    try:
        if (folder / SUMMARY).exists():
            summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        if (folder / CASES).exists():
            lines = (folder / CASES).read_text(encoding="utf-8").split("\n")
            rows = tuple(Row(**json.loads(line)) for line in lines if line)
    except (ValueError, TypeError) as error:
        raise UserError(f"{folder} is damaged: {error}") from None
    return Run(folder, config, rows, summary)


def write_rows(folder: Path, rows: Iterable[Row]) -> None:
    dump = json.JSONEncoder(ensure_ascii=False).encode
    write(folder / CASES, "".join(dump(row.to_json()) + "\n" for row in rows))


def write_json(file: Path, data: Any) -> None:
    write(file, json.dumps(data, ensure_ascii=False, indent=1) + "\n")


def write(file: Path, text: str) -> None:
    """Whole or not at all: a reader never sees half a file."""
    beside = file.with_name(f".{file.name}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8", errors="backslashreplace")
        beside.replace(file)
    except OSError as error:
        raise LocalError(f"{file} cannot be written: {error.strerror}") from None
