"""A chat in the terminal: several turns, commands, and a first tool call.

Each turn ends with its receipt. Ctrl-C stops the answer, not the chat; what had been said until
then was paid for and is in the ledger.
"""

from __future__ import annotations

import asyncio
import json
import sys
from argparse import Namespace
from collections.abc import Callable
from contextlib import ExitStack, suppress
from decimal import Decimal
from pathlib import Path

from shared.calls import CallRecord
from shared.errors import CallError, InvalidOutput, StageError
from shared.messages import (
    Finished,
    Message,
    Reply,
    Retrying,
    TextDelta,
    ToolResult,
    user,
)
from shared.models import Model, resolve
from shared.offline.attach import with_offline
from shared.providers.opening import address, open_provider
from shared.providers.provider import Provider
from shared.providers.wires import refuse_unsupported
from shared.settings import Settings
from stage1_cost_cli.ask import refusal, refuse_too_long, retry_note
from stage1_cost_cli.books import check_budget, close_books
from stage1_cost_cli.conversation import Conversation
from stage1_cost_cli.money import money
from stage1_cost_cli.receipt import Receipt, line
from stage1_cost_cli.shop import Shop, open_shop

TOOL_ROUNDS = 6  # a model that still calls tools after this many rounds is going in circles
OPTIONS = ("max_tokens", "temperature", "top_p", "top_k")
HELP = "/model NAME  /cost  /reset  /save FILE  /help  /quit"


def chat(
    arguments: Namespace,
    settings: Settings,
    out: Callable[[str], None],
    err: Callable[[str], None],
) -> int:
    """Reads turns from standard input until its end or /quit.

    From a pipe, the exit code is that of the last turn; a person has seen how it went.
    """
    shop = open_shop() if arguments.shop else None
    with ExitStack() as stack:
        session = Session(arguments, settings, shop, stack, out, err)
        err(f"{session.model.id} · {HELP}")
        with suppress(KeyboardInterrupt):  # at the prompt; one in an answer ends only that
            session.talk()
    err(session.cost())
    return 0 if sys.stdin.isatty() else session.exit_code


