"""Papers of other trades and countries: labels that a prompt tells are found anywhere."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from shared.messages import Message, OutputSchema, Request, assistant, user
from shared.offline.brain import think

Described = dict[str, tuple[str, str]]  # name: (type, description)


def schema(fields: Described) -> dict[str, Any]:
    """Each field as a value with the line that proves it."""
    properties = {}
    for name, (kind, said) in fields.items():
        value: dict[str, Any] = {"type": ["string" if kind == "date" else kind, "null"]}
        if kind == "date":
            value["format"] = "date"
        quoted = {"value": value, "quote": {"type": ["string", "null"]}}
        properties[name] = {
            "type": "object", "properties": quoted, "required": list(quoted), "description": said,
        }  # fmt: skip
    return {"type": "object", "properties": properties, "required": list(properties)}


def filled(fields: Described, text: str, before: tuple[Message, ...] = ()) -> dict[str, Any]:
    request = Request(messages=(*before, user(text)), output=OutputSchema("it", schema(fields)))
    got = json.loads(think(request, "small", None).text)
    lines = [line.strip() for line in text.splitlines()]
    assert all(one["quote"] in lines for one in got.values() if one["value"] is not None)
    return {name: one["value"] for name, one in got.items()}


SHIPPING: Described = {
    "waybill": (
        "string",
        'the number of the shipment, labelled "AWB", "waybill no", "Frachtbrief"',
    ),
    "sender_name": ("string", 'who sends, labelled "shipper", "Absender"; not the carrier'),
    "consignee_name": ("string", 'who receives, labelled "consignee", "Empfänger"'),
    "shipped": ("date", 'labelled "date", "ship date", "Versanddatum"; not the delivery'),
    "arrives": ("date", 'labelled "ETA", "delivery date", "Zustellung bis"'),
    "weight_kg": ("number", 'labelled "gross weight", "Gewicht"'),
    "pieces": ("integer", 'labelled "pieces", "Colli"'),
}
TWO_COLUMNS = """\
NORTHWIND FREIGHT                              Page 1 of 1

SHIPPER                          CONSIGNEE
Maple Hill Honey LLC             Bäckerei Sonnenschein GmbH
77 Orchard Rd                    Lindenweg 4
Burlington VT 05401              80331 München

AWB NO.: 4471-0093      SHIP DATE: 11/21/2025     DELIVERY DATE: 11/28/2025
PIECES     GROSS WEIGHT
12         148.5
"""
LEADERS = """\
Frachtbrief-Nr. .......... FB 2210/7
Versanddatum ............. 3. März 2026
Zustellung bis ........... 06.03.2026
Absender: Tischlerei Aurich e.K., Am Hafen 2, 26603 Aurich
Empfänger:
  Hotel Strandgut
  Kurpromenade 1
  26548 Norderney
