"""A calculator that is exact: numbers are fractions, so 0.1 + 0.2 is 0.3 and 1/3*3 is 1.

Parsed by a grammar (`calculator.lark`), never evaluated by Python. Units are kept by `pint`: kg and
g add up, kg and m or two currencies do not. A percentage after + or - is one of the left side, as
on a pocket calculator: 200 + 10% is 220. Left out: variables, trigonometry, exchange rates.
"""

from __future__ import annotations

import math
import re
from decimal import Context, Decimal, DecimalException
from fractions import Fraction
from functools import lru_cache
from importlib.resources import files
from typing import Any

from lark import Lark, Token
from lark.exceptions import UnexpectedInput, VisitError
from lark.visitors import Transformer_NonRecursive, v_args

from stage4_agent.contract import Arguments, Tool, ToolFailure

LONGEST = 500  # characters
MAX_BITS = 4_096  # of a numerator or denominator: 1,200 digits, more than anything here needs
DIGITS = 40  # shown; what needs more is rounded and said to be
ROUNDED = 15
_GROUPED = re.compile(r"(?<![\w.])\d{1,3}(?:,\d{3})+(?![\d,])")
_FUNCTION = re.compile(r"\b(?:sqrt|abs|round|floor|ceil|min|max|sum|avg|mean)\s*\(")
_CURRENCIES = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"}
_CODES = ("USD", "EUR", "GBP", "JPY", "CHF", "CNY", "INR", "CAD", "AUD", "SEK")

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
    number, unit = (value.magnitude, f"{value.units:~}") if _is_quantity(value) else (value, "")
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
    machine = _Machine()
    try:
        return _plain(machine.transform(_grammar().parse(text))), machine.approximate
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


class _Percent(Fraction):
    """A fraction that was written with %; after + or - it is a share of the left side."""


@v_args(inline=True)
class _Machine(Transformer_NonRecursive):  # type: ignore[type-arg]
    def __init__(self) -> None:
        super().__init__()
        self.approximate = False

    def number(self, text: Token) -> Fraction:
        found: Fraction = _bounded(Fraction(str(text).rstrip(".")))
        return found

    def quantity(self, text: Token, unit: Any) -> Any:
        return self.number(text) * unit

    def money(self, sign: Token, text: Token) -> Any:
        return self.number(text) * _units()(_CURRENCIES[str(sign)])

    def unit(self, *names: Token) -> Any:
        return 1 * _units()(" / ".join(map(str, names)))

    def converted(self, value: Any, unit: Any = None) -> Any:
        return value if unit is None else value.to(unit.units)

    def percent(self, value: Any, _sign: Token) -> Any:
        return value / 100 if _is_quantity(value) else _Percent(value / 100)

    def of(self, share: Any, _sign: Token, whole: Any) -> Any:
        return _bounded(_plain(share) / 100 * _plain(whole))

    def add(self, a: Any, b: Any) -> Any:
        return self._sum(a, b, 1)

    def sub(self, a: Any, b: Any) -> Any:
        return self._sum(a, b, -1)

    def _sum(self, a: Any, b: Any, sign: int) -> Any:
        if isinstance(b, _Percent) and not isinstance(a, _Percent):
            return _bounded(_plain(a) * (1 + sign * Fraction(b)))
        return _bounded(_plain(a) + sign * _plain(b))

    def mul(self, a: Any, *rest: Any) -> Any:
        return _bounded(_plain(a) * _plain(rest[-1]))

    def div(self, a: Any, b: Any) -> Any:
        found = _plain(a) / _plain(b)
        same = _is_quantity(found) and found.dimensionless  # 3 kg / 200 g is 15
        return _bounded(Fraction(found.to_base_units().magnitude) if same else found)

    def floordiv(self, a: Any, b: Any) -> Any:
        found = _plain(a) // _plain(b)  # of two fractions it is an int, whose powers can be floats
        return _bounded(found if _is_quantity(found) else Fraction(found))

    def mod(self, a: Any, *rest: Any) -> Any:
        return _bounded(_plain(a) % _plain(rest[-1]))

    def neg(self, a: Any) -> Any:
        return _Percent(-a) if isinstance(a, _Percent) else -a

    def power(self, base: Any, exponent: Any) -> Any:
        base, exponent = _plain(base), _pure(exponent)
        if exponent.denominator != 1:
            return self._root(_pure(base), exponent)
        number = base.magnitude if _is_quantity(base) else base
        bits = max(
            Fraction(number).numerator.bit_length(), Fraction(number).denominator.bit_length()
        )
        if abs(exponent) > MAX_BITS or bits * abs(exponent) > MAX_BITS * 2:
            raise ToolFailure("the power is too large to be written out: use a smaller exponent")
        return _bounded(base ** int(exponent))

    def _root(self, base: Fraction, exponent: Fraction) -> Fraction:
        if base < 0:
            raise ToolFailure("a root of a negative number is no real number")
        with_digits = Context(prec=60)
        found = Fraction(with_digits.power(_decimal(base), _decimal(exponent)))
        near = found.limit_denominator(10**9)
        if exponent.denominator <= 64 and _exactly(near, base, exponent):
            return near
        self.approximate = True
        bounded: Fraction = _bounded(found)
        return bounded

    def call(self, name: Token, *given: Any) -> Any:
        values = [_plain(value) for value in given]
        match str(name), len(values):
            case "sqrt", 1:
                return self._root(_pure(values[0]), Fraction(1, 2))
            case "abs", 1:
                return abs(values[0])
            case "floor", 1:
                return Fraction(math.floor(_pure(values[0])))
            case "ceil", 1:
                return Fraction(math.ceil(_pure(values[0])))
            case "round", 1 | 2:
                return _round(*values)
            case "min" | "max" as which, n if n:
                return (min if which == "min" else max)(values)
            case "sum", n if n:
                return _bounded(_added(values))
            case "avg" | "mean", n if n:
                return _bounded(_added(values) / n)
        raise ToolFailure(f"{name} does not take {len(values)} values")


