"""Arithmetic that must hold inside an invoice, with complaints that a model can act on.

A sum that does not hold is a reason to look again, not a proof of a wrong reading: paper can be
wrong too.
"""

from __future__ import annotations

from decimal import Decimal

from stage2_extractor.records import Invoice

CENT = Decimal("0.01")


def complaints(invoice: Invoice) -> list[str]:
    """One sentence a broken sum; empty when all that can be checked holds."""
    return [*_lines(invoice), *_total(invoice)]


def _lines(invoice: Invoice) -> list[str]:
    """The rows must add up to the subtotal, before or after discount, or to the total with tax."""
    amounts = [line.amount for line in invoice.lines]
    if not amounts or None in amounts:
        return []
    summed = sum((amount for amount in amounts if amount is not None), Decimal(0))
    discount = abs(invoice.discount or Decimal(0))
    stated = {"subtotal": invoice.subtotal, "total": invoice.total}
    sums = {name: value for name, value in stated.items() if value is not None}
    for value in sums.values():
        for before_discount in (value, value + discount):
            if _near(summed, before_discount, len(amounts)):
                return []
    if not sums:
        return []
    told = " and ".join(f"{name} is {value}" for name, value in sums.items())
    return [
        f"the {len(amounts)} amounts in lines add up to {summed}, but {told}: a line is missing, "
        "counted twice or misread, or a sum was taken from the wrong place"
    ]


def _total(invoice: Invoice) -> list[str]:
    """Subtotal and tax make the total; where tax is included, subtotal and total are the same."""
    subtotal, tax, total = invoice.subtotal, invoice.tax, invoice.total
    if subtotal is None or tax is None or total is None:
        return []
    if _near(subtotal + tax, total) or _near(subtotal, total):
        return []
    return [
        f"subtotal {subtotal} and tax {tax} make {subtotal + tax}, but total is {total}: one of "
        "the three was misread or taken from the wrong place"
    ]


def _near(one: Decimal, other: Decimal, roundings: int = 1) -> bool:
    """Equal up to rounding: half a cent an amount, at least two cents.

    A total in whole units (`28,239.00`) may have been rounded to them, as several countries do.
    """
    whole = Decimal("0.5") if other == other.to_integral_value() else Decimal(0)
    return abs(one - other) <= max(2 * CENT, roundings * CENT / 2, whole)
