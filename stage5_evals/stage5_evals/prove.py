"""Planted regressions must turn the gate red, harmless changes must leave it green: here is proof.

A plant is the suite with something changed, from the suite's file of plants: other options, another
target, a judge, a corpus that is written otherwise. `expect` says red or green and `because` what
it stands for. Each is run anew, nothing from earlier runs, and held against the committed baseline
by the same `decide` that `stage5 gate` calls.
"""

from __future__ import annotations

import tempfile
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.errors import UserError
from shared.tables import table
from stage5_evals.baseline import read_baseline
from stage5_evals.calibration import read_calibrations
from stage5_evals.gate import Decision, decide
from stage5_evals.harness import run_suite
from stage5_evals.runs import RunStore
from stage5_evals.suite import Suite, suite_of

RED, GREEN = "red", "green"
CONTROL = "nothing changed"
OWN = ("name", "expect", "because")


@dataclass(frozen=True, slots=True)
class Plant:
    name: str
    expect: str
    because: str
    suite: Suite


@dataclass(frozen=True, slots=True)
class Outcome:
    """One plant over all times. `caught`: the metrics that blocked, with how often."""

    plant: Plant
    verdicts: tuple[str, ...]
    caught: Mapping[str, int]
    broken: str

    @property
    def as_expected(self) -> int:
        return sum((verdict != "pass") == (self.plant.expect == RED) for verdict in self.verdicts)

    @property
    def holds(self) -> bool:
        return self.as_expected == len(self.verdicts)

    def to_json(self) -> dict[str, Any]:
        return {
            "change": self.plant.name,
            "expect": self.plant.expect,
            "because": self.plant.because,
            "as_expected": self.as_expected,
            "times": len(self.verdicts),
            "verdicts": dict(Counter(self.verdicts)),
            "caught_by": dict(self.caught),
            "broken": self.broken,
        }


@dataclass(frozen=True, slots=True)
class Proof:
    outcomes: tuple[Outcome, ...]

    @property
    def holds(self) -> bool:
        return len(self.outcomes) > 1 and all(one.holds for one in self.outcomes)

    def share(self, expect: str) -> tuple[int, int]:
        """Runs of that kind that came out as expected, and all of them."""
        of = [one for one in self.outcomes if one.plant.expect == expect]
        return sum(one.as_expected for one in of), sum(len(one.verdicts) for one in of)

    def to_json(self) -> dict[str, Any]:
        return {"holds": self.holds, "changes": [one.to_json() for one in self.outcomes]}


def load_plants(suite: Suite, only: Sequence[str] = ()) -> list[Plant]:
    """The control first, then those of the file that `only` names, or all."""
    if suite.plants is None:
        raise UserError('the suite names no plants: add `plants = "plants.toml"` to it')
    try:
        data = tomllib.loads(suite.plants.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"{suite.plants} cannot be read: {error}") from None
    plants = [_plant(one, suite) for one in data.get("plant", [])]
    names = [one.name for one in plants]
    if unknown := [name for name in only if name not in names]:
        raise UserError(f"there is no change {unknown[0]!r}; there are {', '.join(names)}")
    control = Plant(CONTROL, GREEN, "a gate that is always red proves nothing", suite)
    return [control, *(one for one in plants if not only or one.name in only)]


async def prove(
    suite: Suite, plants: Sequence[Plant], times: int, done: Callable[[], None] = lambda: None
) -> Proof:
    """Every plant `times` times, against the baseline and calibrations of `suite`."""
    if suite.baseline is None:
        raise UserError("the suite names no baseline to hold the changes against")
    baseline = read_baseline(suite.baseline)
    calibrations = read_calibrations(suite.calibrations)
    made: dict[str, list[Decision]] = {plant.name: [] for plant in plants}
    with tempfile.TemporaryDirectory() as folder:
        store = RunStore(Path(folder))
        for _ in range(times):
            for plant in plants:
                run = await run_suite(plant.suite, store, fresh=True)
                made[plant.name].append(decide(run, baseline, calibrations))
                done()
    return Proof(tuple(_outcome(plant, made[plant.name]) for plant in plants))


def render(proof: Proof) -> str:
    head = ["change", "expected", "as expected", "verdict", "caught by"]
    body = [head, *map(_cells, proof.outcomes)]
    red, green = (f"{hit} of {all_}" for hit, all_ in map(proof.share, (RED, GREEN)))
    return table(body) + f"\nregressions red: {red}; harmless changes green: {green}\n"


def _plant(given: Mapping[str, Any], suite: Suite) -> Plant:
    """`options` is laid over the suite's; every other setting takes the place of the suite's."""
    try:
        name, expect, because = (given[key] for key in OWN)
    except KeyError as error:
        raise UserError(f"a plant lacks {error}: it needs name, expect and because") from None
    if expect not in (RED, GREEN):
        raise UserError(f"the plant {name} expects {expect!r}: say {RED} or {GREEN}")
    changed = {key: value for key, value in given.items() if key not in OWN}
    if "options" in changed:
        changed["options"] = {**suite.options, **changed["options"]}
    return Plant(name, expect, because, suite_of(suite.to_json() | changed, f"plant {name}"))


def _outcome(plant: Plant, made: Sequence[Decision]) -> Outcome:
    caught = Counter(metric for one in made for metric in one.caught)
    broken = next((reason for one in made for reason in one.broken), "")
    return Outcome(plant, tuple(one.verdict for one in made), dict(caught.most_common()), broken)


def _cells(one: Outcome) -> list[str]:
    verdicts = ", ".join(Counter(one.verdicts))
    caught = ", ".join(list(one.caught)[:4]) or one.broken[:60]
    so_often = f"{one.as_expected} of {len(one.verdicts)}" + ("" if one.holds else "  WRONG")
    return [one.plant.name, one.plant.expect, so_often, verdicts, caught]
