"""From a suite to a finished run folder: opens what the suite names, runs it, writes the numbers.

Left out: what a run is compared with (`compare`, `gate`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.errors import UserError
from shared.journal import Journal
from stage5_evals.cases import Case, fingerprint, load_cases
from stage5_evals.corpus import Corpus
from stage5_evals.graders import Judge, Rule
from stage5_evals.retrieval import retrieval_rules
from stage5_evals.rules import (
    citation_rules,
    limit_rules,
    reference_rules,
    refusal_rules,
    regex_rule,
    schema_rule,
)
from stage5_evals.running import Spending, Work, answers_of, key, run_cases
from stage5_evals.runs import (
    ANSWERS,
    CONFIG,
    SUMMARY,
    Config,
    Run,
    RunStore,
    read_config,
    read_run,
    write_json,
    write_rows,
)
from stage5_evals.suite import Suite
from stage5_evals.summary import summarise
from stage5_evals.targets import Ask, load, open_target
from stage5_evals.trajectory import trajectory_rules

Finished = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Opened:
    """A suite whose files were read."""

    suite: Suite
    cases: list[Case]
    corpus: Corpus | None
    rules: list[Rule]

    @classmethod
    def of(cls, suite: Suite) -> Opened:
        cases = load_cases(suite.cases, suite.split)
        corpus = Corpus(suite.corpus) if suite.corpus else None
        return cls(suite, cases, corpus, rules_of(suite, corpus))

    def config(self, run: str, judges: Sequence[Judge]) -> Config:
        corpus = self.corpus.fingerprint() if self.corpus else ""
        return Config(
            run,
            datetime.now(UTC).isoformat(timespec="seconds"),
            self.suite,
            fingerprint(self.cases),
            corpus,
            self.suite.identity(corpus),
            {judge.name: judge.identity for judge in judges},
        )


def rules_of(suite: Suite, corpus: Corpus | None) -> list[Rule]:
    """The standard rules, or those that the suite names, and its own checks."""
    rules = [*retrieval_rules(), *refusal_rules(), *reference_rules(), *trajectory_rules()]
    rules += citation_rules(corpus) if corpus else []
    if suite.graders:
        names = {rule.name for rule in rules}
        if unknown := [name for name in suite.graders if name not in names]:
            raise UserError(f"there is no grader {unknown[0]!r}; there are {sorted(names)}")
        rules = [rule for rule in rules if rule.name in suite.graders]
    return [*rules, *limit_rules(suite.seconds, suite.usd), *map(_check, suite.checks)]


def _check(given: Mapping[str, Any]) -> Rule:
    """`{name, must}` or `{name, must_not}` with a pattern, or `{name, schema}`."""
    match given:
        case {"name": str(name), "must": str(pattern), **rest} if not rest:
            return regex_rule(name, pattern)
        case {"name": str(name), "must_not": str(pattern), **rest} if not rest:
            return regex_rule(name, pattern, must=False)
        case {"name": str(name), "schema": dict(schema), **rest} if not rest:
            return schema_rule(name, schema)
    raise UserError(f"a check has a name and one of must, must_not, schema, not {dict(given)}")


async def run_suite(
    suite: Suite,
    store: RunStore,
    *,
    resume: str = "",
    fresh: bool = False,
    started: Callable[[str], None] = lambda run: None,
    finished: Finished = lambda: None,
) -> Run:
    """A run of `suite`, new or the interrupted one called `resume`; `fresh` takes nothing over.

    `started` hears of the run's id before anything is asked.
    """
    opened = Opened.of(suite)
    async with AsyncExitStack() as stack:
        judges = await _judges(suite, stack)
        _refuse_twins([*opened.rules, *judges])
        config = opened.config(resume or store.new_id(), judges)
        folder = store.folder / config.run
        if resume:
            _refuse_other(read_config(folder), config)
        else:
            write_json(folder / CONFIG, config.to_json())
        started(config.run)
        journal = stack.enter_context(Journal(folder / ANSWERS, to_disk=False))
        places = [
            (case, number, key(config.target, case, number))
            for case in opened.cases
            for number in range(suite.repeat)
        ]
        earlier = store.earlier(config.target) if suite.depends and not fresh else iter(())
        known = answers_of(earlier, {place for *_, place in places})
        wanted = any(place not in known and not journal.get(place) for *_, place in places)
        ask = await _target(suite, stack) if wanted else _nobody
        work = Work(
            ask,
            opened.rules,
            judges,
            journal,
            known,
            suite.timeout_s,
            Spending(suite.max_usd),
            finished,
        )
        begun = time.monotonic()
        stopped = await run_cases(work, places, suite.at_a_time)
        ids = ((case.id, number) for case, number, _ in places)
        rows = [work.rows[place] for place in ids if place in work.rows]
        write_rows(folder, rows)
        write_json(
            folder / SUMMARY,
            {"run": config.run, "target": suite.target, "prints": prints(config)}
            | summarise(rows, time.monotonic() - begun, stopped),
        )
    return read_run(folder)


def prints(config: Config) -> dict[str, str]:
    """The fingerprints that two runs must share to be compared."""
    return {"cases": config.cases, "corpus": config.corpus}


def _refuse_twins(graders: Sequence[Rule | Judge]) -> None:
    """Two graders of one name would write into one metric."""
    names = [one.name for one in graders]
    if twins := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(f"two graders are called {twins[0]!r}: give each a name of its own")


def _refuse_other(before: Config, now: Config) -> None:
    for name, what in (("cases", "the cases"), ("corpus", "the corpus"), ("target", "the target")):
        if getattr(before, name) != getattr(now, name):
            raise UserError(
                f"{what} changed since run {before.run} was started: start a new run instead"
            )


async def _target(suite: Suite, stack: AsyncExitStack) -> Ask:
    """Opened only when something is to be asked: an index that starts slowly is not waited for."""
    ask = await stack.enter_async_context(
        open_target(
            suite.target,
            folder=suite.folder,
            options=suite.options,
            environment=suite.environment,
            ingest=suite.corpus.absolute() if suite.ingest and suite.corpus else None,
            at_a_time=suite.at_a_time,
        )
    )
    if not suite.wrap:
        return ask
    around = load(suite.wrap, suite.folder)

    async def wrapped(case: Case) -> Any:
        return around(await ask(case), case.question)

    return wrapped


async def _nobody(case: Case) -> Any:
    raise AssertionError(f"{case.id} was known and is asked")


async def _judges(suite: Suite, stack: AsyncExitStack) -> list[Judge]:
    """Each as its own `use = "module:open()"` makes it, from the rest of its table."""
    judges: list[Judge] = []
    for given in suite.judges:
        options = {name: value for name, value in given.items() if name != "use"}
        made = load(str(given.get("use", "")), suite.folder)(**options)
        judge = await stack.enter_async_context(made) if hasattr(made, "__aenter__") else made
        judges.append(judge)
    return judges
