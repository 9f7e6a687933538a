"""Redaction: what must go, what must stay, and that hostile text costs no more than its length.

Card and IBAN numbers are the ones that networks and the IBAN registry publish as examples.
"""

from __future__ import annotations

import base64
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.redaction import Redactor, redact
from shared.redaction_rules import iban_checks, luhn

SECRETS = [
    "sk-ant-api03-Zm9vYmFyYmF6cXV4LXRoaXMtaXMtbm90LXJlYWw",
    "sk-proj-abcDEF123456ghiJKL7890",
    "sk-abcdefghijklmnop12345678",
    "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz",
    "AKIAIOSFODNN7EXAMPLE",
    "xoxb-123456789012-abcdefghijkl",
    "glpat-abcdefghij0123456789",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
]
AROUND = [
    "{}",
    "before {} after",
    "({}).",
    "key={};",
    "'{}'",
    "\\n{}\\n",
    "https://x.test/?k={}&z=1",
    "x%3D{}",
]
PERSONAL = {
    "[email]": ["ann.o'neil+x@mail.example.co.uk", "müller@bücher.example", "qq@163.com"],
    "[card]": [
        "4111111111111111",
        "4111 1111 1111 1111",
        "5555-5555-5555-4444",
        "378282246310005",
        "30569309025904",
        "6011111111111117",
        "3530111333300000",
    ],
    "[iban]": [
        "DE89370400440532013000",
        "DE89 3704 0044 0532 0130 00",
        "GB29 NWBK 6016 1331 9268 19",
        "NO93 8601 1117 947",
        "MT84MALT011000012345MTLCAST001S",
        "fr1420041010050500013m02606",
    ],
    "[ssn]": ["078-05-1120"],
    "[ip]": ["203.0.113.9", "192.168.1.7", "2001:db8::ff00:42:8329", "fe80::1"],
    "[phone]": [
        "+1 (415) 555-2671",
        "415-555-2671",
        "(415) 555-2671",
        "+49 30 901820",
        "+442079460958",
        "020 7946 0958",
        "01 23 45 67 89",
        "030/901820",
    ],
}
HARMLESS = """order 4500012345, #112-1234567-1234567, ORD-2026-000123, INV-0001-2345
2026-11-21T10:30:00.123456+01:00, 21.11.2026, 11/21/2026, 12:34:56, 1763700000123456789
v1.2.3.4, version 10.0.0.1, requests==2.34.2, react@18.2.0, Chrome/131.0.0.0 Safari/537.36
da39a3ee5e6b4b0d3255bfef95601890afd80709
e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
550e8400-e29b-41d4-a716-446655440000
$1,234.56, 1.234.567,89 EUR, +1.234.567.890, -12.50, 0.5555555555555556
max_tokens=1024, "output_tokens": 532, def f(token: str, password: str = None)
get_user_by_id(user_id), std::vector<int>, a[1::2], x[::-1], numpy.float64, __init__.py
http://127.0.0.1:9100/v1, http://localhost:4318/v1/traces, ::1, 0.0.0.0, git@github.com:org/repo
api_key=os.environ["OPENAI_API_KEY"], password: ${DB_PASSWORD}, token = getenv("TOKEN")
task-20261121-000000000012, risk-or-reward-tradeoff, sk-learn-compatible-estimators
the secret: patience; Basic understanding of tokens; the bearer of news; token: word
4111 1111 1111 1112, DE88 3704 0044 0532 0130 00, 000-12-3456, 300.300.300.300
claude-opus-4-5-20251101, gpt-5.2-2025-12-11, offline-small, text-embedding-3-small
100 200 3000, 1 000 000 000, 3/4, 10:1, p. 12-15, 1e-12, 0x1F, #ff00aa"""


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("around", AROUND)
def test_a_key_goes_wherever_it_stands(secret: str, around: str) -> None:
    clean = redact(around.format(secret))
    assert secret not in clean
    assert "[secret]" in clean


@pytest.mark.parametrize(("kind", "text"), [(k, t) for k, ts in PERSONAL.items() for t in ts])
def test_personal_data_becomes_its_kind(kind: str, text: str) -> None:
    assert redact(f"It is {text}, noted.") == f"It is {kind}, noted."
    assert redact(text) == kind


@pytest.mark.parametrize("line", HARMLESS.splitlines())
def test_what_only_looks_alike_stays(line: str) -> None:
    assert redact(line) == line


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("password=hunter2, next", "password=[secret], next"),
        ('password = "correct horse", next', 'password = "[secret]", next'),
        ("password: hunter2", "password: [secret]"),
        ("OPENAI_API_KEY=abc", "OPENAI_API_KEY=[secret]"),
        ('{\\"password\\": \\"hunter2\\"}', '{\\"password\\": \\"[secret]\\"}'),
        ("Authorization: Bearer abc", "Authorization: [secret]"),
        ("curl -H 'x-api-key: abc' u", "curl -H 'x-api-key: [secret]' u"),
        ("(b'authorization', b'Basic Zm9v')", "(b'authorization', b'[secret]')"),
        ("Cookie: session=1", "Cookie: [secret]"),
        ("got bearer abc123def456", "got bearer [secret]"),
        ("postgres://bob:pw@db:5432/x", "postgres://[secret]@db:5432/x"),
        ("postgres://bob:p@s/s@db/x", "postgres://[secret]@db/x"),
        ("https://host:8080/@name", "https://host:8080/@name"),
        ("tel: 555 0199 22", "tel: [phone]"),
        ("pay 12 4111 1111 1111 1111 now", "pay 12 [card] now"),
        ("IBAN GB82WEST12345698765432 AND MORE", "IBAN [iban] AND MORE"),
    ],
)
def test_only_the_private_part_goes(text: str, clean: str) -> None:
    assert redact(text) == clean


