"""The state of one run, made of what happened: live and from a journal it grows the same way.

So a run that was killed anywhere is taken up by reading its events again. Left out: what to do next
(`agent`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from shared.budget import Budget
from shared.messages import Message, Reply, Text, ToolCall, ToolResult, Usage, user
from stage4_agent import journal, memory
from stage4_agent.contract import Arguments, Kit, Outcome, Proposal
from stage4_agent.evidence import Found, evidence, unsupported

REPEATED = "You made this very call before; it was not run again. It gave:\n"


_SORTED = json.JSONEncoder(sort_keys=True)


def with_note(message: Message, note: str) -> Message:
    return Message(message.role, (*message.parts, Text(note)))


def idempotency_key(session: str, call: ToolCall) -> str:
    """The same for the same tool with the same arguments in one session, however written."""
    try:
        given = _SORTED.encode(json.loads(call.json or "{}"))
    except (ValueError, RecursionError):
        given = call.json
    text = f"{session}\n{call.name}\n{given}"
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:24]


def held(reason: str, results: Sequence[Found]) -> str:
    """A partial answer without the model: what the results hold, and that this is not all."""
    good = [f"- {one.tool}: {one.text[:300]}" for one in results if one.ok][-5:]
    said = "\n".join(good) if good else "No tool has given a result."
    return f"Partial answer ({reason}):\n{said}"


@dataclass(slots=True)
class Done:
    """What a call came to: all of it, what the model sees of it, and how often it was run."""

    ok: bool
    text: str
    shown: str
    runs: int = 1


class Session:
    """`turn` is a model's reply whose calls are not all answered yet."""

    def __init__(self, task: str, kit: Kit) -> None:
        self.kit, self.task = kit, task
        self.messages: list[Message] = []
        self.turn: Reply | None = None
        self.answered: dict[str, ToolResult] = {}  # of this turn, by the call's id
        self.done: dict[str, Done] = {}  # by idempotency key
        self.writes: set[str] = set()  # keys of side effects that were begun
        self.decisions: dict[str, str] = {}
        self.found: list[Found] = []
        self.results = memory.Results()
        self.tools = kit.tools
        self.usage, self.steps, self.calls, self.circles = Usage(), 0, 0, 0
        self.budget = Budget(kit.limits.usd)
        self.unsent = 0  # characters that the last bill did not cover
        self.tainted, self.fresh = False, False
        self.last: Outcome | None = None
        self._restore()

    def key(self, call: ToolCall) -> str:
        return idempotency_key(self.kit.journal.session, call)

    def worst_usage(self) -> Usage:
        """The most that the next call can use; every character that was not billed yet counts."""
        billed = self.usage_now.input_tokens + self.usage_now.output_tokens
        return Usage(billed + self.unsent // memory.CHARS_A_TOKEN + 1, self.kit.limits.max_tokens)

    def replied(self, reply: Reply, usd: Decimal) -> None:
        self.turn, self.answered, self.fresh = reply, {}, False
        self.steps += 1
        self.usage_now = reply.usage or self.worst_usage()
        self.usage += self.usage_now
        self.unsent = 0
        self.budget.settle(Decimal(0), usd)

    def ended(self, key: str, call: ToolCall, given: Arguments, ok: bool, text: str) -> Done:
        """A call was run, or refused; both are results."""
        tool, before = self.tools.get(call.name), self.done.get(key)
        shown = self.results.show(call.name, tool, text) if ok and tool else text
        done = Done(ok, text, shown, 1 + (before.runs if before else 0))
        if tool and tool.writes and ok:  # the world has changed: what was read before may differ
            self.done = {k: d for k, d in self.done.items() if k in self.writes}
        self.done[key] = done
        self.calls += 1
        self.fresh = True
        self.tainted |= bool(tool and tool.untrusted)
        self.found.append(Found(call.id, call.name, given, text, ok))
        return done

    def tell(self, call: ToolCall, done: Done, *, again: bool = False) -> None:
        """The model's call gets its result; the last one of a turn closes the turn."""
        content = REPEATED + done.shown if again else done.shown
        self.answered[call.id] = ToolResult(call.id, content, is_error=not done.ok)
        self.unsent += len(content)

    def close_turn(self) -> None:
        """Calls and results become history, in the order in which the model made the calls."""
        assert self.turn is not None
        self.messages.append(self.turn.as_message())
        parts = tuple(self.answered[call.id] for call in self.turn.tool_calls)
        self.messages.append(Message("user", parts))
        self.circles = 0 if self.fresh else self.circles + 1
        self.turn = None
        if self.worst_usage().input_tokens > self.kit.limits.history_tokens:
            self.messages = memory.shortened(self.messages)
        if self.results.cut and self.tools is self.kit.tools:
            self.tools = self.tools.plus(self.results.read_more())

    def outcome(
        self, status: str, answer: str, reason: str = "", waiting: tuple[Proposal, ...] = ()
    ) -> Outcome:
        return Outcome(
            status=status,  # type: ignore[arg-type]
            answer=answer,
            reason=reason,
            evidence=evidence(answer, self.found),
            unsupported=unsupported(answer, self.task, self.found),
            proposals=waiting,
            steps=self.steps,
            calls=self.calls,
            usage=self.usage,
            usd=self.budget.spent_usd,
        )

    def _restore(self) -> None:
        self.usage_now = Usage()
        events = self.kit.journal.events
        if events:
            self.task = events[0]["task"]
        self.messages = [user(self.task)]
        self.unsent = len(self.task) + len(self.kit.system)
        self.unsent += sum(len(str(spec)) for spec in self.kit.tools.specs)
        for event in events[1:]:
            self._happened(event)

    def _happened(self, event: journal.Event) -> None:
        match event["event"]:
            case "reply":
                if self.turn is not None:  # a turn is over when the next one begins
                    self.close_turn()
                self.replied(journal.reply_of(event), Decimal(event["usd"]))
                if event["note"]:  # a last call ended its run, whatever it said
                    self.turn = None
            case "begin":
                self.writes.add(event["key"])
            case "decision":
                self.decisions[event["key"]] = event["decision"]
            case "result":
                call = ToolCall(event["call"], event["tool"], event["json"])
                if event["again"]:
                    done = self.done.get(event["key"]) or Done(
                        event["ok"], event["text"], event["text"]
                    )
                else:
                    done = self.ended(
                        event["key"], call, event["arguments"], event["ok"], event["text"]
                    )
                self.tell(call, done, again=event["again"])
            case "outcome":
                self.last = self.outcome(event["status"], event["answer"], event["reason"])
                if self.turn and not self.turn.tool_calls:  # it was no answer: ask once more
                    self.turn = None
