"""A calculator that is exact: numbers are fractions, so 0.1 + 0.2 is 0.3 and 1/3*3 is 1.

Parsed by a grammar (`calculator.lark`), never evaluated by Python. Units are kept by `pint`: kg and
g add up, kg and m or two currencies do not. A percentage after + or - is one of the left side, as
on a pocket calculator: 200 + 10% is 220. Left out: variables, trigonometry, exchange rates.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal, DecimalException
from fractions import Fraction
from functools import lru_cache
from importlib.resources import files
from typing import Any

from lark import Lark
from lark.exceptions import UnexpectedInput, VisitError

from stage4_agent.contract import Arguments, Tool, ToolFailure
from stage4_agent.tools.arithmetic import Machine, is_quantity, plain

LONGEST = 500  # characters
DIGITS = 40  # shown; what needs more is rounded and said to be
ROUNDED = 15
_GROUPED = re.compile(r"(?<![\w.])\d{1,3}(?:,\d{3})+(?![\d,])")
_FUNCTION = re.compile(r"\b(?:sqrt|abs|round|floor|ceil|min|max|sum|avg|mean)\s*\(")

DESCRIPTION = """\
Evaluates an arithmetic expression exactly. Operators: + - * / // % ** and parentheses; \
percentages (15% of 80, 200 + 10%); sqrt, abs, round(x, digits), floor, ceil, min, max, sum, avg; \
units (3 kg + 200 g, 5 km to m) and currencies ($5). No variables: put the numbers in."""


def calculator() -> Tool:
    return Tool(
        name="calculator",
        description=DESCRIPTION,
        parameters={
            "type": "object",
            "properties": {
                "expression": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": LONGEST,
                    "description": "e.g. (19.90 * 3) + 15%",
                }
            },
            "required": ["expression"],
        },
        returns={
            "type": "object",
            "properties": {
                "expression": {"type": "string"},
                "result": {"type": "string", "pattern": r"^-?[0-9]"},
                "exact": {"type": "boolean"},
                "unit": {"type": "string"},
            },
            "required": ["expression", "result", "exact"],
            "additionalProperties": False,
        },
        run=_run,
        deadline_s=5,
    )


async def _run(given: Arguments, _key: str) -> dict[str, Any]:
    expression = given["expression"]
    value, approximate = evaluate(expression)
    number, unit = (value.magnitude, f"{value.units:~}") if is_quantity(value) else (value, "")
    shown, exact = written(Fraction(number))
    found: dict[str, Any] = {
        "expression": expression,
        "result": shown,
        "exact": exact and not approximate,
    }
    return found | ({"unit": unit} if unit else {})


def evaluate(expression: str) -> tuple[Any, bool]:
    """The value, a `Fraction` or a quantity of one, and whether a root made it approximate."""
    text = _ungrouped(expression.strip()[: LONGEST + 1].replace("\u2212", "-"))
    if len(text) > LONGEST:
        raise ToolFailure(f"the expression is longer than {LONGEST} characters: split it")
    machine = Machine()
    try:
        return plain(machine.transform(_grammar().parse(text))), machine.approximate
    except UnexpectedInput as error:
        at = max(getattr(error, "column", 1) or 1, 1)
        raise ToolFailure(
            f"not an arithmetic expression at character {at}: {text[at - 1 : at + 14]!r}; write "
            "numbers and + - * / ** ( ) % only, without variables"
        ) from None
    except VisitError as error:
        raise _failure(error.orig_exc) from None


def written(value: Fraction) -> tuple[str, bool]:
    """Plain decimal writing, and whether it is the exact value."""
    sign, number = ("-" if value < 0 else ""), abs(value)
    places = _places(number.denominator)
    if places is not None and places <= DIGITS:
        digits = str(number.numerator * (10**places // number.denominator)).rjust(places + 1, "0")
        if len(digits) <= DIGITS:
            point = f"{digits[:-places]}.{digits[-places:]}" if places else digits
            return sign + point, True
    rounded = Context(prec=ROUNDED).divide(Decimal(number.numerator), Decimal(number.denominator))
    return (
        f"{sign}{rounded:f}" if -20 < rounded.adjusted() < DIGITS else f"{sign}{rounded:E}",
        False,
    )


def _places(denominator: int) -> int | None:
    """Decimal places of 1/denominator; None when it never ends."""
    twos = (denominator & -denominator).bit_length() - 1
    rest, fives = denominator >> twos, 0
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    return max(twos, fives) if rest == 1 else None


def _ungrouped(text: str) -> str:
    """1,234.50 is one number, except where a comma may part the values of a function."""
    if not _GROUPED.search(text):
        return text
    if _FUNCTION.search(text):
        raise ToolFailure("write numbers without commas inside a function: 1200, not 1,200")
    return _GROUPED.sub(lambda match: match[0].replace(",", ""), text)


def _failure(error: Exception) -> ToolFailure:
    """What a person would say of it; `pint` names the units that do not go together."""
    if isinstance(error, ToolFailure):
        return error
    if isinstance(error, ZeroDivisionError):
        return ToolFailure("division by zero has no result")
    if isinstance(error, DecimalException | OverflowError):
        return ToolFailure("the numbers get too large or too small for a root")
    said = " ".join(str(error).split())[:200]
    return ToolFailure(f"the units do not go together: {said}")


@lru_cache(maxsize=1)
def _grammar() -> Lark:
    text = files("stage4_agent.tools").joinpath("calculator.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", lexer="contextual")
