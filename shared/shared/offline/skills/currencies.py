"""Reads currencies from text as ISO 4217 codes: from a code, a sign or a word.

A sign that several countries share (`$`, `kr`, `\u00a5`) is decided by what the text shows of its
country: kinds of tax number, names, letters. Left out: texts that name two such countries, and
currencies beyond the forty or so that are listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from shared.offline.skills.dates import Found

_SYMBOLS = {
    "US$": "USD", "CA$": "CAD", "C$": "CAD", "AU$": "AUD", "A$": "AUD", "NZ$": "NZD", "HK$": "HKD",
    "S$": "SGD", "R$": "BRL", "\u20ac": "EUR", "$": "USD", "\u00a3": "GBP", "\u00a5": "JPY",
    "\uffe5": "JPY",
    "\u5186": "JPY", "\u20b9": "INR", "\u20a9": "KRW", "z\u0142": "PLN", "\u20ba": "TRY",
    "\u20aa": "ILS",
    "K\u010d": "CZK", "\u20b4": "UAH",
}  # fmt: skip
_CODES = (
    "USD EUR GBP JPY CHF CAD AUD NZD CNY HKD SGD INR KRW BRL MXN ZAR SEK NOK DKK ISK PLN CZK HUF "
    "RON BGN TRY ILS AED SAR THB IDR MYR PHP TWD ARS CLP COP UAH"
)
_WORDS = {
    "euro": "EUR", "us dollar": "USD", "dollar": "USD", "pound": "GBP", "sterling": "GBP",
    "yen": "JPY", "swiss franc": "CHF", "rupee": "INR", "yuan": "CNY", "franken": "CHF",
    "forint": "HUF", "z\u0142oty": "PLN", "z\u0142otych": "PLN", "pesos": "MXN", "reais": "BRL",
}  # fmt: skip
_SHORT = (  # only beside a number: elsewhere these are other words
    (r"kr\.?", "SEK"), (r"Rs\.?", "INR"), (r"Ft", "HUF"), (r"S?Fr\.", "CHF"), (r"lei", "RON"),
    (r"\u043b\u0432\.?", "BGN"),
)  # fmt: skip
_NEAR = "|".join(
    rf"(?:(?<![^\W\d_]){way}(?=\s?-?\d)|(?<=\d)\s?{way}(?![^\W\d_]))" for way, _ in _SHORT
)
_CURRENCY = re.compile(
    rf"(?P<code>(?<![A-Za-z])(?:{'|'.join(_CODES.split())})(?![A-Za-z]))"
    rf"|(?P<symbol>{'|'.join(re.escape(s) for s in _SYMBOLS)})"
    rf"|(?P<word>(?i:\b(?:{'|'.join(_WORDS)})s?\b))|(?P<near>{_NEAR})"
)
# What a text shows of the country whose `$`, `kr` or `\u00a5` it prints; the first that fits.
_CANADA = (
    r"\bCanada\b|\bQu[e\u00e9]bec\b|\bOntario\b|\bAlberta\b|\b(?:GST|TPS)\b.{0,40}\bRT\s?\d{4}"
    r"|\b(?:HST|TPS|TVQ|QST)\b|\b[ABCEGHJ-NPRSTVXY]\d[A-Z] ?\d[A-Z]\d\b"
)
_DENMARK = r"\bCVR\b|\bDanmark\b|\bDenmark\b|\bDK\s?\d{8}\b|\bFakturadato\b.*\bmoms\b"
_COUNTRIES: dict[str, tuple[tuple[str, str], ...]] = {
    "USD": (
        (_CANADA, "CAD"),
        (r"\bAustralia\b|\bABN\b|\b(?:NSW|VIC|QLD|TAS|ACT) \d{4}\b", "AUD"),
        (r"\bNew Zealand\b|\bAotearoa\b|\bNZBN\b|\.nz\b", "NZD"),
        (r"\bSingapore\b|\bUEN\b", "SGD"),
        (r"\bHong Kong\b", "HKD"),
        (r"\bM\.N\.|\bM[e\u00e9]xico\b|\bCFDI\b|\bRFC\b", "MXN"),
        (r"\bChile\b", "CLP"), (r"\bColombia\b", "COP"), (r"\bArgentina\b|\bCUIT\b", "ARS"),
    ),
    "SEK": (
        (_DENMARK, "DKK"),
        (r"\bMVA\b|\bNorge\b|\bNorway\b|\bKID\b|\bForetaksregisteret\b", "NOK"),
        (r"\bkennitala\b|\bkt\.\s?\d{6}|\bVSK\b", "ISK"),
        (r"\bMomsreg|\bSverige\b|\bSweden\b|\bBankgiro\b|\bPlusgiro\b|[\u00e4\u00c4]", "SEK"),
        (r"\u00f8|\u00e6", "DKK"),
    ),
    "JPY": ((r"[\u3040-\u30ff\u5186]", "JPY"), (r"\bRMB\b|\u5143|\u53d1\u7968|\bChina\b", "CNY")),
}  # fmt: skip


def currencies(text: str, whole: str = "") -> Iterator[Found]:
    """Codes with their places; `whole` is the document, if `text` is only a part of it."""
    for match in _CURRENCY.finditer(text):
        word = (match["word"] or "").lower()
        code = match["code"] or _WORDS.get(word) or _WORDS.get(word.removesuffix("s"))
        if match["symbol"]:
            code = _SYMBOLS[match["symbol"]]
            bare = match["symbol"] in ("$", "\u00a5", "\uffe5")
            code = _of_country(code, whole or text) if bare else code
        elif match["near"]:
            bare_word = match["near"].strip()
            code = next(code for way, code in _SHORT if re.fullmatch(way, bare_word))
            code = _of_country(code, whole or text)
        if code:
            yield Found(code, match.start(), match.end())


@lru_cache(maxsize=256)
def _of_country(code: str, text: str) -> str:
    ways = _COUNTRIES.get(code, ())
    return next((known for way, known in ways if re.search(way, text[:20_000], re.S)), code)
