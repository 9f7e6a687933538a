"""The examiner judges right: the reference and a second solution pass, a naive one does not.

And each check notices what it is for: `data/raw_extract.py` is spoilt one line at a time.
"""

import json
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from shared.errors import UserError
from shared.examine import Examination, ask, chosen, examine, render
from shared.messages import Message, Request, Text
from shared.offline.server import LocalServer
from shared.offline.service import Options
from shared.programs import Program, clean_environment
from stage2_extractor.cli import main
from stage2_extractor.contract import BadRecord, read_record, schema
from stage2_extractor.dataset import Case
from stage2_extractor.examine import CHECKS, compare, documents
from stage2_extractor.examine_bench import ExtractBench
from stage2_extractor.examine_model import ExaminersModel, set_apart
from stage2_extractor.examine_papers import PLAIN, Paper, paper
from stage2_extractor.records import Invoice

# The examiner's model must read plain papers right, which the small one does not promise.
pytestmark = pytest.mark.embeddings
ROOT = Path(__file__).resolve().parents[2]
NAIVE = ROOT / "stage2_extractor/examples/naive_extract.py"
RAW = Path(__file__).parent / "data/raw_extract.py"
NAIVE_FAILS = {
    "decimals": "was it read as a float?",
    "dates": "invoice_date is 'Thursday 3 Sept 2026', not an ISO date",
    "invented": "which the paper does not say",
    "hidden": "seller_name is 'Blue Heron Trading'",
    "retry_json": "JSONDecodeError",
    "retry_drift": "the record lacks invoice_number",
    "gives_up": "stack trace",
    "truncated": "stack trace",
    "refused": "stack trace",
    "overloaded": "stack trace",
    "encoding": "stack trace",
    "empty": "was sent to the model",
    "huge": "stack trace",
    "secret": "printed on standard error",
}
# Judged apart, further down: it takes as long as all others, and how much worse the naive prompt is
# says more about the offline model than about the examiner.
ASKED = [check.id for check in CHECKS if check.id != "field_f1"]
RIGHT = {
    "document_type": "invoice",
    "invoice_number": "AQ1-100000",
    "invoice_date": "2026-09-03",
    "due_date": "2026-10-03",
    "seller_name": "Harbour and Pike Ltd",
    "seller_tax_id": "GB482771905",
    "buyer_name": "Marlow Print Studio",
    "purchase_order": "PO-88412",
    "currency": "GBP",
    "subtotal": "227.10",
    "discount": None,
    "tax": 45.42,
    "total": "272.52",
    "lines": [{"description": "Cable", "quantity": 4, "unit_price": "39.90", "amount": 159.6}],
}


@pytest.fixture(scope="module")
def naive() -> Examination:
    return compare(f"{sys.executable} '{NAIVE}'", ASKED)


@pytest.mark.timeout(300)  # some fifty processes
def test_the_reference_passes_every_check(naive: Examination) -> None:
    failed = {row.id: row.reference.detail for row in naive.rows if row.reference.state != "pass"}
    assert failed == {}
    assert len(naive.rows) == len(ASKED)


def test_the_naive_solution_fails_what_it_should_and_passes_the_rest(naive: Examination) -> None:
    failed = {row.id: row.yours for row in naive.rows if row.yours.state != "pass"}
    assert failed.keys() == NAIVE_FAILS.keys(), render(naive)
    for name, words in NAIVE_FAILS.items():
        assert words in failed[name].detail, name
    assert naive.exit_code == 1


def test_the_report_shows_both_sides_and_what_to_read(naive: Examination) -> None:
    text = render(naive)
    for row in naive.rows:
        line = next(line for line in text.splitlines() if line.startswith(row.id + " "))
        assert line.split() == [row.id, row.yours.state, row.reference.state, row.read_next]
    assert json.loads(json.dumps(naive.to_json()))["passed"]["reference"] == len(ASKED)


MODEL = ExaminersModel()
CASE = paper(PLAIN, "999999")  # six digits that no bench draws twice in a run of these tests


@pytest.fixture(scope="module")
def server():
    options = Options(any_model="offline-small", control=True)
    with LocalServer(think=MODEL, options=options) as server:
        yield server


def bench_of(server: LocalServer, home: Path, *argv: str, **more) -> ExtractBench:
    program = Program(argv, environment=clean_environment())
    return ExtractBench(program, server, MODEL, home, **({"run_s": 20.0} | more))


def verdict(bench: ExtractBench, name: str) -> str:
    """What the check says against the program; empty when it passes."""
    [check] = chosen(CHECKS, [name])
    found = ask(check, bench)
    return "" if found.state == "pass" else found.detail


def test_a_second_solution_with_a_tool_on_another_wire_passes(
    server: LocalServer, tmp_path: Path
) -> None:
    bench = bench_of(server, tmp_path, sys.executable, str(RAW))
    found = examine(2, str(RAW), CHECKS, bench, bench, workers=4)
    assert {row.id: row.yours.detail for row in found.rows if row.yours.state != "pass"} == {}
    call = bench.call()
    assert (call.wire, call.tools) == ("responses", 1)


