"""What the port keeps: `State` in LangGraph's checkpoints, `Context` beside them.

The state is plain data, since a checkpoint is written after every step and may be read by another
version of the program. What may never happen twice is not in it: a branch that dies before its
checkpoint would forget it. The journal has that, and the context is made of the journal.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, TypedDict

from shared.budget import Budget
from shared.messages import Message, Text, ToolCall, ToolResult, Usage, user
from stage4_agent import journal, memory, toolbox
from stage4_agent.contract import Arguments, Kit
from stage4_agent.evidence import Found
from stage4_agent.journal import Event
from stage4_agent.memory import CHARS_A_TOKEN

Packed = list[Any]  # a message: its role, and the name and fields of each part
PARTS = {kind.__name__: kind for kind in (Text, ToolCall, ToolResult)}


class End(TypedDict):
    """A call that was run or refused, with all that it gave."""

    key: str
    call: str
    tool: str
    arguments: Arguments
    ok: bool
    text: str


class Wish(TypedDict):
    """What one branch is started with. `refusal`: why the call must not even be looked at."""

    key: str
    call: list[str]
    tainted: bool
    refusal: str


class Known(TypedDict):
    """What the model was shown of a call that must not be made again."""

    ok: bool
    shown: str
    runs: int


class Verdict(TypedDict):
    status: str
    answer: str
    reason: str


class State(TypedDict):
    """Parallel branches may write `ended` only; `seen` of them are in the messages already."""

    task: str
    messages: list[Packed]
    turn: Event | None  # a reply whose calls are not all answered yet
    ended: Annotated[list[End], operator.add]
    seen: int
    done: dict[str, Known]
    steps: int
    circles: int
    usage: list[int]  # of all calls
    billed: int  # tokens of the last one
    unsent: int  # characters that the last bill did not cover
    verdict: Verdict | None


def new_state(task: str, kit: Kit) -> State:
    shown = len(task) + len(kit.system) + sum(len(str(spec)) for spec in kit.tools.specs)
    return State(
        task=task,
        messages=packed([user(task)]),
        turn=None,
        ended=[],
        seen=0,
        done={},
        steps=0,
        circles=0,
        usage=[0] * len(Usage.__slots__),
        billed=0,
        unsent=shown,
        verdict=None,
    )


def packed(messages: Iterable[Message]) -> list[Packed]:
    return [
        [m.role, [[type(p).__name__, *(getattr(p, f) for f in p.__slots__)] for p in m.parts]]
        for m in messages
    ]


def unpacked(messages: Iterable[Packed]) -> list[Message]:
    return [
        Message(role, tuple(PARTS[name](*fields) for name, *fields in parts))
        for role, parts in messages
    ]


def found(ended: Sequence[End]) -> list[Found]:
    return [Found(e["call"], e["tool"], e["arguments"], e["text"], e["ok"]) for e in ended]


def worst_usage(billed: int, unsent: int, max_tokens: int) -> Usage:
    """The most that the next call can use; every character that was not billed yet counts."""
    return Usage(billed + unsent // CHARS_A_TOKEN + 1, max_tokens)


@dataclass
class Context:
    """What belongs to a run and not to its state. The journal says what may never happen twice."""

    kit: Kit
    tools: toolbox.Toolbox
    results: memory.Results = field(default_factory=memory.Results)
    begun: set[str] = field(default_factory=set)
    decisions: dict[str, str] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)

    @classmethod
    def of(cls, kit: Kit) -> Context:
        self = cls(kit, kit.tools, budget=Budget(kit.limits.usd))
        for event in kit.journal.events:
            match event["event"]:
                case "begin":
                    self.begun.add(event["key"])
                case "decision":
                    self.decisions[event["key"]] = event["decision"]
                case "reply":
                    self.budget.settle(Decimal(0), Decimal(event["usd"]))
        return self

    def show(self, end: End) -> str:
        """What the model sees of a result, under the next label."""
        tool = self.tools.get(end["tool"])
        if not (end["ok"] and tool):
            return end["text"]
        shown = self.results.show(end["tool"], tool, end["text"])
        if self.results.cut and self.tools is self.kit.tools:
            self.tools = self.tools.plus(self.results.read_more())
        return shown

    def write(self, event: str, *, durable: bool = False, **fields: Any) -> None:
        self.kit.journal.write({"event": event, "at": journal.now(), **fields}, durable=durable)

    def told(self, key: str, call: ToolCall, end: End | None, known: Known | None = None) -> None:
        ok, text, given = (end["ok"], end["text"], end["arguments"]) if end else (True, "", {})
        if known:
            ok, text = known["ok"], known["shown"]
        self.write(
            "result", call=call.id, tool=call.name, json=call.json, arguments=given, key=key,
            ok=ok, text=text, again=known is not None,
        )  # fmt: skip
