"""The records that this stage extracts, and the arithmetic that holds inside them.

Every field may be absent, and absence is a value: `None` says that the document does not state it.
Amounts are as printed, without a change of sign, but for `discount`, which is positive;
`document_type` says which way the money goes.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict

DocumentType = Literal["invoice", "credit_note", "receipt"]
Bucket = Literal["billing", "delivery", "product_fault", "account_access", "how_to"]


class LineItem(BaseModel):
    """One row of what was sold. `amount` is the row's total as printed in the document."""

    model_config = ConfigDict(extra="forbid")

    description: str
    quantity: Decimal | None
    unit_price: Decimal | None
    amount: Decimal | None


class Invoice(BaseModel):
    """An invoice, credit note or receipt. `currency` is an ISO 4217 code, dates are ISO dates.

    `subtotal` is the sum before tax and after discount, `discount` what was taken off the rows,
    `tax` the whole tax, `total` what is to be paid or was paid.
    """

    model_config = ConfigDict(extra="forbid")

    document_type: DocumentType | None
    invoice_number: str | None
    invoice_date: date | None
    due_date: date | None
    seller_name: str | None
    seller_tax_id: str | None
    buyer_name: str | None
    purchase_order: str | None
    currency: str | None
    subtotal: Decimal | None
    discount: Decimal | None
    tax: Decimal | None
    total: Decimal | None
    lines: list[LineItem]


class Ticket(BaseModel):
    """The bucket of a support ticket."""

    model_config = ConfigDict(extra="forbid")

    bucket: Bucket
