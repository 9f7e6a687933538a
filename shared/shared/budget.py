"""A limit on money: refuses before a call that could break it, records after the call.

It guards one process. Limits shared by several processes are stage 6's work.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from shared.errors import BudgetExceeded


@dataclass
class Budget:
    """`limit_usd` of None means no limit; spending is still added up."""

    limit_usd: Decimal | None = None
    spent_usd: Decimal = field(default=Decimal(0))
    _held: Decimal = field(default=Decimal(0))

    def hold(self, worst_usd: Decimal) -> None:
        """Sets aside the most that the next call can cost; `BudgetExceeded` when it is not there.

        What is held counts as spent until `settle`, so parallel calls cannot overdraw together.
        """
        if self.limit_usd is not None:
            left = self.limit_usd - self.spent_usd - self._held
            if worst_usd > left:
                raise BudgetExceeded(
                    f"this call could cost ${worst_usd:.4f} and ${max(left, Decimal(0)):.4f} of "
                    f"the ${self.limit_usd:.2f} budget is left: lower --max-tokens or raise "
                    "STAGES_BUDGET_USD"
                )
        self._held += worst_usd

    def settle(self, held_usd: Decimal, spent_usd: Decimal) -> None:
        """Replaces what was held for a call by what it cost."""
        self._held -= held_usd
        self.spent_usd += spent_usd