def test_a_private_key_goes_whole_and_what_follows_stays() -> None:
    body = base64.b64encode(bytes(range(200))).decode()
    for kind in ("", "RSA ", "OPENSSH ", "ENCRYPTED "):
        key = f"-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----"
        assert redact(f"a {key} b") == "a [secret] b"
        assert body[:40] not in redact(f"cut off: {key[:120]}")


def test_known_values_go_in_every_form_they_are_written_in() -> None:
    known = 'pä"ss\\wörd/+ 1'
    forms = [known, json.dumps(known), repr(known), "p%C3%A4%22ss%5Cw%C3%B6rd%2F%2B%201"]
    for form in forms:
        assert "ss" not in redact(f"x {form} y", [known])
    assert redact("a longer-secret-value", ["longer-secret", "longer-secret-value"]) == "a [secret]"
    assert redact("ollama runs", ["ollama"]) == "ollama runs"  # too short to be torn out of words


def test_nested_data_is_redacted_by_value_and_by_name() -> None:
    data = {
        "password": "x",
        "deep": [{"api_key": "y", "n": 4111111111111111, "ok": 4500012345}],
        "json": json.dumps({"note": "line\njohn@example.com", "token": "z"}),
        "max_tokens": 5,
        "on": True,
        "none": None,
    }
    clean = Redactor().value(data)
    assert clean["password"] == clean["deep"][0]["api_key"] == "[secret]"
    assert clean["deep"][0]["n"] == "[card]"
    assert clean["deep"][0]["ok"] == 4500012345
    assert json.loads(clean["json"]) == {"note": "line\n[email]", "token": "[secret]"}
    assert (clean["max_tokens"], clean["on"], clean["none"]) == (5, True, None)


def test_a_json_text_without_anything_private_stays_to_the_letter() -> None:
    text = '{"b":1,  "a": [1.50, "é"]}'
    assert Redactor().value(text) == text
    assert "hunter2" not in Redactor().value('{"password": "hunter2", "password": "[secret]"}')
    assert Redactor().value("[" * 100_000) == "[" * 100_000


_joints = ["password=", "Bearer ", "://", "@", ":", "-", ".", "+", " ", '"', "\\n", "%3D", "["]
_personal = [text for texts in PERSONAL.values() for text in texts]
_pieces = st.sampled_from([*SECRETS, *_personal, *HARMLESS.split(), *_joints])
_hostile = st.lists(_pieces | st.text(max_size=4), max_size=14).map("".join)


@given(_hostile)
@settings(max_examples=400, deadline=None)
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redact(text, ["known-secret"])
    assert redact(once, ["known-secret"]) == once


@given(_hostile, st.sampled_from(SECRETS[:1]), _hostile)
@settings(max_examples=200, deadline=None)
def test_a_known_value_never_survives(before: str, secret: str, after: str) -> None:
    assert secret not in redact(before + secret + after, [secret])


@given(st.integers(10**11, 10**18))
def test_luhn_finds_every_single_wrong_digit(number: int) -> None:
    checked = next(f"{number}{d}" for d in range(10) if luhn(f"{number}{d}"))
    for place in range(len(checked)):
        other = str((int(checked[place]) + 1) % 10)
        assert not luhn(checked[:place] + other + checked[place + 1 :])


def test_iban_checksum_refuses_a_swap() -> None:
    assert iban_checks("GB82WEST12345698765432")
    assert not iban_checks("GB82WEST12345698765423")


HOSTILE = [
    *("a", "1", " ", "-", '"', "a@", "a.", "1.", "a:", "x@x.", "://", "://a:b@", "2001:", "4111 "),
    *("-eyJ", "eyJ", "sk-", "sk-a", "+1 (", "DE89 3704 ", "%40", "\\n4", "[{", "tel: ", "token="),
    *(
        'password="',
        "password='\"",
        "bearer ",
        "0171 12",
        "-----BEGIN PRIVATE KEY-----",
        "cookie,'",
    ),
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_text_costs_no_more_than_its_length(unit: str) -> None:
    """A quadratic pattern would take 64 times as long for 8 times the text, a linear one 8."""
    redactor = Redactor()

    def cost(size: int) -> float:
        text = (unit * (size // len(unit) + 1))[:size]
        began = time.thread_time()
        redactor.text(text)
        return time.thread_time() - began

    small = max(min(cost(125_000) for _ in range(2)), 0.002)
    assert cost(1_000_000) / small < 24
