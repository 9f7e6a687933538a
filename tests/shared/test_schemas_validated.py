"""From a reply to a record: whatever is wrong with it, the error carries what was paid."""

from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from shared.errors import InvalidOutput, Refused, Truncated
from shared.messages import Reply, Usage
from shared.schemas import validated


class Money(BaseModel):
    amount: float = Field(ge=0, description="In whole units")
    currency: Literal["EUR", "USD"]


def paid(text: str, **more: Any) -> Reply:
    return Reply(**({"text": text, "stop": "end", "usage": Usage(5, 5)} | more))


def test_a_good_reply_becomes_the_record() -> None:
    assert validated(paid('{"amount": 2, "currency": "EUR"}'), Money) == Money(
        amount=2, currency="EUR"
    )


@pytest.mark.parametrize(
    ("reply", "error", "told"),
    [
        (paid("", stop="refusal", refusal="I won't."), Refused, "I won't"),
        (paid('{"amount": 2', stop="length"), Truncated, "max_tokens"),
        (paid('{"amount": 2, "currency": "EUR"}', stop="length"), Truncated, "max_tokens"),
        (paid("", stop="context_full"), Truncated, "token limit"),
        (paid('{"amount": '), InvalidOutput, "Invalid JSON"),
        (paid(""), InvalidOutput, "Invalid JSON"),
        (paid("Sure! Here it is: {}"), InvalidOutput, "Invalid JSON"),
        (paid('{"amount": -1, "currency": "EUR"}'), InvalidOutput, "amount: .*greater than"),
        (paid('{"amount": 1, "currency": "CHF"}'), InvalidOutput, "currency: .*'EUR' or 'USD'"),
        (paid('{"currency": "EUR"}'), InvalidOutput, "amount: Field required"),
        (paid("[1]"), InvalidOutput, "the answer: "),
    ],
)
def test_a_bad_reply_is_an_error_that_carries_what_was_paid(
    reply: Reply, error: type[InvalidOutput], told: str
) -> None:
    with pytest.raises(error, match=told) as caught:
        validated(reply, Money)
    assert caught.value.reply is reply