Colli: 3     Gewicht: 1.240,5 kg
"""


def test_labels_above_values_and_two_columns() -> None:
    assert filled(SHIPPING, TWO_COLUMNS) == {
        "waybill": "4471-0093",
        "sender_name": "Maple Hill Honey LLC",
        "consignee_name": "Bäckerei Sonnenschein GmbH",
        "shipped": "2025-11-21",
        "arrives": "2025-11-28",
        "weight_kg": 148.5,
        "pieces": 12,
    }


def test_dotted_leaders_values_beneath_and_names_cut_from_addresses() -> None:
    fields = SHIPPING | {"waybill": ("string", 'the number, labelled "Frachtbrief-Nr"')}
    assert filled(fields, LEADERS) == {
        "waybill": "FB 2210/7",
        "sender_name": "Tischlerei Aurich e.K.",
        "consignee_name": "Hotel Strandgut",
        "shipped": "2026-03-03",
        "arrives": "2026-03-06",
        "weight_kg": 1240.5,
        "pieces": 3,
    }


EVENT: Described = {
    "starts": ("date", 'labelled "when", "date", "Fecha"; not the day of registration'),
    "register_by": ("date", 'labelled "RSVP by", "register before", "Inscripción hasta"'),
    "organiser_name": ("string", 'labelled "hosted by", "Organiza"'),
    "ticket_price": ("number", 'labelled "admission", "Entrada"; null when it is free'),
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Autumn Jazz Night\nHosted by: Willow Arts Trust\nWhen: 9 October 2026, 19:30\n"
            "RSVP by 25 September 2026\nAdmission: £12.50 (members free)",
            ("2026-10-09", "2026-09-25", "Willow Arts Trust", 12.5),
        ),
        (
            "Feria del Libro\nOrganiza: Asociación Letras Vivas\nFecha: 21 de octubre de 2026\n"
            "Inscripción hasta: 10/10/2026\nEntrada: libre",
            ("2026-10-21", "2026-10-10", "Asociación Letras Vivas", None),
        ),
    ],
)
def test_invitations_in_two_languages(text: str, expected: tuple[Any, ...]) -> None:
    assert tuple(filled(EVENT, text).values()) == expected


BILL: Described = {
    "seller_name": ("string", "the company that issued it, usually in the head"),
    "buyer_name": ("string", 'labelled "bill to"; without "Mr", "Herrn"'),
    "issued": ("date", 'labelled "issued"'),
    "discount": ("number", 'labelled "rebate"; as a positive number'),
    "tax": ("number", 'labelled "VAT", "total VAT"; null when there are several'),
    "total": ("number", 'labelled "total", "grand total"; not of an earlier balance'),
}
SCANNED = """\
   MOUNTA1N SPR1NG WATER LTD
   5 Well Lane, Buxton

Rebate 5%               -l.5O
VAT 2O%                  5.7O
T0TAL                   34.2O

Mountain Spring Water Ltd
"""


def test_scanned_letters_signs_and_rates() -> None:
    assert filled(BILL, SCANNED) == {
        "seller_name": "Mountain Spring Water Ltd",
        "buyer_name": None,
        "issued": None,
        "discount": 1.5,
        "tax": 5.7,
        "total": 34.2,
    }


def test_rival_values_are_none_where_the_prompt_says_so() -> None:
    several = "VAT 20%    4.00\nVAT 5%     1.00\n"
    assert filled(BILL, several)["tax"] is None
    assert filled(BILL, several + "Total VAT  5.00\n")["tax"] == 5


LETTER = """\
Aurora Glass Ltd
8 Kiln Street, Stoke

Mr
Henry Osei
4 Mill Lane
Leeds LS1 4AB

Leeds, 4 May 2026
Total 80.00
"""
SHOWN = """\
Birch & Sons Ltd
2 High Road, Hull

Clara Novak
19 Beech Ave
York YO1 7HH

York, 2 April 2025
Total 15.00
"""


def test_examples_show_what_stands_without_a_label() -> None:
    told = filled(BILL, LETTER)
    answer = {
        "seller_name": "Birch & Sons Ltd", "buyer_name": "Clara Novak", "issued": "2025-04-02",
        "discount": None, "tax": None, "total": 15,
    }  # fmt: skip
    quoted = {name: {"value": value, "quote": None} for name, value in answer.items()}
    shown = filled(BILL, LETTER, (user(SHOWN), assistant(json.dumps(quoted))))
    assert (told["buyer_name"], told["issued"]) == (None, "2026-05-04")
    assert (shown["buyer_name"], shown["issued"]) == ("Henry Osei", "2026-05-04")


@pytest.mark.parametrize(
    "text",
    ["total " * 40_000, "1 " * 100_000, "a" * 200_000, "Total: 1.00\n" * 18_000, "(" * 200_000],
    ids=["labels", "numbers", "letters", "lines", "brackets"],
)
def test_hostile_texts_stay_bounded(text: str) -> None:
    started = time.thread_time()
    filled_any = think(
        Request(messages=(user(text),), output=OutputSchema("it", schema(BILL))), "small", None
    )
    assert json.loads(filled_any.text)
    assert time.thread_time() - started < 20
