"""Results as JSON lines or CSV. One line of JSON a document; one row of CSV a line item."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from stage2_extractor.records import Invoice, LineItem

HEAD = tuple(name for name in Invoice.model_fields if name != "lines")
ROW = tuple(LineItem.model_fields)
# A cell that begins with one of these is run as a formula by spreadsheet programs.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def json_line(name: str, result: dict[str, Any]) -> str:
    return json.dumps({"file": name, **result}, ensure_ascii=False) + "\n"


def csv_text(done: Sequence[tuple[str, dict[str, Any]]]) -> str:
    """All documents as one table; a document without lines, or without a record, has one row."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "failure", *HEAD, *(f"line_{name}" for name in ROW)])
    for name, result in done:
        record = result.get("record") or {}
        head = [record.get(field) for field in HEAD]
        for line in record.get("lines") or [{}]:
            cells = [name, result.get("failure"), *head, *(line.get(field) for field in ROW)]
            writer.writerow([_safe(cell) for cell in cells])
    return text.getvalue()


def _safe(cell: Any) -> Any:
    """Text from a stranger's document must not become a formula; a negative number stays one."""
    if isinstance(cell, str) and cell.startswith(FORMULA) and not _is_number(cell):
        return "'" + cell
    return cell


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
