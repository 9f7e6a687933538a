"""One program on the examiner's server: how it is run, and what the server saw of it.

Nothing here knows what is asked; that is in `examine_checks` and `examine_failures`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shared.complaints import must_report, new_key, quoted
from shared.errors import UnpricedModel
from shared.examine import Failed, NotRun, need
from shared.messages import Usage
from shared.offline.app import CALLS
from shared.offline.log import Entry
from shared.offline.server import LocalServer
from shared.prices import PriceList
from shared.programs import Program, Run, Running
from stage1_cost_cli.contract import AskReceipt, BadReceipt, Printed, checked_receipt, take_apart

RUN_S = 45.0  # no question here takes a tenth of it; a busy machine is no failure
QUESTION = "What is prompt caching?"
ANSWER = (
    "Prompt caching keeps the processed beginning of a prompt at the provider.\n"
    "The next call that starts with the same words reads it at a tenth of the price, "
    "and its first token comes sooner."
)
REPLY: dict[str, Any] = {"kind": "reply", "text": ANSWER}


@dataclass(frozen=True, slots=True)
class Asked:
    """One run and what the server saw of it; `calls` are the model calls alone."""

    run: Run
    printed: Printed
    calls: list[Entry]

    @property
    def receipt(self) -> AskReceipt:
        try:
            return checked_receipt(self.printed.receipt)
        except BadReceipt as problem:
            raise Failed(str(problem)) from None

    def must_be(self, text: str) -> None:
        """A success with `text` as its answer."""
        run, answer = self.run, self.printed.answer.strip()
        need(run.exit_code == 0, f"exit code {run.exit_code}, standard error {quoted(run.stderr)}")
        need(answer == text, f"standard output is {quoted(answer)}, the server sent {quoted(text)}")

    def must_report(self) -> str:
        """A failure with a sentence on standard error, which is returned."""
        return must_report(self.run, self.printed.complaints)


class AskBench:
    """One program on the examiner's server. Every run has a key, and so a script, of its own."""

    def __init__(
        self, program: Program, server: LocalServer, prices: PriceList, *, run_s: float = RUN_S
    ) -> None:
        self.server = server
        self._run_s = run_s
        self._program, self._prices = program, prices
        self._probes: dict[str, Asked | Failed] = {}
        self._probing = {name: threading.Lock() for name in ("small", "big")}
        self.leaks: list[str] = []

    def ask(
        self,
        script: Sequence[Any],
        *,
        model: str = "small",
        question: str = QUESTION,
        key: str = "",
    ) -> Asked:
        """One run from start to end."""
        key = key or new_key()
        with self.start(script, key, model, question) as running:
            return self.finish(running, key)

    @contextmanager
    def start(
        self, script: Sequence[Any], key: str, model: str = "small", question: str = QUESTION
    ) -> Iterator[Running]:
        self.server.script(key, script)
        environment = {
            "ANTHROPIC_BASE_URL": self.server.base_url,
            "OPENAI_BASE_URL": self.server.openai_base_url,
            "ANTHROPIC_API_KEY": key,
            "OPENAI_API_KEY": key,
        }
        with self._program.start(["--model", model, question], environment) as running:
            yield running

    def finish(self, running: Running, key: str) -> Asked:
        run = running.finish(self._run_s)
        if key in run.stdout + run.stderr:
            where = "output" if key in run.stdout else "error"
            self.leaks.append(f"the API key was printed on standard {where}")
        need(run.ending != "timeout", f"still running after {self._run_s:g} s, and was stopped")
        need(run.ending != "flood", "printed more than 8 MB, and was stopped")
        seen = self.server.log(key)
        seen = self.server.wait_finished(key, len(seen), timeout_s=2.0) if seen else seen
        calls = [entry for entry in seen if entry.path in CALLS]
        return Asked(run, take_apart(run.stdout, run.stderr), calls)

    def probe(self, model: str) -> Asked:
        """A plain question, asked once; nothing else can be examined until it is answered."""
        with self._probing[model]:
            if model not in self._probes:
                self._probes[model] = self._probe(model)
        probe = self._probes[model]
        if isinstance(probe, Failed):
            raise Failed(str(probe))
        return probe

    def _probe(self, model: str) -> Asked | Failed:
        try:
            asked = self.ask([REPLY, REPLY, REPLY], model=model)
            need(asked.calls, _no_call(asked))
            return asked
        except Failed as failure:
            return failure

    def wire(self, model: str = "small") -> str:
        """The wire on which the program asks for `model`; `NotRun` when it does not ask at all."""
        for needed in dict.fromkeys(("small", model)):  # no `small`, no examination
            try:
                wire = self.probe(needed).calls[-1].wire
            except Failed:
                raise NotRun(f"a plain question to {needed} got no answer") from None
        return wire

    def true_cost(self, calls: Sequence[Entry]) -> Decimal:
        """The public price of `calls`, from the usage that the server reported for them."""
        return sum((self._price(entry) for entry in calls if entry.usage), Decimal(0))

    def _price(self, entry: Entry) -> Decimal:
        usage = usage_of(entry)
        for provider in ("anthropic", "openai", "gemini", ""):
            try:
                return self._prices.cost(usage, entry.model, provider).total_usd
            except UnpricedModel:
                continue
        raise Failed(f"asked for {entry.model!r}, which no public price list knows")


def usage_of(entry: Entry) -> Usage:
    """The reported usage in our terms: the whole input, and the cached part of it."""
    said: Mapping[str, Any] = entry.usage or {}
    if entry.wire == "anthropic":
        read, written = said["cache_read_input_tokens"], said["cache_creation_input_tokens"]
        total = said["input_tokens"] + read + written
        return Usage(total, said["output_tokens"], read, written)
    if entry.wire == "chat":
        cached = said["prompt_tokens_details"]["cached_tokens"]
        return Usage(said["prompt_tokens"], said["completion_tokens"], cached)
    cached = said["input_tokens_details"]["cached_tokens"]
    return Usage(said["input_tokens"], said["output_tokens"], cached)


def usage_fault(wire: str, total: int, cached: int, output: int) -> dict[str, Any]:
    """The fault that makes the server report these tokens, in the words of `wire`."""
    if wire == "anthropic":
        said: dict[str, Any] = {
            "input_tokens": total - cached,
            "cache_read_input_tokens": cached,
            "cache_creation_input_tokens": 0,
            "output_tokens": output,
        }
    elif wire == "chat":
        said = {
            "prompt_tokens": total,
            "completion_tokens": output,
            "total_tokens": total + output,
            "prompt_tokens_details": {"cached_tokens": cached},
        }
    else:
        said = {
            "input_tokens": total,
            "output_tokens": output,
            "total_tokens": total + output,
            "input_tokens_details": {"cached_tokens": cached},
        }
    return {"kind": "usage", "overrides": said}


def begins(whole: str, text: str) -> bool:
    """Whether `text` is the first words of `whole`."""
    return bool(text.strip()) and whole.startswith(text.strip())


def _no_call(asked: Asked) -> str:
    return (
        "no model call reached the examiner: are ANTHROPIC_BASE_URL or OPENAI_BASE_URL obeyed? "
        f"Exit code {asked.run.exit_code}, standard error {quoted(asked.run.stderr)}"
    )
