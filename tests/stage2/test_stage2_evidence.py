"""Money and dates as countries print them, read back; and claims that the text does not make."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stage2_extractor.evidence import says, unsupported, weigh
from stage2_extractor.printed import mended, numbers, says_currency, says_date
from stage2_extractor.prompts import load_prompt
from stage2_extractor.records import Invoice
from stage2_extractor.shape import loads, unwrap

CENTS = st.integers(0, 10**11)


def grouped(digits: str, mark: str, sizes: tuple[int, ...] = (3,)) -> str:
    """`digits` in groups from the right; the last size goes on."""
    groups: list[str] = []
    while digits:
        size = sizes[min(len(groups), len(sizes) - 1)]
        groups.append(digits[-size:])
        digits = digits[:-size]
    return mark.join(reversed(groups))


def notation(group: str, point: str, sizes: tuple[int, ...] = (3,)) -> Callable[[int], str]:
    return lambda cents: f"{grouped(str(cents // 100), group, sizes)}{point}{cents % 100:02}"


MONEY = {
    "1,234.50": notation(",", "."),
    "1.234,50": notation(".", ","),
    "1 234,50": notation(" ", ","),
    "1 234.50": notation(" ", "."),
    "no-break": notation("\u00a0", ","),
    "narrow": notation("\u202f", ","),
    "thin": notation("\u2009", ","),
    "1'234.50": notation("'", "."),
    "1\u2019234.50": notation("\u2019", "."),
    "12,34,567.50": notation(",", ".", (3, 2)),
    "1234.50": notation("", "."),
    "1234,50": notation("", ","),
    "wide": notation("\uff0c", "\uff0e"),
}
AROUND = [
    "{}",
    "Total {}",
    "EUR {}",
    "€{}",
    "{} €",
    "{}-",
    "-{}",
    "({})",
    "Total....{}",
    "{}.",
    "{};",
]


@pytest.mark.parametrize("written", MONEY.values(), ids=MONEY)
@given(cents=CENTS, around=st.sampled_from(AROUND))
@settings(deadline=None, max_examples=60)
def test_money_is_read_in_any_notation(
    written: Callable[[int], str], cents: int, around: str
) -> None:
    value = Decimal(cents).scaleb(-2)
    words = around.format(written(cents))
    assert value in numbers(words)
    assert says(words, "total", value)
    assert says(words, "total", -value)  # a credit note prints what the record keeps positive


@given(cents=st.integers(100, 10**9), other=st.integers(100, 10**9))
@settings(deadline=None)
def test_another_amount_is_not_read(cents: int, other: int) -> None:
    assume(cents != other)
    value = Decimal(other).scaleb(-2)
    plain = f"{cents // 100}.{cents % 100:02}"
    assume(value != cents)  # 1.234 may also be 1234
    assert value not in numbers(plain)


@pytest.mark.parametrize(
    ("words", "value", "said"),
    [
        ("Betrag 1.234", "1234", True),
        ("Betrag 1.234", "1.234", True),
        ("Discount .50", "0.50", True),
        ("Fr. 12.-", "12", True),
        ("12,—", "12", True),
        ("Rp 1.250.000", "1250000", True),
        ("Qty 2 1 234,50", "1234.50", True),
        ("2 100,00 200,00", "200", True),
        ("12 100 200,00", "100200", True),
        ("Menge 12 120 360", "120", True),
        ("\uffe5\uff11\uff12\uff0c\uff13\uff14\uff15", "12345", True),
        ("12.03.2024", "12.03", False),
        ("So is Oslo", "0", False),
        ("So is Oslo", "50", False),
        ("No discount", "0", False),
        ("Discount 0.00", "0", True),
        ("INV-2012", "12", False),
        ("l2.4O", "12.40", True),
        ("lO,OO", "10", True),
        ("6O4,80", "604.80", True),
        ("", "0", False),
    ],
)
def test_numbers_of_paper(words: str, value: str, said: bool) -> None:
    assert says(words, "total", Decimal(value)) is said


@given(st.text())
def test_any_text_can_be_searched_for_numbers(words: str) -> None:
    for number in numbers(words):
        assert number.is_finite()
    assert len(mended(words)) == len(words)


# --- dates ---------------------------------------------------------------------------------------
MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "at": "Jänner Feber März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio "
    "julio agosto septiembre octubre noviembre diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno "
    "luglio agosto settembre ottobre novembre dicembre",
    "pt": "janeiro fevereiro março abril maio junho "
    "julho agosto setembro outubro novembro dezembro",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "sv": "januari februari mars april maj juni juli augusti september oktober november december",
    "da": "januar februar marts april maj juni juli august september oktober november december",
    "pl": "stycznia lutego marca kwietnia maja czerwca "
    "lipca sierpnia września października listopada grudnia",
    "cs": "ledna února března dubna května června července srpna září října listopadu prosince",
    "fi": "tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta "
    "heinäkuuta elokuuta syyskuuta lokakuuta marraskuuta joulukuuta",
    "hu": "január február március április május június "
    "július augusztus szeptember október november december",
    "ro": "ianuarie februarie martie aprilie mai iunie "
    "iulie august septembrie octombrie noiembrie decembrie",
    "hr": "siječnja veljače ožujka travnja svibnja lipnja "
    "srpnja kolovoza rujna listopada studenoga prosinca",
    "tr": "Ocak Şubat Mart Nisan May\u0131s Haziran "
    "Temmuz Ağustos Eylül Ekim Kas\u0131m Aral\u0131k",
    "el": "Ιανουαρίου Φεβρουαρίου Μαρτίου Απριλίου Μαΐου Ιουνίου "
    "Ιουλίου Αυγούστου Σεπτεμβρίου Οκτωβρίου Νοεμβρίου Δεκεμβρίου",
    "roman": "I II III IV V VI VII VIII IX X XI XII",
}
DATES = st.dates(date(2000, 1, 1), date(2099, 12, 31))
IN_NUMBERS = {
    "ISO": "%Y-%m-%d",
    "ISO with time": "%Y-%m-%dT10:42:00",
    "d.m.Y": "%d.%m.%Y",
    "d. m. Y": "%d. %m. %Y",
    "d/m/Y": "%d/%m/%Y",
    "m/d/Y": "%m/%d/%Y",
    "d-m-y": "%d-%m-%y",
    "m/d/y": "%m/%d/%y",
    "Y/m/d": "%Y/%m/%d",
    "kanji": "%Y年%m月%d日",
    "compact": "%Y%m%d",
    "d m Y": "%d %m %Y",
}
IN_WORDS = [
    "{d} {m} {y}",
    "{d}. {m} {y}",
    "{d} de {m} de {y}",
    "{d}-{m}-{y}",
    "{y}. {m} {d}.",
    "{d}th of {m}, {y}",
    "le {d} {m} {y}",
    "{m} {d}, {y}",
]


@pytest.mark.parametrize("order", IN_NUMBERS.values(), ids=IN_NUMBERS)
@given(day=DATES, bare=st.booleans())
@settings(deadline=None, max_examples=60)
def test_dates_in_numbers(order: str, day: date, bare: bool) -> None:
    written = day.strftime(order.replace("%d", "%-d").replace("%m", "%-m") if bare else order)
    assume(not (bare and order == "%Y%m%d"))
    for words in (written, f"Date: {written}", f"Invoice 17 of {written}, page 1 of 2"):
        assert says_date(words, day), words


@pytest.mark.parametrize("language", MONTHS)
@given(day=DATES, form=st.sampled_from(IN_WORDS))
@settings(deadline=None, max_examples=60)
def test_dates_in_words(language: str, day: date, form: str) -> None:
    assume(language != "el" or form.index("{d}") < form.index("{m}") < form.index("{y}"))  # unknown
    month = MONTHS[language].split()[day.month - 1]
    for name in (month, month.upper()):
        assert says(form.format(d=day.day, m=name, y=day.year), "due_date", day)


@given(day=DATES, short=st.sampled_from([3, 4]))
@settings(deadline=None)
def test_short_months_and_years(day: date, short: int) -> None:
    month = MONTHS["en"].split()[day.month - 1][:short]
    assert says_date(f"{day.day}-{month}-{day.year % 100:02}", day)
    assert says_date(f"{month}. {day.day}, {day.year}", day)


@given(day=st.dates(date(2019, 5, 1), date(2099, 12, 31)))
def test_reiwa(day: date) -> None:
    year = day.year - 2018
    assert says_date(f"令和{year}年{day.month}月{day.day}日", day)
    assert says_date(f"R{year}.{day.month}.{day.day}", day)
    assert says_date("発行日 令和元年5月1日", date(2019, 5, 1))


@pytest.mark.parametrize("language", [name for name in MONTHS if name not in ("el", "roman")])
@given(day=DATES, other=DATES)
@settings(deadline=None, max_examples=60)
def test_another_date_is_not_read(language: str, day: date, other: date) -> None:
    assume(other != day)
    month = MONTHS[language].split()[day.month - 1]
    assume(month != "listopadu" and month != "listopada")  # October in Zagreb, November in Warsaw
    assert not says_date(f"{day.day} {month} {day.year}", other)
    swapped = (other.day, other.month, other.year) == (day.month, day.day, day.year)
    assert says_date(day.strftime("%d/%m/%Y"), other) is swapped
    assert not says_date(day.isoformat(), other)


@pytest.mark.parametrize(
    ("words", "day"),
    [
        ("12/09/2023  Page 1 of 3", date(2023, 1, 3)),
        ("8 August 1999", date(2026, 8, 8)),
        ("March 2024, 18 pieces", date(2024, 5, 18)),
        ("5 5 2 2024", date(2024, 5, 5)),
        ("3 September", date(2026, 9, 3)),
        ("2026", date(2026, 1, 1)),
        ("0", date(1970, 1, 1)),
        ("INV20260903X", date(2026, 9, 4)),
        ("5. marraskuuta 2024", date(2024, 3, 5)),  # November in Finland
        ("5. srpnja 2024.", date(2024, 8, 5)),  # July in Croatia
        ("5. července 2024", date(2024, 6, 5)),  # July in Czechia
    ],
)
def test_numbers_that_happen_to_be_there_are_no_date(words: str, day: date) -> None:
    assert not says_date(words, day)


@pytest.mark.parametrize("words", ["O3.O9.2O26", "03.09.2O26", "3 Septernber 2026"])
def test_a_scanned_date(words: str) -> None:
    assert says(words, "invoice_date", date(2026, 9, 3))


@given(st.text(), DATES)
def test_any_text_can_be_searched_for_dates(words: str, day: date) -> None:
    assert says_date(words, day) in (True, False)
    assert says_date(f"{'9' * 5000} {words}", day) in (True, False)


# --- currencies ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("Total EUR 119.00", "EUR", True),
        ("Total 119.00EUR", "EUR", True),
        ("Total 119.00 €", "EUR", True),
        ("alle Beträge in Euro", "EUR", True),
        ("Europe", "EUR", False),
        ("12 hours", "INR", False),
        ("Rs. 500", "INR", True),
        ("Rs500", "INR", True),
        ("Kraków", "SEK", False),
        ("250 kr", "SEK", True),
        ("250,-kr.", "DKK", True),
        ("Lufthansa", "HUF", False),
        ("R$ 100", "BRL", True),
        ("R$ 100", "USD", False),
        ("US$ 100", "USD", True),
        ("A$100", "AUD", True),
        ("A$100", "USD", False),
        ("$100", "CAD", True),
        ("$100", "EUR", False),
        ("\uffe51,200", "JPY", True),
        ("1,200円", "JPY", True),
        ("壹佰元整", "CNY", True),
        ("Fr. 12.-", "CHF", True),
        ("100 Kc\u030c", "CZK", True),
        ("100 zł", "PLN", True),
        ("100", "", False),
        ("100 (", "(", True),
        ("eur", "eur", True),
    ],
)
def test_currencies(words: str, code: str, said: bool) -> None:
    assert says_currency(words, code) is said


# --- claims --------------------------------------------------------------------------------------
TEXT = """GREEN CORNER MARKET
Café Crème S.à r.l.   VAT DE 301 245 678
Invoice INV-2012-0007     PO 55
3 September 2026
Paper A4 white     10   4.00   40.00
Total EUR 40.00"""


def invoice(**given_values: Any) -> Invoice:
    fields = dict.fromkeys(Invoice.model_fields) | {"lines": []}
    return Invoice.model_validate(fields | given_values)


@pytest.mark.parametrize(
    ("name", "value", "stands"),
    [
        ("seller_name", "Green Corner Market", True),
        ("seller_name", "Green  corner\nmarket", True),
        ("seller_name", "Cafe Creme", True),
        ("seller_name", "Blue Corner Market", False),
        ("seller_name", "---", False),
        ("seller_name", "ree", False),
        ("purchase_order", "O", False),
        ("seller_tax_id", "DE301245678", True),
        ("seller_tax_id", "DE301245679", False),
        ("invoice_number", "INV-2012-0007", True),
        ("invoice_number", "lNV-2O12-OOO7", True),
        ("invoice_number", "INV-2012-0008", False),
        ("purchase_order", "55", True),
        ("purchase_order", "12", False),
        ("purchase_order", "7", False),
        ("invoice_date", date(2026, 9, 3), True),
        ("invoice_date", date(2026, 9, 4), False),
        ("due_date", date(2026, 9, 3), True),  # which date it is, evidence cannot tell
        ("total", Decimal("40"), True),
        ("total", Decimal("-40"), True),
        ("total", Decimal("20.12"), False),
        ("tax", Decimal("0"), False),
        ("currency", "EUR", True),
        ("currency", "USD", False),
        ("document_type", "credit_note", True),  # a judgement, not a copy
    ],
)
def test_a_claim_needs_a_span(name: str, value: Any, stands: bool) -> None:
    proofs, invented = weigh(invoice(**{name: value}), {}, TEXT)
    assert (name not in invented) is stands
    assert invented == ({} if stands else {name: value})
    if name != "document_type":
        assert (proofs[name] is not None) is stands


@pytest.mark.parametrize(
    "quote", ["Invoice of 40.00", "TOTAL USD 40.00", "0", "40.0", "", None, "0007"]
)
def test_a_quote_that_is_not_of_the_text_is_no_proof(quote: str | None) -> None:
    proofs, invented = weigh(invoice(total=40), {"total": quote}, TEXT)
    assert proofs["total"] == "Paper A4 white     10   4.00   40.00"  # what does say it
    assert not invented


def test_a_true_quote_is_kept_as_it_is() -> None:
    quotes = {"total": "total  EUR 40.00", "document_type": "Invoice", "currency": "GREEN"}
    proofs, _ = weigh(invoice(total=40, document_type="invoice", currency="EUR"), quotes, TEXT)
    assert proofs["total"] == quotes["total"]
    assert proofs["document_type"] == "Invoice"
    assert proofs["currency"] == "Total EUR 40.00"  # not the quote, which says no currency
    assert weigh(invoice(document_type="invoice"), {"document_type": "Bill"}, TEXT)[
        0
    ] == dict.fromkeys(name for name in Invoice.model_fields if name != "lines")


ROW = {"description": "Paper A4 white", "quantity": 10, "unit_price": 4, "amount": 40}


@pytest.mark.parametrize(
    ("changes", "invented"),
    [
        ({}, []),
        ({"description": "Paper A4 white, boxed"}, []),
        ({"description": "Pencils red soft"}, ["lines.0"]),
        ({"amount": 41}, ["lines.0"]),
        ({"amount": -40}, []),
        ({"unit_price": Decimal("3.99")}, ["lines.0.unit_price"]),
        ({"unit_price": 8}, ["lines.0.unit_price"]),
        ({"quantity": 17}, ["lines.0.quantity"]),
        ({"quantity": Decimal("2.5")}, ["lines.0.quantity"]),
        ({"quantity": 3}, []),  # three, a pair, or the one thing that is described
        ({"quantity": None, "unit_price": None, "amount": None}, []),
    ],
)
def test_a_row_and_its_cells_need_a_span(changes: dict[str, Any], invented: list[str]) -> None:
    assert list(unsupported(invoice(lines=[ROW | changes]), {}, TEXT)) == invented


def test_what_examples_teach_stands_in_their_texts() -> None:
    """An example with an invented value would teach to invent."""
    for version in ("3", "3r"):
        for example in load_prompt("invoice", version).examples:
            plain, quotes = unwrap("invoice", loads(example.answer))
            record = Invoice.model_validate(plain)
            proofs, invented = weigh(record, quotes, example.text)
            assert not invented, example.name
            wrong = {name for name, quote in quotes.items() if quote and proofs[name] != quote}
            assert not wrong, (example.name, wrong)


def test_a_long_hostile_text_is_searched_in_a_moment() -> None:
    """No pattern goes over a text more than a few times; one that did would take minutes here."""
    claim = invoice(total=1, invoice_date=date(2026, 9, 3), seller_name="Nobody", currency="EUR")
    for piece in ("1 ", "111 ", "a", "1.", "$", "2026 ", "\u0301", "a\n", "0,"):
        started = time.perf_counter()
        unsupported(claim, {"total": piece}, piece * (40_000 // len(piece)))
        assert time.perf_counter() - started < 5, piece
