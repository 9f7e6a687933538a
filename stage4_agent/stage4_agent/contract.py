"""What an agent is given and what it must give back: the types, and the one signature.

`Solve` is that signature. The bare loop (`agent.solve`) and any port of it are called the same way,
so one task list and one set of faults examines them all. Left out: how a model is reached
(`shared.providers`) and what the tools do (`tools/`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, Protocol

from shared.errors import StageError, UserError
from shared.messages import Reply, Request, Usage

if TYPE_CHECKING:
    from stage4_agent.journal import Journal
    from stage4_agent.toolbox import Toolbox

Arguments = Mapping[str, Any]
Status = Literal["answered", "partial", "waiting", "failed"]
Decision = Literal["yes", "no", "later"]


class ToolFailure(StageError):
    """What a tool tells the model when it cannot: one sentence that says what to do instead."""


class UnsafeTool(UserError):
    """A tool that may not be registered as it is."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A call that waits for a person. `key` stands for exactly this tool with these arguments.

    `tainted`: text from strangers was read before the model asked for this.
    """

    key: str
    call_id: str
    tool: str
    arguments: Arguments
    tainted: bool


Rule = Callable[[Proposal], bool]  # whether a person must be asked
Approve = Callable[[Proposal], Awaitable[Decision]]


def always(_: Proposal) -> bool:
    return True


def when_tainted(proposal: Proposal) -> bool:
    return proposal.tainted


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """`run` takes checked arguments and the idempotency key, and returns JSON or text.

    It raises `ToolFailure` for what the model should know; the text of any other exception reaches
    the model too. `returns` is a JSON schema that results must follow. `writes` marks a side effect
    and makes `approval` obligatory. `takes_key`: run again with the same key, it returns the first
    result, so a call that was cut off by a crash can be made again. `untrusted`: the result holds
    text from strangers.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    run: Callable[[Arguments, str], Awaitable[Any]]
    returns: Mapping[str, Any] | None = None
    writes: bool = False
    approval: Rule | None = None
    takes_key: bool = False
    untrusted: bool = False
    deadline_s: float = 10.0
    max_chars: int = 6_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Checked before each call. `steps` counts model calls; a limit of None is not set.

    `circles`: turns in a row made only of calls that were made before. `history_tokens`: above it
    old tool results are shortened.
    """

    steps: int = 12
    usd: Decimal | None = Decimal("0.50")
    seconds: float | None = 120.0
    calls_per_turn: int = 8
    circles: int = 2
    max_tokens: int = 1024
    history_tokens: int = 60_000


class Model(Protocol):
    """What `shared.providers.Provider` offers; a script offers it too."""

    async def complete(self, request: Request, *, feature: str = "") -> Reply: ...


async def nobody(_: Proposal) -> Decision:
    """The default approver: there is nobody to ask, so the session waits."""
    return "later"


def free(_: Usage) -> Decimal:
    return Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """All that an agent works with. `journal` is its record, and what it resumes from."""

    model: Model
    tools: Toolbox
    journal: Journal
    system: str = ""
    limits: Limits = field(default_factory=Limits)
    approve: Approve = nobody
    price: Callable[[Usage], Decimal] = free


@dataclass(frozen=True, slots=True)
class Evidence:
    """A tool result that the answer rests on, and the words or numbers they share."""

    call_id: str
    tool: str
    arguments: Arguments
    shared: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`reason` says why there is no full answer. `unsupported`: numbers of the answer that neither

    a result nor the task holds. `usd` is what was paid, `steps` the model calls.
    """

    status: Status
    answer: str
    reason: str = ""
    evidence: tuple[Evidence, ...] = ()
    unsupported: tuple[str, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    steps: int = 0
    calls: int = 0
    usage: Usage = field(default_factory=Usage)
    usd: Decimal = Decimal(0)
    seconds: float = 0.0


Solve = Callable[[str, Kit], Awaitable[Outcome]]
