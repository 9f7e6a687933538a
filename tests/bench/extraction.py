"""What extraction adds to the model call: our `Extractor` beside instructor.

Same server, same messages, same invoice, same answer, one run. Ours also looks every value up in
the document, checks the sums and prices the call; instructor validates its Pydantic model and does
none of that. Each client's own body is posted bare as well, in the same process right after it, and
only the difference counts. The time a model takes to answer is left out: the server takes none.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from environments import HERE, PEERS, ROOT, peer
from processes import Ask, timed, worker
from series import Comparison, Section, bounded, interleave, ratios

from shared.models import Model
from shared.providers.chat_wire import ChatWire
from stage2_extractor.prompts import load_prompt, request
from stage2_extractor.records import Invoice, LineItem
from stage2_extractor.shape import schema_of

# It holds openai back (jiter<0.15 against >=0.16), so it cannot live in the project's environment.
INSTRUCTOR = ("instructor==1.17.0", "openai==3.3.0")
MODEL = "gpt-4.1-mini"  # one that the price list knows, since the cost is part of our call
PROMPT, MAX_TOKENS = "3", 2048
ROUNDS, CALLS = 11, 20
# On a machine that is busy with other work there are fewer rounds, and the note says how many.
ONE_CALL_BY_S, AGAIN_BY_S = 50, 70
WALL, CPU = "added wall ms", "added CPU ms"
OURS, JSON_SCHEMA, TOOLS = "Extractor", "instructor JSON_SCHEMA", "instructor TOOLS"
LESS = "instructor, no quotes"  # a record of plain values: less schema, less answer, no evidence
# Row -> client of extraction_peer.py, and whether it lives in instructor's environment.
CLIENTS = {
    OURS: ("extractor", False),
    "Provider.complete alone": ("provider", False),
    JSON_SCHEMA: ("schema", True),
    TOOLS: ("tools", True),
    LESS: ("plain-schema", True),
    "openai SDK alone": ("openai", True),
}
WORDS = {  # in the line of the first invoice that states the field
    "document_type": "INVOICE",
    "invoice_number": "Invoice #:",
    "invoice_date": "Invoice Date:",
    "due_date": "Due Date:",
    "seller_name": "CEDAR FORK",
    "seller_tax_id": "EIN",
    "buyer_name": "Harlan",
    "purchase_order": "Your P.O.:",
    "currency": "TOTAL DUE",
    "subtotal": "Subtotal",
    "tax": "Sales tax",
    "total": "TOTAL DUE",
}
DATA = ROOT / "stage2_extractor" / "data" / "invoices"


def extraction_sections() -> list[Section]:
    PEERS.setdefault("instructor", list(INSTRUCTOR))
    pythons = (sys.executable, str(peer("instructor") / "python"))
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        file = folder / "task.json"
        made = task()
        file.write_text(json.dumps(made))
        made["url"] = stack.enter_context(_server(file))
        file.write_text(json.dumps(made))
        commands = [[python, str(HERE / "extraction_peer.py"), str(file)] for python in pythons]
        with ExitStack() as workers:
            asks = [workers.enter_context(worker(command)) for command in commands]
            sections = [
                _added("5a", "good", CLIENTS, asks, start + ONE_CALL_BY_S),
                _added("5b", "bad-first", (OURS, JSON_SCHEMA, TOOLS), asks, start + AGAIN_BY_S),
            ]
        return [*sections, _start_up(commands, folder)]


def task() -> dict[str, Any]:
    """The work as plain JSON: what both sides send, and what the server answers."""
    label = json.loads((DATA / "labels.jsonl").read_text(encoding="utf-8").splitlines()[0])
    text = (DATA / label["file"]).read_text(encoding="utf-8")
    invoice = Invoice.model_validate(label["record"])
    prompt = load_prompt("invoice", PROMPT)
    asked = request(prompt, text, schema_of(prompt), max_tokens=MAX_TOKENS)
    body = ChatWire().body(asked, Model(MODEL, "openai", "chat", 128_000), stream=False)
    return {
        "model": MODEL,
        "prompt": PROMPT,
        "max_tokens": MAX_TOKENS,
        "text": text,
        "total": str(invoice.total),
        "messages": body["messages"],
        "response_format": body["response_format"],
        "fields": dict(prompt.fields),
        "records": str(ROOT / "stage2_extractor"),
        "quoted": _good_and_bad(_quoted(invoice, text)),
        "plain": _good_and_bad(_plain(invoice, Invoice)),
    }


def _good_and_bad(record: dict[str, Any]) -> tuple[str, str]:
    """The bad one has a word where a date must stand, which no schema check lets through."""
    day = record["invoice_date"]
    wrong = day | {"value": "soon"} if isinstance(day, dict) else "soon"
    return json.dumps(record), json.dumps(record | {"invoice_date": wrong})


def _plain(record: Any, kind: type[Invoice] | type[LineItem]) -> dict[str, Any]:
    return {name: _wired(getattr(record, name)) for name in kind.model_fields}


def _quoted(invoice: Invoice, text: str) -> dict[str, Any]:
    """Each value beside the line that states it, as a good model answers."""
    lines = text.splitlines()

    def quote(words: str | None) -> str | None:
        return next(line.strip() for line in lines if words in line) if words else None

    found: dict[str, Any] = {
        name: {"value": value, "quote": quote(WORDS.get(name))}
        for name, value in _plain(invoice, Invoice).items()
    }
    rows = [_plain(row, LineItem) | {"quote": quote(row.description)} for row in invoice.lines]
    return found | {"lines": rows}


def _wired(value: Any) -> Any:
    match value:
        case Decimal():
            return float(value)
        case date():
            return value.isoformat()
        case list():
            return [_plain(row, LineItem) for row in value]
    return value


def _added(
    number: str, kind: str, rows: Iterable[str], asks: Sequence[Ask], until: float
) -> Section:
    measures = {}
    for row in rows:
        client, apart = CLIENTS[row]
        order = {"client": client, "kind": kind, "calls": CALLS}
        measures[row] = partial(asks[apart], order)
    table, rounds = bounded(measures, ROUNDS, until, thrown_away=1)
    what = "one call" if kind == "good" else "the first answer does not validate, asked again"
    return Section(
        f"{number} Extraction, {what}",
        f"Added to a bare POST of the same bytes; {rounds} interleaved rounds of {CALLS} calls on "
        f"a kept connection. {', '.join(INSTRUCTOR)}.",
        table,
        [
            Comparison(
                f"{OURS} : {row}, {column}",
                ratios(table, column, OURS, row),
                aim=None if row == LESS else 0.5,
            )
            for row in (JSON_SCHEMA, TOOLS, LESS)
            if row in measures
            for column in (WALL, CPU)
        ],
    )


def _start_up(commands: Sequence[list[str]], folder: Path) -> Section:
    rows = (OURS, JSON_SCHEMA)
    measures = {}
    for row in rows:
        client, apart = CLIENTS[row]
        measures[row] = partial(timed, [*commands[apart], client], folder, {})
    table = interleave(measures, 3)  # what the workers have imported needs no warming up
    return Section(
        "5c Extraction, a whole process",
        "Process start until the client is made (first byte), one record, end; 3 rounds.",
        table,
        [
            Comparison(f"{OURS} : {JSON_SCHEMA}, {column}", ratios(table, column, *rows))
            for column in ("first byte ms", "exit ms", "CPU ms")
        ],
    )


@contextmanager
def _server(file: Path) -> Iterator[str]:
    command = [sys.executable, str(HERE / "extraction_server.py"), str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.stdin.close()