BODY = "    print(json.dumps(record, default=plain))\n"
SPOILT = [
    ("record", BODY, BODY + '    print("done")\n', "not one JSON object"),
    ("record", BODY, "    pass\n", "not one JSON object"),
    ("record", BODY, BODY + "    sys.exit(3)\n", "exit code 3"),
    ("record", "record = extract(text)", "record = [extract(text)]", "not an object"),
    ("record", BODY, BODY.replace("record,", 'record | {"x": 1},'), "has x, which no record has"),
    ("record", "record = extract(text)", "record = extract(text); del record['tax']", "lacks tax"),
    ("record", "return str(value)", 'return f"GBP {value}"', "not an amount such as"),
    ("record", "return str(value)", "return float(value) * 100", "the paper says 272.52"),
    ("record", '"OPENAI_BASE_URL"]', '"HOME"]', "no model call reached the examiner"),
    ("decimals", "parse_float=decimal.Decimal", "parse_float=float", "read as a float?"),
    ("dates", "  given[name] = None\n    flat", "  pass\n    flat", "not an ISO date"),
    ("dates", "  given[name] = None\n    flat", "  given[name] = '2026-03-09'\n    flat",
     "invoice_date is 2026-03-09"),
    ("invented", "not stands(given[name], text, flat)", "False", "QX-40817 and 9318.46"),
    ("invented", 'return f"{value:.2f}" in text', "return True or text", "holds 9318.46"),
    ("hidden", "f'\"\"\"\\n{text}\\n\"\"\"'", "f'Invoice: {text}'", "Blue Heron Trading"),
    ("retry_json", "TRIES = 3", "TRIES = 1", "exit code 1"),
    ("retry_drift", 'raise Again("the answer has not', 'raise Problem("the answer has not', "exit"),
    ("retry_drift", 'raise Again("the answer has not the keys that were asked for")',
     "return given", "the record lacks document_type"),
    ("gives_up", "TRIES = 3", "TRIES = 12", "12 calls before it gave up"),
    ("gives_up", "raise Again(\"the answer was not JSON\") from None", "raise", "stack trace"),
    ("gives_up", '{last}"', '"', "does not say why"),
    ("truncated", 'if answer["status"] == "incomplete":', "if False:", "does not say why"),
    ("truncated", "sys.exit(1)", "sys.exit(0)", "taken as success"),
    ("refused", "the model declined to answer", "there was no call in it", "does not say why"),
    ("refused", "if call is None:", "if False:", "stack trace"),
    ("overloaded", "TRIES = 3", "TRIES = 12", "12 calls before it gave up"),
    ("overloaded", "except urllib.error.HTTPError", "except ZeroDivisionError", "stack trace"),
    ("names", 'json.loads(call["arguments"]', "json.loads(call['arguments'].encode('ascii', "
     "'replace')", "the names are (None, '????????')"),
    ("encoding", 'data.decode("cp1252")', 'data.decode("cp437")', "the names are"),
    ("encoding", 'decode("utf-8")', 'decode("utf-8", "replace")', "the names are"),
    ("empty", "if not text.strip():", "if False:", "was sent to the model"),
    ("huge", 'raise Problem("the document is too long")', "text = text[:4000]", "record of a part"),
    ("secret", 'refused with status {error.code}"', 'refused {KEY}"', "API key was printed"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "line", "instead", "says"), SPOILT)
def test_each_check_notices_what_it_is_for(
    server: LocalServer, tmp_path: Path, name: str, line: str, instead: str, says: str
) -> None:
    source = RAW.read_text(encoding="utf-8")
    assert source.count(line) >= 1
    spoilt = tmp_path / "spoilt.py"
    spoilt.write_text(source.replace(line, instead), encoding="utf-8")
    assert says in verdict(bench_of(server, tmp_path, sys.executable, str(spoilt)), name)


def test_field_f1_is_held_against_the_reference(server: LocalServer, tmp_path: Path) -> None:
    right = Invoice.model_validate(RIGHT | {"invoice_number": CASE.number, "lines": []})
    cases = [Case(id="one", text=CASE.text, record=right)]
    source = RAW.read_text(encoding="utf-8")
    lazy = tmp_path / "lazy.py"
    blank = "    record |= dict.fromkeys(['tax', 'total', 'currency', 'seller_tax_id'])\n"
    lazy.write_text(source.replace(BODY, blank + BODY), encoding="utf-8")
    good = bench_of(server, tmp_path / "a", sys.executable, str(RAW), cases=cases)
    same = bench_of(server, tmp_path / "b", sys.executable, str(RAW), cases=cases, peer=good)
    less = bench_of(server, tmp_path / "c", sys.executable, str(lazy), cases=cases, peer=good)
    assert verdict(good, "field_f1") == verdict(same, "field_f1") == ""
    # 12 fields are stated; 4 of them were left out: 2 · 8 / (2 · 8 + 4)
    assert verdict(less, "field_f1").startswith("field F1 0.80; 0 of 10 values stand nowhere")
    assert verdict(less, "field_f1").endswith("the reference has 1.00")