def _round(value: Any, places: Any = Fraction(0)) -> Any:
    """Half away from zero, as people round."""
    places = _pure(places)
    if places.denominator != 1 or not -20 <= places <= 20:
        raise ToolFailure("round(x, digits) takes a whole number of digits from -20 to 20")
    number = value.magnitude if _is_quantity(value) else value
    scaled = abs(number) * Fraction(10) ** int(places)
    whole = Fraction(math.floor(scaled + Fraction(1, 2))) / Fraction(10) ** int(places)
    rounded = whole if number >= 0 else -whole
    return rounded * value.units if _is_quantity(value) else rounded


def _added(values: list[Any]) -> Any:
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total


def _exactly(near: Fraction, base: Fraction, exponent: Fraction) -> bool:
    """Whether near == base**exponent, asked in whole powers of bounded size."""
    up, down = abs(exponent.numerator), exponent.denominator
    if up > 64:
        return False
    whole = near if exponent > 0 or near == 0 else 1 / near
    return whole**down == base**up


def _bounded(value: Any) -> Any:
    number = value.magnitude if _is_quantity(value) else value
    whole = Fraction(number)
    if max(whole.numerator.bit_length(), whole.denominator.bit_length()) > MAX_BITS:
        raise ToolFailure("the numbers get too large to be written out: use smaller ones")
    return value


def _plain(value: Any) -> Any:
    return Fraction(value) if isinstance(value, _Percent) else value


def _pure(value: Any) -> Fraction:
    value = _plain(value)
    if _is_quantity(value):
        if value.dimensionless:
            return Fraction(value.to_base_units().magnitude)
        raise ToolFailure(f"a number without a unit is needed, not {value.units:~}")
    return Fraction(value)


def _decimal(value: Fraction) -> Decimal:
    return Context(prec=80).divide(Decimal(value.numerator), Decimal(value.denominator))


def _is_quantity(value: Any) -> bool:
    return hasattr(value, "magnitude")


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


@lru_cache(maxsize=1)
def _units() -> Any:
    """Read only when an expression has a unit: it takes a second."""
    from pint import UnitRegistry

    registry: Any = UnitRegistry(non_int_type=Fraction, autoconvert_offset_to_baseunit=False)
    for code in _CODES:
        registry.define(f"{code} = [money_{code}]")
    return registry
