"""What is asked about a model that fails, and about the ends of a program."""

from __future__ import annotations

import contextlib
from typing import Any

from shared.complaints import CRASH, quoted
from shared.examine import Failed, need
from stage3_rag.examine_bench import RagBench
from stage3_rag.examine_checks import must_stand
from stage3_rag.examine_session import Session, Timed
from stage3_rag.examine_world import numbers_of

MOST_CALLS = 10  # for one question, whatever happens
ALWAYS = 100
MALFORMED = ("invalid_json", "schema_drift", "html", "truncated")


def malformed(bench: RagBench) -> str:
    """Half a JSON, other keys, a proxy's page: an answer, a refusal or an error, and no end."""
    with bench.main() as session:
        for kind in MALFORMED:
            timed = _with_faults(bench, session, {"kind": kind})
            if not timed.calls:
                return "no model is asked"
            if timed.told.answered:
                for one in timed.told.citations:
                    must_stand(one, bench.world)
        session.answer(bench.world.firsts()[1])
    return f"after {', '.join(MALFORMED)} it goes on"


def overloaded(bench: RagBench) -> str:
    """A provider that stays down: "try later" is true, and "the folder does not say" is not."""
    fact = bench.world.firsts()[1]
    with bench.main() as session:
        healthy = session.ask(fact.question).calls
        if not healthy:
            return "no model is asked"
        status = 529 if healthy[-1].wire == "anthropic" else 503
        timed = _with_faults(bench, session, {"kind": "status", "status": status})
        told = timed.told
        need(len(timed.calls) <= MOST_CALLS, f"{len(timed.calls)} calls for one question")
        need(not told.declined, "it declined, as if the folder did not hold the answer")
        need(
            told.error or fact.value in numbers_of(told.answer),
            f"without a model it answered {quoted(told.answer)}; {fact.document} says {fact.value}",
        )
        session.answer(fact)
    return f"{quoted(told.error or told.answer)} after {len(timed.calls)} calls, and it goes on"


def ends(bench: RagBench) -> str:
    """Who started it closes its input, and expects it to clean up and to go."""
    with bench.changing() as session:
        run = session.end()
    need(run.ending == "ended", "still there long after the end of its input")
    need(not run.exit_code, f"exit code {run.exit_code}, standard error {quoted(run.stderr)}")
    need(not run.stdout.strip(), f"printed without being asked: {quoted(run.stdout)}")
    need(not CRASH.search(run.stderr), f"a stack trace: {quoted(run.stderr)}")
    return "exit code 0"


def secret(bench: RagBench) -> str:
    """Some gateways repeat the key in their refusal; it must not end up in a log or an answer."""
    with bench.main() as session:
        message = f"Incorrect API key provided: {session.key}. Find yours on the dashboard."
        with contextlib.suppress(Failed):  # who ends here is judged by what it printed
            _with_faults(bench, session, {"kind": "status", "status": 401, "message": message})
    need(not bench.leaked(), "the API key was printed")
    return "no key in any output of any check"


def _with_faults(bench: RagBench, session: Session, fault: dict[str, Any]) -> Timed:
    """A plain question, and every model call about it goes wrong in this way."""
    bench.server.script(session.key, [fault | {"times": ALWAYS}])
    try:
        return session.ask(bench.world.firsts()[1].question)
    finally:
        bench.server.script(session.key, [])
