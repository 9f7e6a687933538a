"""The calculator against exact arithmetic of Python's own, and what it must refuse."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stage4_agent.contract import ToolFailure
from stage4_agent.tools.calculator import LONGEST, calculator, evaluate, written

Value = Fraction | None  # None: it has no value, such as a division by zero


@st.composite
def numbers(draw: st.DrawFn) -> tuple[str, Value]:
    """Numbers as written, with the value that `decimal` reads."""
    whole = draw(st.integers(0, 10**9))
    places = draw(st.integers(0, 6))
    digits = f"{draw(st.integers(0, 10**places - 1)):0{places}d}" if places else ""
    text = f"{whole}.{digits}" if digits else f"{whole}"
    grouped = draw(st.booleans()) and whole >= 1000 and not digits
    return (f"{whole:,}" if grouped else text), Fraction(Decimal(text))


def joined(parts: st.SearchStrategy[tuple[str, Value]]) -> st.SearchStrategy[tuple[str, Value]]:
    binary = st.tuples(parts, st.sampled_from(["+", "-", "*", "/", "//", " mod "]), parts).map(both)
    power = st.tuples(parts, st.integers(-3, 3)).map(raised)
    signed = parts.map(lambda one: (f"-({one[0]})", None if one[1] is None else -one[1]))
    return st.one_of(binary, binary, binary, power, signed)


def both(pair: tuple[tuple[str, Value], str, tuple[str, Value]]) -> tuple[str, Value]:
    (one, a), sign, (other, b) = pair
    text = f"({one}) {sign} ({other})"
    if a is None or b is None or (b == 0 and sign not in "+-*"):
        return text, None
    made: dict[str, Any] = {
        "+": lambda: a + b,
        "-": lambda: a - b,
        "*": lambda: a * b,
        "/": lambda: a / b,
        "//": lambda: Fraction(a // b),
        " mod ": lambda: a % b,
    }
    return text, made[sign]()


def raised(pair: tuple[tuple[str, Value], int]) -> tuple[str, Value]:
    (one, a), n = pair
    value = None if a is None or (a == 0 and n < 0) else a**n
    return f"({one}) ** {n}" if n >= 0 else f"({one}) ** ({n})", value


@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.recursive(numbers(), joined, max_leaves=6))
def test_agrees_with_exact_arithmetic(made: tuple[str, Value]) -> None:
    text, expected = made
    if len(text) > LONGEST:
        return
    if expected is None:
        with pytest.raises(ToolFailure):
            evaluate(text)
        return
    value, approximate = evaluate(text)
    assert not approximate
    assert value == expected
    shown, exact = written(value)
    if exact:
        assert Fraction(Decimal(shown)) == expected
    else:
        assert abs(Fraction(Decimal(shown)) - expected) <= abs(expected) * Fraction(1, 10**14)


@settings(max_examples=2_000, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_a_value_or_a_sentence(text: str) -> None:
    try:
        value, _ = evaluate(text)
    except ToolFailure as failure:
        value = str(failure)
    assert value is not None
    assert "Traceback" not in str(value)


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("0.1 + 0.2", "0.3"),
        ("1/3*3", "1"),
        ("-2**2", "-4"),
        ("2**3**2", "512"),
        ("10 - 2 - 3", "5"),
        ("15% of 80", "12"),
        ("200 + 10%", "220"),
        ("200 - 10%", "180"),
        ("50% + 25%", "0.75"),
        ("200 * 10%", "20"),
        ("7 % 3", "1"),
        ("-7 % 3", "2"),
        ("1,234.5 * 2", "2469"),
        ("sqrt(16)", "4"),
        ("27 ** (1/3)", "3"),
        ("round(2.345, 2)", "2.35"),
        ("round(-2.5)", "-3"),
        ("max(1, 5, 3) + min(2, 1)", "6"),
        ("avg(1, 2, 6)", "3"),
        ("3 \u00d7 4 \u00f7 2 \u2212 1", "5"),
        ("2^10", "1024"),
        ("1e3 + 1", "1001"),
    ],
)
def test_known_values(expression: str, result: str) -> None:
    assert written(evaluate(expression)[0]) == (result, True)


@pytest.mark.parametrize(
    "expression",
    [
        "", "hello", "__import__('os').system('id')", "9**9**9", "2**100000", "10**(10**10)",
        "1/0", "0**-1", "(1+2", "1+2)", "2(3)", "1 2", "1,23 + 4", "x + 1", "1 if 1 else 2",
        "lambda: 1", "max(1,200)", "sqrt(0-4)", "1e9999999", "factorial(10)", "(" * 400, "[1,2]",
        "'a' * 10", "5; 6", "1 == 1", "sqrt()", "round(1, 2, 3)", "round(1.5, 0.5)", "0x10",
        "1_000",
        "+".join(["1"] * 400), "99999999999999999999 ** 99",
    ],
)  # fmt: skip
def test_everything_else_is_refused_with_a_sentence(expression: str) -> None:
    with pytest.raises(ToolFailure) as failure:
        evaluate(expression)
    assert len(str(failure.value).split()) > 3


@pytest.mark.parametrize(
    ("expression", "result", "unit"),
    [
        ("3 kg + 200 g", "3.2", "kg"),
        ("5 km to m", "5000", "m"),
        ("100 km / 2 h", "50", "km / h"),
        ("$5 * 3", "15", "USD"),
        ("$200 + 10%", "220", "USD"),
        ("3 kg / 200 g", "15", ""),
    ],
)
async def test_units_are_kept(expression: str, result: str, unit: str) -> None:
    found = await calculator().run({"expression": expression}, "")
    assert (found["result"], found.get("unit", ""), found["exact"]) == (result, unit, True)


@pytest.mark.parametrize("expression", ["3 kg + 2 m", "$5 + 3 EUR", "5 USD to EUR", "2 ** (3 kg)"])
def test_units_that_do_not_go_together_are_refused(expression: str) -> None:
    with pytest.raises(ToolFailure, match=r"unit"):
        evaluate(expression)


def test_a_root_says_that_it_is_not_exact() -> None:
    value, approximate = evaluate("sqrt(2)")
    assert approximate
    assert written(value)[0].startswith("1.414213562373")