def test_the_documents_of_field_f1_are_not_those_of_the_test_split() -> None:
    found = documents()
    assert len(found) >= 4
    assert {case.split for case in found} == {"dev"}


PROGRAMS = [
    ("raise SystemExit('no luck')", "no model call reached the examiner"),
    ("import os; os.abort()", "no model call reached the examiner"),
    ("print('x' * 20_000_000)", "printed more than 8 MB"),
    ("import threading; threading.Event().wait()", "still running after 1 s"),
    ("print('[' * 9999); print('{' * 9999)", "no model call"),
]


@pytest.mark.parametrize(("source", "says"), PROGRAMS)
def test_a_program_that_cannot_be_examined_is_a_row_not_a_crash(
    server: LocalServer, tmp_path: Path, source: str, says: str
) -> None:
    bench = bench_of(server, tmp_path, sys.executable, "-c", source, run_s=1.0)
    assert says in verdict(bench, "record")
    others = {verdict(bench, check.id) for check in CHECKS[1:]}
    assert others == {"a plain invoice gave no record"}


def test_a_command_that_does_not_exist_is_said_so(server: LocalServer, tmp_path: Path) -> None:
    assert verdict(bench_of(server, tmp_path, "no-such-command"), "record") == (
        "cannot start 'no-such-command': No such file or directory"
    )


def test_a_wrong_check_name_and_an_empty_command_are_errors_of_the_user() -> None:
    with pytest.raises(UserError, match="did you mean dates"):
        compare("true", ["date"])
    with pytest.raises(UserError, match="no command to examine"):
        compare(" ", [])


def test_a_record_is_read_to_the_last_digit() -> None:
    text = json.dumps(RIGHT).replace('"272.52"', "90071992547409.93")
    assert read_record(text).total == Decimal("90071992547409.93")
    assert read_record(text).subtotal == Decimal("227.10")


BAD = [
    ({"invoice_date": 1788393600}, "not an ISO date"),
    ({"invoice_date": "2026-09-03T00:00:00"}, "not an ISO date"),
    ({"invoice_date": "2026-02-30"}, "invoice_date is '2026-02-30'"),
    ({"total": "1,234.50"}, "not an amount"),
    ({"total": True}, "not an amount"),
    ({"total": "NaN"}, "not an amount"),
    ({"currency": "€"}, "not a code"),
    ({"document_type": "bill"}, "document_type is 'bill'"),
    ({"lines": None}, "lines is None"),
    ({"lines": {}}, "lines is {}"),
    ({"lines": [None]}, "lines.0 is None"),
    ({"lines": [{"description": "x"}]}, "lacks lines.0.quantity"),
    ({"lines": [RIGHT["lines"][0] | {"amount": "£1"}]}, "lines.0.amount is '£1'"),
]


@pytest.mark.parametrize(("change", "says"), BAD)
def test_a_bad_record_is_named(change: dict[str, object], says: str) -> None:
    with pytest.raises(BadRecord, match=says.replace("{}", r"\{\}")):
        read_record(json.dumps(RIGHT | change))


@pytest.mark.parametrize("text", ["", "null", "[]", '{"a": 1}', "NaN", "[" * 9999, '{"total": 1e9'])
def test_what_is_no_record_at_all(text: str) -> None:
    with pytest.raises(BadRecord):
        read_record(text)


def test_the_schema_and_the_reader_agree_on_the_fields(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "--schema"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == schema()
    assert set(told["required"]) == set(told["properties"]) == set(RIGHT)
    assert told["additionalProperties"] is False


DOCUMENT = Paper(number="X-1").text
APART = [
    (f"<document>\n{DOCUMENT}\n</document>", True),
    (f"Read this:\n```\n{DOCUMENT}\n```\nAnswer as JSON.", True),
    (f'"""{DOCUMENT}"""', True),
    (f"--- BEGIN ---\n{DOCUMENT}\n--- END ---", True),
    (json.dumps({"document": DOCUMENT}), True),
    (DOCUMENT, True),
    ("no document", True),
    (f"Extract the data:\n\n{DOCUMENT}", False),
    (f"{DOCUMENT}\n\nExtract the data.", False),
    (f"<task>Extract</task> the data: {DOCUMENT}", False),
    (f"<document>\n{DOCUMENT}\nNow extract the data.", False),
]


@pytest.mark.parametrize(("prompt", "apart"), APART)
def test_a_document_is_set_apart_by_marks_or_by_standing_alone(prompt: str, apart: bool) -> None:
    in_message = Request(messages=(Message("user", (Text(prompt),)),), system="Extract.")
    in_system = Request(messages=(Message("user", (Text("Go."),)),), system=prompt)
    assert set_apart(in_message, DOCUMENT) is set_apart(in_system, DOCUMENT) is apart
