"""What is asked about answers that are broken and calls that fail; the docstring says why."""

from __future__ import annotations

import re
from typing import Any

from shared.complaints import new_key, quoted
from shared.examine import need
from stage2_extractor.examine_bench import ExtractBench
from stage2_extractor.examine_papers import PLAIN

MOST_CALLS = 10  # for one document, whatever happens
ALWAYS = 100
CUT = r"truncat|\bcut\b|incomplete|too long|length|limit|max_?tokens|unfinished"
DECLINED = r"refus|declin|reject|safety|filter|policy|unwilling"


def retry_json(bench: ExtractBench) -> str:
    """One broken answer is no reason to give up: the second one is usually whole."""
    return _recovers(bench, {"kind": "invalid_json"})


def retry_drift(bench: ExtractBench) -> str:
    """Valid JSON of another shape is as bad as none, and nothing crashes on it by itself."""
    kind = "wrong_arguments" if bench.call().tools else "schema_drift"
    return _recovers(bench, {"kind": kind})


def gives_up(bench: ExtractBench) -> str:
    """A model that never writes JSON: an end, a sentence, and a bill with an upper bound."""
    return _reports(bench, {"kind": "invalid_json"}, r"JSON|pars|invalid|valid|format")


def truncated(bench: ExtractBench) -> str:
    """Half an answer can look whole after a repair. Who asks again as before gets half again."""
    return _reports(bench, {"kind": "truncated"}, CUT)


def refused(bench: ExtractBench) -> str:
    """A model that declines is no bug of the program, and the person must know which it was."""
    return _reports(bench, {"kind": "refusal"}, DECLINED)


def overloaded(bench: ExtractBench) -> str:
    """A provider that stays down: give up in time, and say so."""
    status = 529 if bench.call().wire == "anthropic" else 503
    fault = {"kind": "status", "status": status}
    return _reports(bench, fault, r"overload|unavailable|busy|503|529|server|later|try again")


def secret(bench: ExtractBench) -> str:
    """Some gateways repeat the key in their refusal; it must not end up in a log."""
    bench.call()
    key = new_key()
    message = f"Incorrect API key provided: {key}. Find yours on the dashboard."
    fault = {"kind": "status", "status": 401, "message": message, "times": ALWAYS}
    bench.extract(bench.paper(PLAIN).text, [fault], key)
    need(not bench.leaks, "; ".join(sorted(set(bench.leaks))))
    return "no key in any output of any check"


def _recovers(bench: ExtractBench, fault: dict[str, Any]) -> str:
    """The first answer is spoilt, the next ones are whole."""
    bench.call()
    paper = bench.paper(PLAIN)
    found = bench.extract(paper.text, [fault])
    given = found.record
    calls = len(found.calls)
    need(calls > 1, "the first answer was broken, and no second call was made")
    need(calls <= MOST_CALLS, f"{calls} calls for one document")
    need(
        given.invoice_number == paper.number,
        f"invoice_number is {given.invoice_number!r} after the second answer, not {paper.number}",
    )
    return f"a record after {calls} calls"


def _reports(bench: ExtractBench, fault: dict[str, Any], about: str) -> str:
    """Every answer is spoilt: no record, but a sentence that names what was wrong."""
    bench.call()
    found = bench.extract(bench.paper(PLAIN).text, [fault | {"times": ALWAYS}])
    said = found.must_report()
    calls = len(found.calls)
    need(calls <= MOST_CALLS, f"{calls} calls before it gave up")
    need(re.search(about, said, re.IGNORECASE), f"the sentence does not say why: {quoted(said)}")
    return f"{quoted(said)} after {calls} calls"
