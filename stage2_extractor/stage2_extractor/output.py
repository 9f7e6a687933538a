"""Results as JSON lines or CSV. One line of JSON a document; one row of CSV a line item."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from typing import Any

from stage2_extractor.records import Invoice, LineItem, Ticket

HEAD = tuple(name for name in Invoice.model_fields if name != "lines")
ROW = tuple(LineItem.model_fields)
# A cell that begins with one of these is run as a formula by spreadsheet programs, some of which
# read the wide forms of East Asia in the same way.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)


def json_line(name: str, result: dict[str, Any]) -> str:
    """One line that can be encoded: half a surrogate pair is written as its JSON escape."""
    line = json.dumps({"file": name, **result}, ensure_ascii=False) + "\n"
    return line.encode("utf-8", "backslashreplace").decode()


def csv_text(done: Sequence[tuple[str, dict[str, Any]]]) -> str:
    """All documents as one table; a document without lines, or without a record, has one row."""
    ticket = any(result.get("task") == "ticket" for _, result in done)
    head, row = (tuple(Ticket.model_fields), ()) if ticket else (HEAD, ROW)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "failure", *head, *(f"line_{name}" for name in row)])
    for name, result in done:
        record = result.get("record") or {}
        shared = [name, result.get("failure"), *(record.get(field) for field in head)]
        for line in record.get("lines") or [{}]:
            cells = [*shared, *(line.get(field) for field in row)]
            writer.writerow([_safe(cell) for cell in cells])
    return text.getvalue()


def _safe(cell: Any) -> Any:
    """Text from a stranger's document must not become a formula; a negative number stays one."""
    if not isinstance(cell, str):
        return cell
    # A line end is one character here, as the csv module quotes no other before Python 3.13.
    plain = cell.replace("\r\n", "\n").replace("\r", "\n")
    plain = plain.encode("utf-8", "backslashreplace").decode()
    harmless = plain == "-" or NUMBER.fullmatch(plain)  # "-" is also the name of standard input
    formula = plain.lstrip(" ").startswith(FORMULA) and not harmless
    return "'" + plain if formula else plain
