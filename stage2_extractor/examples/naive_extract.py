"""A first attempt at an extractor, written in ten minutes. It looks right and it works.

Examine it with `make compare STAGE=2 MINE='python stage2_extractor/examples/naive_extract.py'`,
then find and mend what the failed checks name. It is wrong on purpose: do not build on it.
"""

# ruff: noqa: T201 (printing is its work)
import json
import sys

from openai import OpenAI

PROMPT = """You extract data from invoices. Answer with JSON only, in this format:

{
  "invoice_number": "...",
  "invoice_date": "YYYY-MM-DD",
  "due_date": "YYYY-MM-DD",
  "seller_name": "...",
  "seller_tax_id": "...",
  "buyer_name": "...",
  "purchase_order": "...",
  "currency": "three-letter code",
  "subtotal": 0.00,
  "discount": 0.00,
  "tax": 0.00,
  "total": 0.00,
  "lines": [{"description": "...", "quantity": 1.0, "unit_price": 0.00, "amount": 0.00}]
}

Use null for what is missing.
"""


def main() -> None:
    text = sys.stdin.read()
    reply = OpenAI().chat.completions.create(
        model="gpt-4.1-mini",
        messages=[
            {"role": "system", "content": PROMPT},
            {"role": "user", "content": f"Extract the data from this invoice:\n\n{text}"},
        ],
    )
    record = json.loads(reply.choices[0].message.content)
    record["document_type"] = "credit_note" if "credit note" in text.lower() else "invoice"
    print(json.dumps(record, indent=2))


if __name__ == "__main__":
    main()