class Session:
    def __init__(
        self,
        arguments: Namespace,
        settings: Settings,
        shop: Shop | None,
        stack: ExitStack,
        out: Callable[[str], None],
        err: Callable[[str], None],
    ) -> None:
        self.options = {name: getattr(arguments, name) for name in OPTIONS}
        self.conversation = Conversation(arguments.system, arguments.history)
        self.settings = settings
        self.shop = shop
        self.stack = stack
        self.out = out
        self.err = err
        self.receipts: list[Receipt] = []
        self.exit_code = 0
        self.model = self._usable(arguments.model)

    def talk(self) -> None:
        while (text := _read()) is not None:
            if text.split() == ["/quit"]:
                return
            if text.startswith("/"):
                self.command(text)
            elif text.strip():
                self.turn(text)

    def turn(self, text: str) -> None:
        """One question and its answer; a failed or stopped one is taken back from the history."""
        records: list[CallRecord] = []
        self.exit_code = 0
        self.conversation.add(user(text))
        try:
            asyncio.run(self._answer(records))
        except KeyboardInterrupt:
            self.conversation.drop_unanswered()
            self.err("stopped")
        except StageError as error:
            self.conversation.drop_unanswered()
            self.exit_code = error.exit_code
            self.err(f"stage1: {error}")
        finally:  # also when the chat is killed: what was spent is written down
            for receipt in close_books(records, self.settings, self.err):
                if receipt is not None:
                    self.receipts.append(receipt)
                    self.err(line(receipt))

    def command(self, text: str) -> None:
        name, _, rest = text.strip().partition(" ")
        match name:
            case "/model":
                self._switch(rest.strip())
            case "/cost":
                self.err(self.cost())
            case "/reset":
                self.conversation.reset()
                self.err("history cleared; the system prompt stays")
            case "/save":
                self._save(rest.strip())
            case _:
                self.err(HELP)

    def cost(self) -> str:
        known = [one.cost.total_usd for one in self.receipts if one.cost]
        unknown = len(self.receipts) - len(known)
        tail = f", {unknown} without a known price" if unknown else ""
        return f"{len(self.receipts)} calls, {money(sum(known, Decimal(0)))}{tail}"

    async def _answer(self, records: list[CallRecord]) -> None:
        async with open_provider(self.model, self.settings, taps=[records.append]) as provider:
            await self._shorten(provider)
            for _ in range(TOOL_ROUNDS):
                reply = await self._stream(provider)
                if refused := refusal(reply):
                    raise refused
                if not reply.text and not reply.tool_calls:
                    raise InvalidOutput("the model said nothing: ask again, or raise --max-tokens")
                self.conversation.add(reply.as_message())
                if not reply.tool_calls:
                    return
                self.conversation.add(self._run_tools(reply))
        raise InvalidOutput(f"no answer after {TOOL_ROUNDS} rounds of tool calls: ask otherwise")

    async def _stream(self, provider: Provider) -> Reply:
        tools = self.shop.tools if self.shop else ()
        request = self.conversation.request(tools, **self.options)
        refuse_too_long(request, self.model)
        check_budget([(self.model, request)], self.settings)
        said = ""
        try:
            async with provider.stream(request, feature="chat") as events:
                async for event in events:
                    match event:
                        case TextDelta(text):
                            said += text
                            self.out(text)
                        case Retrying():
                            self.err(retry_note(event))
                        case Finished(reply):
                            return reply
        finally:  # also when it broke off: what follows begins on a line of its own
            if said and not said.endswith("\n"):
                self.out("\n")
        raise AssertionError("a stream ends with Finished or an error")

    def _run_tools(self, reply: Reply) -> Message:
        if self.shop is None:
            raise InvalidOutput("the model called a tool and none was offered")
        results: list[ToolResult] = []
        for call in reply.tool_calls:
            result = self.shop.run(call)
            self.err(f"  {call.name} {call.json} -> {result.content[:120]}")
            results.append(result)
        return Message("user", tuple(results))

    async def _shorten(self, provider: Provider) -> None:
        old = self.conversation.too_long()
        if not old:
            return
        request = self.conversation.summary_request(old)
        refuse_too_long(request, self.model)
        check_budget([(self.model, request)], self.settings)
        try:
            reply = await provider.complete(request, feature="chat-summary")
        except CallError as error:
            self.err(f"stage1: {error}")
            reply = Reply()
        if refusal(reply) or not reply.text.strip():
            self.err("the history could not be summarised and is sent whole")
            return
        self.conversation.replace_by_summary(old, reply.text)
        self.err(f"{len(old)} old turns summarised")

    def _switch(self, name: str) -> None:
        try:
            self.model = self._usable(name) if name else self.model
            self.err(f"now {self.model.id}")
        except StageError as error:
            self.err(f"stage1: {error}")

    def _usable(self, name: str) -> Model:
        """The model, once it is sure that its key is there and that it takes our parameters."""
        model = resolve(name, self.settings)
        refuse_unsupported(self.conversation.request((), **self.options), model)
        self.settings = self.stack.enter_context(with_offline([model], self.settings))
        address(model, self.settings)
        return model

    def _save(self, name: str) -> None:
        if not name:
            self.err("say where: /save FILE")
            return
        text = json.dumps(self.conversation.to_json(), ensure_ascii=False, indent=2)
        try:
            with Path(name).open("x", encoding="utf-8") as file:
                file.write(text + "\n")
            self.err(f"saved to {name}")
        except FileExistsError:
            self.err(f"{name} exists: choose another name")
        except OSError as error:
            self.err(f"{name} cannot be written: {error.strerror}")
        except ValueError:
            self.err("no file can have this name: choose another one")


def _read() -> str | None:
    if sys.stdin.isatty():
        sys.stderr.write("> ")
        sys.stderr.flush()
    text = sys.stdin.readline()
    return text.rstrip("\n") if text else None
