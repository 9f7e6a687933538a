"""What printed words can mean: the numbers, dates and currencies that they may state.

A reading is accepted when some country prints it so: the question is whether a claim can come from
these words, not which reading is the likely one. Left out: amounts in words, the Buddhist and the
Minguo calendar, and dates whose year stands in another line.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation

# Spaces, marks and signs that are printed in several widths and shapes.
PLAIN = str.maketrans(
    "\u00a0\u2007\u2009\u202f\u3000\uff0c\uff0e\u066c\u066b\u2019\u02bc\u00b4`\uffe5\uffe1\uff04",
    "     ,.,.''''¥£$",
)
# A number as printed; a space inside it groups three digits, or else begins the next number.
NUMBER = re.compile(r"(?:(?<![\d.,])[.,])?\d+(?:[.,']\d+| \d{3}(?!\d))*")
GROUPS = 5  # that a number has at most, thousands apart: under a quadrillion
# Letters that a scan makes of digits.
LOOKALIKES = str.maketrans("OoQlIi|SsBZz", "000111155822")
AMOUNT_OF_LETTERS = re.compile(r"[OoQlI|SBZ.,]*[.,][OoQlI|SBZ]{2}")  # lO,OO
PART = re.compile(r"\d+|[^\W\d_]+")  # of a date
BETWEEN = frozenset("年月日")  # letters that may stand between the numbers of a date
ERA = 2018  # Reiwa 1 was 2019
ERA_MARKS = ("令和", "r", "reiwa")
REACH = 5  # parts from the first to the last of a date with a month in words
# Beginnings of the names of months in sixteen languages, without accents, and Roman numbers.
HEADS = [
    (head, month)
    for month, heads in enumerate(
        [
            "jan ene gen jen stycz led tammi ian sij oca",
            "feb fev lut unor helmi velj sub",
            "mar mrz maa brez ozu",
            "apr avr abr kwie dub huht trav nis",
            "may mai mei mag maj kve touko svib",
            "jun juin giu czerw cerven cervn kesa iun lipnj lipan haz",
            "jul juil lug lip cervenc hein iul srpnj srpan tem",
            "aug ago aou sier srp elo kolo agu",
            "sep set wrz zari syys szept ruj eyl",
            "oct okt ott out paz rij loka list eki",
            "nov list marras noi stud kas",
            "dec dez dic des grud pros joulu ara",
        ],
        1,
    )
    for head in heads.split()
]
ROMAN = {
    "i": 1,
    "ii": 2,
    "iii": 3,
    "iv": 4,
    "v": 5,
    "vi": 6,
    "vii": 7,
    "viii": 8,
    "ix": 9,
    "x": 10,
    "xi": 11,
    "xii": 12,
}
SIGNS = {
    "EUR": "€ euro euros",
    "GBP": "£ pound pounds sterling",
    "USD": "$ us$ usd$ dollar dollars",
    "CAD": "$ c$ ca$ can$ dollar dollars",
    "AUD": "$ a$ au$ dollar dollars",
    "NZD": "$ nz$ dollar dollars",
    "SGD": "$ s$ sg$ dollar dollars",
    "HKD": "$ hk$ dollar dollars",
    "MXN": "$ mx$ peso pesos",
    "JPY": "¥ 円 yen",
    "CNY": "¥ 元 rmb yuan",
    "INR": "₹ rs rupee rupees",
    "PLN": "zł zl zloty złoty złotych",
    "BRL": "r$ real reais",
    "SEK": "kr kronor",
    "NOK": "kr kroner",
    "DKK": "kr kroner",
    "CHF": "fr. sfr franken francs",
    "CZK": "kč kc korun",
    "HUF": "ft forint",
    "TRY": "₺ tl",
    "RUB": "₽",
    "KRW": "₩ won",
    "ILS": "₪ nis",
    "UAH": "₴",
    "THB": "฿ baht",
}


def numbers(words: str) -> set[Decimal]:
    """Every number that the digits in `words` can mean: `1.234` is 1234 and also 1.234."""
    found: set[Decimal] = set()
    for match in NUMBER.finditer(words.translate(PLAIN)):
        groups = match[0].split(" ")
        for start in range(len(groups)):
            for stop in range(start + 1, min(start + GROUPS, len(groups)) + 1):
                found.update(_readings("".join(groups[start:stop])))
    return found


def mended(words: str) -> str:
    """`words` with the digits back that a scan made letters of: `l2.4O` is `12.40`."""
    return re.sub(r"\S+", lambda word: _mended(word[0]), words)


def says_date(words: str, value: date) -> bool:
    """Day, month and year stand together, in an order that some country writes them in."""
    parts = PART.findall(words.replace("元年", "1年"))
    compact = {value.strftime(order) for order in ("%Y%m%d", "%d%m%Y", "%m%d%Y")}
    return (
        any(part in compact for part in parts)
        or any(_in_numbers(parts, place, value) for place in range(len(parts)))
        or any(_in_words(parts, place, value) for place in range(len(parts)))
    )


def says_currency(words: str, code: str) -> bool:
    """The code, or a sign or name of the currency, as a word of its own."""
    plain = unicodedata.normalize("NFC", words.translate(PLAIN)).casefold()
    signs = (code.casefold(), *SIGNS.get(code.upper(), "").split())
    return any(re.search(_bounded(sign), plain) for sign in signs if sign)


def _readings(piece: str) -> Iterator[Decimal]:
    """All marks group thousands, or the last one is the decimal mark."""
    digits = piece.replace("'", "")
    forms = {re.sub(r"[.,]", "", digits)}
    for mark in ".,":
        head, dot, tail = digits.rpartition(mark)
        if dot and mark not in head:
            forms.add(re.sub(r"[.,]", "", head) + "." + tail)
    for form in forms:
        try:
            yield Decimal(form)
        except InvalidOperation:  # 1.234,50 with the point as the decimal mark
            continue


def _mended(word: str) -> str:
    scanned = re.search(r"\d", word) or AMOUNT_OF_LETTERS.fullmatch(word)
    return word.translate(LOOKALIKES) if scanned else word


def _in_numbers(parts: list[str], place: int, value: date) -> bool:
    """Three numbers from `place` on with nothing between them but 年 and 月."""
    found = [part for part in parts[place : place + 5] if part not in BETWEEN][:3]
    if len(found) < 3 or not all(part.isdecimal() for part in found):
        return False
    era = place > 0 and parts[place - 1].casefold() in ERA_MARKS
    one, two, three = found
    dated = _is(two, value.month) and (
        (_is(one, value.day) and _is_year(three, value))
        or (_is(three, value.day) and (_is_year(one, value) or (era and _is_era(one, value))))
    )
    american = _is(one, value.month) and _is(two, value.day) and _is_year(three, value)
    return dated or american


def _in_words(parts: list[str], place: int, value: date) -> bool:
    """The year at `place`, the day and a word for the month near it.

    A word of a language that is not known here may be the month when it stands, without another
    number, between the day and the year.
    """
    if not _is_year(parts[place], value):
        return False
    for day in range(max(0, place - REACH), min(len(parts), place + REACH + 1)):
        if day == place or not _is(parts[day], value.day):
            continue
        first, last = min(day, place), max(day, place)
        around = parts[max(0, last - REACH) : first + REACH + 1]
        if any(value.month in _months(word) for word in around):
            return True
        between = parts[day + 1 : place]
        strange = [len(word) > 2 and not word.isdecimal() and not _months(word) for word in between]
        if any(strange) and not any(word.isdecimal() or _months(word) for word in between):
            return True
    return False


def _months(word: str) -> set[int]:
    """The months that a word can name: `marraskuuta` is November and not March."""
    if word.isdecimal():
        return set()
    letters = unicodedata.normalize("NFKD", word.casefold())
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    heads = [(len(head), month) for head, month in HEADS if plain.startswith(head)]
    longest = max(heads, default=(0, 0))[0]
    named = {month for length, month in heads if length == longest}
    return named | ({ROMAN[plain]} if plain in ROMAN else set())


def _is(part: str, number: int) -> bool:
    return len(part) <= 2 and part.isdecimal() and int(part) == number


def _is_year(part: str, value: date) -> bool:
    return part.isdecimal() and (
        (len(part) == 4 and int(part) == value.year)
        or (len(part) == 2 and int(part) == value.year % 100)
    )


def _is_era(part: str, value: date) -> bool:
    return _is(part, value.year - ERA)


def _bounded(sign: str) -> str:
    """Latin letters do not go on beside it: `kr` is not in Kraków, `$` alone not in R$."""
    letter = r"[a-z\u00df-\u024f]"
    before = f"(?<!{letter})" if re.match(rf"{letter}|\$", sign) else ""
    after = f"(?!{letter})" if re.search(rf"{letter}$", sign) else ""
    return before + re.escape(sign) + after
