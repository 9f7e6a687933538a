"""Results as tables and lines: what comes back is what was extracted, and nothing is a formula."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stage2_extractor.output import FORMULA, csv_text, json_line
from stage2_extractor.records import Invoice

FIELDS = [name for name in Invoice.model_fields if name != "lines"]
TEXT = st.text(st.characters(exclude_categories=("Cs",)))
CELL = st.none() | TEXT


def record(**values: Any) -> dict[str, Any]:
    return dict.fromkeys(FIELDS) | {"lines": []} | values


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def shown(cell: str | None) -> str:
    """What a cell reads as: line ends are one character, and a mark before what is no text."""
    plain = (cell or "").replace("\r\n", "\n").replace("\r", "\n")
    return plain


@given(
    st.lists(
        st.tuples(
            TEXT,
            st.none()
            | st.fixed_dictionaries(
                dict.fromkeys(("seller_name", "buyer_name", "total"), CELL)
                | {
                    "lines": st.lists(
                        st.fixed_dictionaries({"description": TEXT, "amount": CELL}), max_size=3
                    )
                }
            ),
        ),
        max_size=4,
    )
)
def test_a_table_comes_back(done: list[tuple[str, dict[str, Any] | None]]) -> None:
    results = [(name, {"record": one and record(**one)}) for name, one in done]
    read = rows(csv_text(results))
    expected = [
        (name, found, line) for name, found in done for line in ((found or {}).get("lines") or [{}])
    ]
    assert len(read) == len(expected)
    for row, (name, found, line) in zip(read, expected, strict=True):
        pairs = [
            (row["file"], name),
            (row["seller_name"], (found or {}).get("seller_name")),
            (row["line_description"], line.get("description")),
        ]
        for cell, given_text in pairs:
            assert cell.removeprefix("'") == shown(given_text).removeprefix("'")
            assert not cell.lstrip(" ").startswith(FORMULA) or number(cell)


def number(cell: str) -> bool:
    return cell == "-" or (cell.isascii() and Decimal(cell).is_finite())


@pytest.mark.parametrize(
    "cell",
    [
        '=HYPERLINK("http://evil")',
        "+1+cmd|' /C calc'!A0",
        "-2+3+cmd",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1",
        "\uff1d1+1",
        "-inf",
        "+nan",
        "-1_000",
        "+49 30 1234",
        "-\u0661",
    ],
)
def test_a_strangers_text_is_no_formula(cell: str) -> None:
    """Wherever it stands, the name of the file included."""
    line = {"description": cell, "quantity": None, "unit_price": None, "amount": "1"}
    found = {"record": record(seller_name=cell, lines=[line]), "failure": None}
    (row,) = rows(csv_text([(cell, found)]))
    for name in ("file", "seller_name", "line_description"):
        assert row[name].startswith("'")


@pytest.mark.parametrize("amount", ["-12.50", "0", "1234567.89", "-0.01"])
def test_an_amount_stays_a_number(amount: str) -> None:
    (row,) = rows(csv_text([("a", {"record": record(total=amount)})]))
    assert Decimal(row["total"]) == Decimal(amount)


def test_a_row_a_line_item_and_one_for_a_failure() -> None:
    line = {"description": "Paper", "quantity": "2", "unit_price": "1", "amount": "2"}
    good = {"task": "invoice", "record": record(total="4", lines=[line, line]), "failure": None}
    bad = {"record": None, "failure": "unreadable", "detail": "…"}
    read = rows(csv_text([("a", good), ("b", bad), ("c", {"record": record(), "failure": None})]))
    assert [row["file"] for row in read] == ["a", "a", "b", "c"]
    assert [row["line_description"] for row in read] == ["Paper", "Paper", "", ""]
    assert read[2]["failure"] == "unreadable"
    assert list(read[0]) == [
        "file",
        "failure",
        *FIELDS,
        "line_description",
        "line_quantity",
        "line_unit_price",
        "line_amount",
    ]


def test_tickets_have_a_table_of_their_own() -> None:
    done = [
        ("a", {"record": None, "failure": "unreadable"}),
        ("b", {"task": "ticket", "record": {"bucket": "billing"}, "failure": None}),
    ]
    assert csv_text(done) == "file,failure,bucket\na,unreadable,\nb,,billing\n"


@given(st.text(), st.dictionaries(st.text(), st.none() | st.text() | st.lists(st.text())))
def test_a_json_line_is_one_line_that_can_be_written(name: str, result: dict[str, Any]) -> None:
    line = json_line(name, result)
    line.encode()
    assert line.count("\n") == 1
    assert json.loads(line) == {"file": name} | result


def test_a_file_name_that_is_no_unicode_can_be_written() -> None:
    name = b"caf\xe9.txt".decode("utf-8", "surrogateescape")
    json_line(name, {}).encode()
    csv_text([(name, {"record": record(seller_name=name)})]).encode()
