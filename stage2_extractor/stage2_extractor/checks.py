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
    discount = abs(invoice.discount or 0)
    wanted = {
        name: value + extra
        for name, value in (("subtotal", invoice.subtotal), ("total", invoice.total))
        if value is not None
        for extra in (0, discount)
    }
    sums = [value for value in (invoice.subtotal, invoice.total) if value is not None]
    fits = any(_near(summed, value + extra, len(amounts)) for value in sums for extra in (0, discount))
    if not wanted or fits:
        return []
    stated = " and ".join(
        f"{name} is {value}"
        for name, value in (("subtotal", invoice.subtotal), ("total", invoice.total))
        if value is not None
    )
    return [
        f"the {len(amounts)} amounts in lines add up to {summed}, but {stated}: a line is missing, "
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
        f"subtotal {subtotal} and tax {tax} make {subtotal + tax}, but total is {total}: one of the "
        "three was misread or taken from the wrong place"
    ]


def _near(one: Decimal, other: Decimal, roundings: int = 1) -> bool:
    """Equal up to half a cent of rounding for each amount, at least two cents."""
    return abs(one - other) <= max(2 * CENT, roundings * CENT / 2)
