"""How an amount of US dollars is written. Amounts are computed elsewhere, in exact decimals."""

from __future__ import annotations

from decimal import Decimal


def money(usd: Decimal | None) -> str:
    """`$0.001234`, `$1.2346`, `$1,234.50`; None, an unknown cost, is `?` and never zero.

    Six decimals below a dollar, more when the amount would otherwise lose its first two digits.
    """
    if usd is None:
        return "?"
    size = abs(usd)
    if not size:
        return "$0.00"
    if size >= 100:
        decimals = 2
    elif size >= 1:
        decimals = 4
    else:
        decimals = max(6, 1 - size.adjusted())
    return f"{'-' if usd < 0 else ''}${size:,.{decimals}f}"


def bill(usd: Decimal) -> str:
    """As `money`, but whole cents from a dollar up: for sums that nobody reads closer."""
    return money(usd) if abs(usd) < 1 else f"{'-' if usd < 0 else ''}${abs(usd):,.2f}"
