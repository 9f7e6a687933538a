"""What counts as a secret or as personal data: one rule a kind, in the order they are tried.

A rule is a pattern and, where a pattern alone would be wrong too often, a check: Luhn for a card,
ISO 7064 for an IBAN, a country's length, an address that is a host and not a version number.
Names of people, street addresses and bare account numbers are left out: they need a model.
Every pattern either has bounded repeats or takes all of what it scanned, so time is linear.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

SECRET = "[secret]"  # noqa: S105 (the placeholder, not a secret)

# Nothing that belongs to the same word before it; an escape such as \n or %3D does not belong.
START = r"(?:(?<![^\W_])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2}))"
SPACE = " \u00a0\u202f"
DASH = "\\-\u2010-\u2013"

# From the IBAN registry: length of the whole number by country.
_IBAN_LENGTHS = """15 NO 16 BE 18 DK FI FK FO GL NL SD 19 MK SI 20 AT BA EE KZ LT LU MN XK
21 CH HR LI LV 22 BG BH CR DE GB GE IE ME RS VA 23 AE GI IL IQ OM SO TL
24 AD CZ ES MD PK RO SA SE SK TN VG 25 LY PT ST 26 IS TR 27 BI DJ FR GR IT MC MR SM
28 AL AZ BY CY DO GT HN HU LB NI PL SV 29 BR EG PS QA UA 30 JO KW MU YE 31 MT SC 32 LC 33 RU"""

Check = Callable[["re.Match[str]"], tuple[int, int] | None]


def _whole(match: re.Match[str]) -> tuple[int, int] | None:
    return match.span()


@dataclass(frozen=True, slots=True)
class Rule:
    """`check` gives the part to replace, or None.

    `hint` is a cheap pattern: lower-cased text without it holds no match. It makes usual text ten
    times faster. `rescan`: a refused run may hold a match, so look again one character on.
    """

    placeholder: str
    pattern: str
    check: Check = _whole
    hint: str = ""
    rescan: bool = False

    def replace(self, text: str, pattern: re.Pattern[str]) -> str:
        kept: list[str] = []
        done = position = 0
        while match := pattern.search(text, position):
            part = self.check(match)
            if part:
                kept += text[done : part[0]], self.placeholder
                done = position = part[1]
            else:
                position = match.start() + 1 if self.rescan else match.end()
        return "".join([*kept, text[done:]]) if kept else text


# --- secrets -------------------------------------------------------------------------------------
_STRONG = r"""pass(?:word|wd|phrase)|pwd|authorization|(?:set-)?cookie
    |(?:api|access|secret|private|account|shared|auth)[_-]?key|client[_-]?secret"""
_WEAK = r"token|secret|credentials?"  # also plain words, so the value must look like a secret
NAMED_SECRET = rf"(?ix)(?:{_STRONG}|{_WEAK})\Z"

_PAIR = rf"""(?ix)(?:(?P<strong>{_STRONG})|{_WEAK})\\?["']?\s{{0,4}}
    (?:=>|:=|={{1,2}}|:|,(?=\s{{0,4}}b?\\?["']))\s{{0,4}}(?:b(?=["']))?
    (?P<value>\\?"[^"\r\n]*+"?|\\?'[^'\r\n]*+'?
    |(?:(?:bearer|basic|token|digest)\s{{1,4}})?[^\s"'<>&]++)"""
_CODE = re.compile(
    r"(?:(?:str|int|bool|bytes|none|null|nil|undefined|true|false|secretstr|any|optional\[\w+)\Z"
    r"|os\.(?:environ|getenv)|getenv\(|process\.env|\$\{|\$[A-Z_]+\Z|\[(?:secret|email)|\.\.\.\Z)",
    re.IGNORECASE,
)


def _looks_random(value: str) -> bool:
    return len(value) >= 20 or (len(value) >= 6 and any(c.isdigit() or c in "=/+" for c in value))


def _pair(match: re.Match[str]) -> tuple[int, int] | None:
    """The value without its quotes and without the punctuation that closes it in code or prose."""
    value = match["value"]
    body = value.lstrip("\\\"'")
    start = match.start("value") + len(value) - len(body)
    body = body.rstrip("\\\"'") if body != value else body.rstrip("\\,;)]}.")
    if not body or _CODE.match(body) or not (match["strong"] or _looks_random(body)):
        return None
    return start, start + len(body)


def _url_user(match: re.Match[str]) -> tuple[int, int] | None:
    """`user:password`, up to the last @, since people leave / and @ in passwords unescaped."""
    user = match[1].rpartition("@")[0]
    authority = re.split(r"[/?#]", match[1], maxsplit=1)[0]
    port = authority.rpartition(":")[2]
    if (
        ":" not in authority
        or not user
        or ("@" not in authority and (port.isdigit() or "]" in port))
    ):
        return None
    return match.start(1), match.start(1) + len(user)


def _jwt(match: re.Match[str]) -> tuple[int, int] | None:
    return match.span() if "." in match[0] else None


def _scheme(match: re.Match[str]) -> tuple[int, int] | None:
    return match.span(1) if _looks_random(match[1]) else None


_TOKEN = (
    START + r"(?:sk-(?:ant|proj|svcacct|admin|or|lf)-[A-Za-z0-9_-]{8,}"
    r"|sk-(?=[A-Za-z_-]{0,40}[0-9])[A-Za-z0-9_-]{16,}|[rs]k_(?:live|test)_[A-Za-z0-9]{10,}"
    r"|AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{20,}"
    r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])|xox[abeprs]-[A-Za-z0-9-]{10,}"
    r"|(?:hf|gsk|npm)_[A-Za-z0-9]{30,}|(?:xai|pplx)-[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{50,})"
)
_SCHEME = r"(?i)\b(?:bearer|basic)(?:\s{1,4}|%20)([A-Za-z0-9._~+/=-]{8,})"
_PEM = (
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----[^-]*+(?:-(?!----)[^-]*+)*+"
    r"(?:-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----)?"
)

# --- personal data -------------------------------------------------------------------------------
_EMAIL = (
    r"(?<![\w.+-])(?!git@)[\w.+-]++(?:'[\w.+-]{1,64}+)?(?:@|%40)"
    r"(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}"
)
_IBAN = rf"{START}[A-Za-z]{{2}}[0-9]{{2}}(?:[{SPACE}{DASH}]?[A-Za-z0-9]){{11,29}}"
_CARD = rf"{START}(?<![0-9][.{DASH}])[2-6][0-9]{{3}}(?:[{SPACE}{DASH}]?[0-9]){{9,15}}(?!\w|\.[0-9])"
_SSN = rf"{START}(?<![0-9]-)(?!000|666|9)[0-9]{{3}}-(?!00)[0-9]{{2}}-(?!0000)[0-9]{{4}}(?![\w-])"
_IP4 = r"(?<![0-9]\.)" + START + r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?!\w|\.[0-9])"
_IP6 = (
    r"(?i)(?<![:.])"
    + START
    + r"[23f][0-9a-f]{3}(?::{1,2}[0-9a-f]{1,4}){1,7}(?:::)?(?!\w|:[0-9a-f:])"
)
_NUMBERED = re.compile(
    r"(?i)(?:version|release|build|section|chapter|clause|[<>=~^]=?|§)[\s:]{0,2}\Z"
)

_PHONE = rf"""(?ix){START}(?:
    (?P<world>(?:\+|(?<![0-9][ ])00(?=[1-9][0-9][ ]))
        [1-9](?:[{SPACE}{DASH}.()/]{{0,3}}[0-9]){{7,14}}(?![0-9]))
    |(?P<us>(?<![0-9][.-])(?:1[ .-])?(?:\([2-9][0-9]{{2}}\)\ ?|[2-9][0-9]{{2}}[.-])
        [2-9][0-9]{{2}}[.-][0-9]{{4}}(?!\w|[.-][0-9]))
    |(?P<france>0[1-9](?:[ .][0-9]{{2}}){{4}}(?!\w|[ .][0-9]))
    |(?P<trunk>(?<![0-9][ /])0[1-9][0-9]{{1,3}}[ /][0-9]{{3,8}}(?:[ ][0-9]{{2,6}}){{0,2}}
        (?![\w/-]|[ ][0-9]))
    |(?:tel|telephone|telefon|phone|mobile|fax|whatsapp)(?:[ _-]?(?:number|no|nr))?\b\\?["']?
        [.:=# ]{{0,4}}\\?["']?(?P<told>[0-9(+][0-9 ().{DASH}/]{{5,18}}[0-9](?![0-9])))"""


def luhn(digits: str) -> bool:
    """ISO/IEC 7812: from the right every second digit doubled, digit sums divisible by ten."""
    doubled = (sum(divmod(2 * int(d), 10)) for d in digits[-2::-2])
    return (sum(map(int, digits[::-2])) + sum(doubled)) % 10 == 0


def iban_checks(iban: str) -> bool:
    """ISO 7064 mod 97-10 over the number with its first four characters moved to the end."""
    return int("".join(str(int(c, 36)) for c in iban[4:] + iban[:4])) % 97 == 1


def _card_length(digits: str) -> bool:
    two, four = int(digits[:2]), int(digits[:4])
    if two in (34, 37):
        return len(digits) == 15
    if two in (36, 38) or 300 <= four // 10 <= 305:
        return len(digits) == 14
    if digits[0] == "4":
        return len(digits) in (13, 16, 19)
    if 51 <= two <= 55 or 2221 <= four <= 2720 or 3528 <= four <= 3589:
        return len(digits) == 16
    return two in (50, 56, 57, 58, 60, 62, 64, 65, 67) and 16 <= len(digits) <= 19


def _card(match: re.Match[str]) -> tuple[int, int] | None:
    digits = "".join(c for c in match[0] if c.isdigit())
    return match.span() if _card_length(digits) and luhn(digits) else None


def _iban(match: re.Match[str]) -> tuple[int, int] | None:
    """As many characters as the country's IBAN has, when they end a word and check out."""
    country = re.search(rf"(\d\d)[A-Z\s]*\b{match[0][:2].upper()}\b", _IBAN_LENGTHS)
    places = [i for i, c in enumerate(match[0]) if c.isalnum()]
    length = int(country[1]) if country else len(places) + 1
    if length > len(places):
        return None
    end = places[length - 1] + 1
    iban = "".join(c for c in match[0][:end] if c.isalnum())
    end += match.start()
    word_goes_on = match.string[end : end + 1].isalnum()
    return None if word_goes_on or not iban_checks(iban) else (match.start(), end)


def _host(match: re.Match[str]) -> tuple[int, int] | None:
    """A real address that is no loopback (it names nobody), network number, or version number."""
    from ipaddress import ip_address

    try:
        address = ip_address(match[0])
    except ValueError:
        return None
    before = match.string[max(0, match.start() - 12) : match.start()]
    nobody = address.is_loopback or address.is_unspecified or match[0].endswith(".0.0.0")
    return None if nobody or _NUMBERED.search(before) else match.span()


def _phone(match: re.Match[str]) -> tuple[int, int] | None:
    kind = match.lastgroup or ""
    number = match[kind]
    digits = sum(c.isdigit() for c in number)
    grouped = re.fullmatch(r"\+\d{1,3}(?:[.]\d{3})+", number)  # +1.234.567.890 is an amount
    low, high = {"trunk": (9, 12), "told": (7, 15)}.get(kind, (8, 17))
    return None if grouped or not low <= digits <= high else match.span(kind)


RULES = (
    Rule(SECRET, _PEM, hint="private key"),
    Rule(SECRET, r"://([^\s\"'<>]++)", _url_user, hint="@"),
    Rule(SECRET, _PAIR, _pair, hint="pass|pwd|auth|cookie|key|token|secret|credential"),
    Rule(SECRET, _SCHEME, _scheme, hint="bearer|basic"),
    Rule(SECRET, _TOKEN, hint="(?<![a-z0-9_-])[a-z0-9_-]{14}"),
    Rule(SECRET, r"(?<![\w-])eyJ[\w-]{10,}+(?:\.[\w-]++){0,4}", _jwt, hint="eyj"),
    Rule("[email]", _EMAIL, hint="@|%40"),
    Rule("[iban]", _IBAN, _iban, hint="[a-z]{2}[0-9]{2}", rescan=True),
    Rule("[card]", _CARD, _card, hint="[0-9][^a-z]{12}", rescan=True),
    Rule("[ssn]", _SSN, hint="[0-9]-[0-9]{2}-[0-9]"),
    Rule("[ip]", _IP4, _host, hint=r"\.[0-9]{1,3}\.[0-9]"),
    Rule("[ip]", _IP6, _host, hint="[0-9a-f]:[0-9a-f]{0,4}:"),
    Rule("[phone]", _PHONE, _phone, hint=rf"[0-9](?:[{SPACE}{DASH}.()/]{{0,3}}[0-9]){{6}}"),
)
