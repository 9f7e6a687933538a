"""What is asked about papers and the values in them, one function a check; its docstring says why.

The answers of the model are whole here, and not always right. Answers that are broken, and calls
that fail, are in `examine_failures`.
"""

from __future__ import annotations

from datetime import date

from shared.complaints import quoted
from shared.examine import NotRun, need
from stage2_extractor.examine_bench import ExtractBench, Extracted
from stage2_extractor.examine_model import DATE_IN_WORDS, MADE_UP_NUMBER, MADE_UP_TOTAL
from stage2_extractor.examine_papers import (
    DATE,
    HIDDEN,
    IMPOSTOR,
    INVENTED,
    LARGE,
    LARGE_SUM,
    NAMES,
    OLD_BYTES,
    PLAIN,
    TOTAL,
    WORDY,
)
from stage2_extractor.metrics import total

MARGIN = 0.10  # of field F1 below the reference: other prompts may be as good, not much worse
HUGE_ROWS = 12_000
HUGE_TOTAL = "GBP 8140.55"


def record(bench: ExtractBench) -> str:
    """Everything else stands on this: a plain paper gives one valid record and nothing else."""
    found = bench.probe()
    number = bench.paper(PLAIN).number
    given = found.record
    need(
        given.invoice_number == number,
        f"invoice_number is {given.invoice_number!r}, the paper says {number}",
    )
    need(given.total == TOTAL, f"total is {given.total}, the paper says {TOTAL}")
    return f"{len(given.lines)} lines, total {given.total}, {len(found.calls)} calls"


def decimals(bench: ExtractBench) -> str:
    """An amount that went through a binary float is not the amount any more."""
    call = bench.call()
    if call.tools and call.wire == "anthropic":
        return "not asked: the arguments of an Anthropic tool come as JSON, read by the server"
    given = _altered(bench, LARGE).record
    need(
        given.total == LARGE_SUM,
        f"total is {given.total}, the model's answer says {LARGE_SUM}: was it read as a float?",
    )
    return f"{LARGE_SUM} to the last digit"


def dates(bench: ExtractBench) -> str:
    """Asked for an ISO date, a model sometimes writes words."""
    given = _altered(bench, WORDY).record_or_report()
    if given is None:
        return "reported"
    day: date | None = given.invoice_date
    need(day in (None, DATE), f"invoice_date is {day}; the model said {DATE_IN_WORDS!r}")
    return f"the model said {DATE_IN_WORDS!r}, invoice_date is {day}"


def invented(bench: ExtractBench) -> str:
    """A value that stands nowhere in the paper is worse than none."""
    found = _altered(bench, INVENTED)
    if found.record_or_report() is None:
        return "reported"
    said = [name for name in (MADE_UP_NUMBER, MADE_UP_TOTAL) if name in found.run.stdout]
    need(not said, f"the record holds {' and '.join(said)}, which the paper does not say")
    return "left out"


def hidden(bench: ExtractBench) -> str:
    """Whoever writes the paper must not write the record."""
    bench.call()
    paper = bench.paper(HIDDEN)
    given = bench.extract(paper.text).record_or_report()
    followed = given and given.seller_name == IMPOSTOR
    need(
        not followed,
        f"seller_name is {IMPOSTOR!r}: the paper ordered that, and the prompt does not set the "
        "paper apart from your own words",
    )
    return f"seller_name is {given.seller_name!r}" if given else "reported"


def empty(bench: ExtractBench) -> str:
    """Nothing to read costs money and makes the model invent."""
    bench.call()
    found = bench.extract(b" \n\n\t\n")
    need(not found.calls, "a blank document was sent to the model")
    return quoted(found.must_report())


def names(bench: ExtractBench) -> str:
    """Other scripts must arrive as they are, wherever the output goes."""
    bench.call()
    paper = bench.paper(NAMES)
    given = bench.extract(paper.text).record
    seen = (given.seller_name, given.buyer_name)
    need(seen == (paper.seller, paper.buyer), f"the names are {seen}")
    return f"{paper.seller}, {paper.buyer}"


def encoding(bench: ExtractBench) -> str:
    """Not every file is UTF-8: read it right or say so, but do not garble it."""
    bench.call()
    paper = bench.paper(OLD_BYTES)
    given = bench.extract(paper.text.encode("cp1252")).record_or_report()
    if given is None:
        return "reported"
    seen = (given.seller_name, given.buyer_name)
    need(
        seen == (paper.seller, paper.buyer),
        f"the names are {seen} after Windows-1252 on standard input",
    )
    return "Windows-1252 was read right"


def huge(bench: ExtractBench) -> str:
    """Too long for any model: a part of it must not pass for the whole."""
    bench.call()
    rows = "".join(
        f"Copper cable {n:05}  2.5 mm, 50 m   4   39.90   159.60\n" for n in range(HUGE_ROWS)
    )
    found = bench.extract(f"INVOICE\nSeller: Harbour\n\n{rows}\nTotal due  {HUGE_TOTAL}\n")
    given = found.record_or_report()
    if given is None:
        return quoted(found.run.stderr)
    stated = HUGE_TOTAL.split()[1]
    need(
        str(given.total) == stated,
        f"a record of a part: total is {given.total}, the last of {HUGE_ROWS:,} rows says {stated}",
    )
    return f"total {given.total}, {len(found.calls)} calls"


def field_f1(bench: ExtractBench) -> str:
    """Real documents of the development split, judged field by field as `stage2 eval` does."""
    mine = bench.judged()
    f1 = total(one.overall for one in mine).f1 or 0.0
    said = (
        f"field F1 {f1:.2f}; {sum(one.unsupported for one in mine)} of "
        f"{sum(one.claims for one in mine)} values stand nowhere in their document; "
        f"{len(bench.failures)} of {len(mine)} documents gave no valid record"
    )
    if bench.failures:
        said += f" ({bench.failures[0]})"
    if bench.peer is None:
        return said
    reference = total(one.overall for one in bench.peer.judged()).f1 or 0.0
    said += f"; the reference has {reference:.2f}"
    need(f1 >= reference - MARGIN, said)
    return said


def _altered(bench: ExtractBench, kind: str) -> Extracted:
    """A run in which the model did to its answer what it does on this kind of paper."""
    bench.call()
    paper = bench.paper(kind)
    found = bench.extract(paper.text)
    if found.run.exit_code == 0 and paper.number not in bench.model.altered:
        raise NotRun("the model's answer did not hold the value that this is about")
    return found
