"""A second solution for the examiner's tests: no SDK, one forced tool on OpenAI Responses.

Nothing of it comes from this project. Its lines are spoilt one at a time, to see who notices.
"""

import datetime
import decimal
import json
import os
import re
import sys
import urllib.error
import urllib.request

KEY = os.environ["OPENAI_API_KEY"]
URL = os.environ["OPENAI_BASE_URL"] + "/responses"
TEXTS = ["invoice_number", "seller_name", "seller_tax_id", "buyer_name", "purchase_order"]
DATES = ["invoice_date", "due_date"]
AMOUNTS = ["subtotal", "discount", "tax", "total"]
CELLS = ["quantity", "unit_price", "amount"]
NAMES = ["document_type", *TEXTS, "currency", *DATES, *AMOUNTS, "lines"]
TOLD = {
    "subtotal": 'the sum before tax, labelled "net amount"',
    "tax": 'the tax, labelled "VAT"; the amount, not the rate',
    "total": 'what is to be paid, labelled "total due"',
    "currency": "ISO code of the money",
    "seller_tax_id": 'labelled "VAT no"',
}


def kind(name, of):
    return {"type": [of, "null"], "description": TOLD.get(name, name.replace("_", " "))}


ROW = {"description": {"type": "string"}} | {name: kind(name, "number") for name in CELLS}
FIELDS = {
    "document_type": {"enum": ["invoice", "credit_note", "receipt"], "type": "string"},
    "currency": kind("currency", "string"),
    **{name: kind(name, "string") for name in TEXTS},
    **{name: kind(name, "string") | {"format": "date"} for name in DATES},
    **{name: kind(name, "number") for name in AMOUNTS},
    "lines": {
        "type": "array",
        "items": {"type": "object", "properties": ROW, "required": list(ROW)},
    },
}
TOOL = {
    "type": "function",
    "name": "save_record",
    "description": "Saves the record of an invoice.",
    "parameters": {"type": "object", "properties": FIELDS, "required": list(FIELDS)},
}
TRIES = 3


class Problem(Exception):
    """Ends the program with its message."""


class Again(Exception):
    """This answer is no good, and the next one may be."""


def asked(text):
    body = {
        "model": "gpt-4.1-mini",
        "instructions": "Save what the document states, and null for what it does not state.",
        "input": f'"""\n{text}\n"""',
        "tools": [TOOL],
        "tool_choice": {"type": "function", "name": "save_record"},
    }
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    try:
        request = urllib.request.Request(URL, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        if error.code >= 500:
            raise Again(f"the server was overloaded ({error.code}), try later") from None
        raise Problem(f"refused with status {error.code}") from None


def checked(answer, text):
    if answer["status"] == "incomplete":
        raise Problem("the answer was cut at the token limit")
    call = next((one for one in answer["output"] if one["type"] == "function_call"), None)
    if call is None:
        raise Problem("the model declined to answer")
    try:
        given = json.loads(call["arguments"], parse_float=decimal.Decimal)
    except ValueError:
        raise Again("the answer was not JSON") from None
    if set(given) != set(NAMES):
        raise Again("the answer has not the keys that were asked for")
    row_names = {"description", *CELLS}
    if not isinstance(given["lines"], list) or any(set(r) != row_names for r in given["lines"]):
        raise Again("a row has not the keys that were asked for")
    for name in DATES:
        try:
            given[name] and datetime.date.fromisoformat(given[name])
        except ValueError:
            given[name] = None
    flat = re.sub(r"\W", "", text)
    for name in TEXTS + AMOUNTS:
        if given[name] is not None and not stands(given[name], text, flat):
            given[name] = None
    return given


def stands(value, text, flat):
    if isinstance(value, str):
        return re.sub(r"\W", "", value) in flat
    return f"{value:.2f}" in text.replace(",", "")


def extract(text):
    for _ in range(TRIES):
        try:
            return checked(asked(text), text)
        except Again as problem:
            last = str(problem)
    raise Problem(f"gave up after {TRIES} tries: {last}")


def plain(value):
    return str(value)


def main():
    data = sys.stdin.buffer.read()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("cp1252")
    if not text.strip():
        raise Problem("there is no text on standard input")
    if len(text) > 100_000:
        raise Problem("the document is too long")
    record = extract(text)
    print(json.dumps(record, default=plain))


try:
    main()
except Problem as problem:
    print(f"cannot extract: {problem}", file=sys.stderr)
    sys.exit(1)
