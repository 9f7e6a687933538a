"""What the calculator's grammar means: one method a rule, over fractions and quantities of them.

Every value is bounded as it is made, and a power before it is. Left out: parsing, and how a value
is written (`calculator`).
"""

from __future__ import annotations

import math
from decimal import Context, Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

from lark import Token
from lark.visitors import Transformer_NonRecursive, v_args

from stage4_agent.contract import ToolFailure

MAX_BITS = 4_096  # of a numerator or denominator: 1,200 digits, more than anything here needs
_CURRENCIES = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"}
_CODES = ("USD", "EUR", "GBP", "JPY", "CHF", "CNY", "INR", "CAD", "AUD", "SEK")


class Percent(Fraction):
    """A fraction that was written with %; after + or - it is a share of the left side."""


@v_args(inline=True)
class Machine(Transformer_NonRecursive):  # type: ignore[type-arg]
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
        return value / 100 if is_quantity(value) else Percent(value / 100)

    def of(self, share: Any, _sign: Token, whole: Any) -> Any:
        return _bounded(plain(share) / 100 * plain(whole))

    def add(self, a: Any, b: Any) -> Any:
        return self._sum(a, b, 1)

    def sub(self, a: Any, b: Any) -> Any:
        return self._sum(a, b, -1)

    def _sum(self, a: Any, b: Any, sign: int) -> Any:
        if isinstance(b, Percent) and not isinstance(a, Percent):
            return _bounded(plain(a) * (1 + sign * Fraction(b)))
        return _bounded(plain(a) + sign * plain(b))

    def mul(self, a: Any, *rest: Any) -> Any:
        return _bounded(plain(a) * plain(rest[-1]))

    def div(self, a: Any, b: Any) -> Any:
        found = plain(a) / plain(b)
        same = is_quantity(found) and found.dimensionless  # 3 kg / 200 g is 15
        return _bounded(Fraction(found.to_base_units().magnitude) if same else found)

    def floordiv(self, a: Any, b: Any) -> Any:
        found = plain(a) // plain(b)  # of two fractions it is an int, whose powers can be floats
        return _bounded(found if is_quantity(found) else Fraction(found))

    def mod(self, a: Any, *rest: Any) -> Any:
        return _bounded(plain(a) % plain(rest[-1]))

    def neg(self, a: Any) -> Any:
        return Percent(-a) if isinstance(a, Percent) else -a

    def power(self, base: Any, exponent: Any) -> Any:
        base, exponent = plain(base), _pure(exponent)
        if exponent.denominator != 1:
            return self._root(_pure(base), exponent)
        number = base.magnitude if is_quantity(base) else base
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
        values = [plain(value) for value in given]
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
    number = value.magnitude if is_quantity(value) else value
    scaled = abs(number) * Fraction(10) ** int(places)
    whole = Fraction(math.floor(scaled + Fraction(1, 2))) / Fraction(10) ** int(places)
    rounded = whole if number >= 0 else -whole
    return rounded * value.units if is_quantity(value) else rounded


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
    number = value.magnitude if is_quantity(value) else value
    whole = Fraction(number)
    if max(whole.numerator.bit_length(), whole.denominator.bit_length()) > MAX_BITS:
        raise ToolFailure("the numbers get too large to be written out: use smaller ones")
    return value


def plain(value: Any) -> Any:
    return Fraction(value) if isinstance(value, Percent) else value


def _pure(value: Any) -> Fraction:
    value = plain(value)
    if is_quantity(value):
        if value.dimensionless:
            return Fraction(value.to_base_units().magnitude)
        raise ToolFailure(f"a number without a unit is needed, not {value.units:~}")
    return Fraction(value)


def _decimal(value: Fraction) -> Decimal:
    return Context(prec=80).divide(Decimal(value.numerator), Decimal(value.denominator))


def is_quantity(value: Any) -> bool:
    return hasattr(value, "magnitude")


@lru_cache(maxsize=1)
def _units() -> Any:
    """Read only when an expression has a unit: it takes a second."""
    from pint import UnitRegistry

    registry: Any = UnitRegistry(non_int_type=Fraction, autoconvert_offset_to_baseunit=False)
    for code in _CODES:
        registry.define(f"{code} = [money_{code}]")
    return registry
