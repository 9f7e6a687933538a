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
from decimal import Decimal
from pathlib import Path
from typing import Any

from shared.calls import CallRecord
from shared.errors import CallError, StageError
from shared.messages import Finished, Message, Reply, TextDelta, ToolResult, user
from shared.models import resolve
from shared.offline.attach import with_offline
from shared.providers.opening import open_provider
from shared.providers.provider import Provider
from shared.settings import Settings

from stage1_cost_cli.ask import refuse_too_long
from stage1_cost_cli.books import check_budget, close_books
from stage1_cost_cli.conversation import Conversation
from stage1_cost_cli.money import money
from stage1_cost_cli.receipt import Receipt, line
from stage1_cost_cli.shop import Shop, open_shop

TOOL_ROUNDS = 6  # a model that still calls tools after this many rounds is going in circles
HELP = "/model NAME  /cost  /reset  /save FILE  /help  /quit"


def chat(
    arguments: Namespace,
    settings: Settings,
    out: Callable[[str], None],
    err: Callable[[str], None],
) -> int:
    """Reads turns from standard input until its end or /quit."""
    model = resolve(arguments.model, settings)
    options = {
        name: getattr(arguments, name) for name in ("max_tokens", "temperature", "top_p", "top_k")
    }
    shop = open_shop() if arguments.shop else None
    with (
        asyncio.Runner() as runner,
        with_offline([resolve("offline-small", settings)], settings) as s,
    ):
        session = Session(arguments.model, options, arguments, s, shop, out, err)
        err(f"{model.id} · {HELP}")
        while (text := _read()) is not None:
            if text.startswith("/"):
                if text.split()[0] == "/quit":
                    break
                session.command(text)
            elif text.strip():
                session.turn(runner, text)
    err(session.cost())
    return 0


class Session:
    def __init__(
        self,
        model: str,
        options: dict[str, Any],
        arguments: Namespace,
        settings: Settings,
        shop: Shop | None,
        out: Callable[[str], None],
        err: Callable[[str], None],
    ) -> None:
        self.model = resolve(model, settings)
        self.options = options
        self.conversation = Conversation(arguments.system, arguments.history)
        self.settings = settings
        self.shop = shop
        self.out = out
        self.err = err
        self.receipts: list[Receipt] = []

    def turn(self, runner: asyncio.Runner, text: str) -> None:
        """One question and its answer; a failed or stopped one is taken back from the history."""
        records: list[CallRecord] = []
        self.conversation.add(user(text))
        try:
            runner.run(self._answer(records))
        except KeyboardInterrupt:
            self.conversation.drop_unanswered()
            self.err("\nstopped")
        except StageError as error:
            self.conversation.drop_unanswered()
            self.err(f"stage1: {error}")
        for receipt in close_books(records, self.settings, self.err):
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
                self.conversation.add(reply.as_message())
                if not reply.tool_calls:
                    return
                self.conversation.add(self._run_tools(reply))
        self.err(f"stopped after {TOOL_ROUNDS} rounds of tool calls without an answer")

    async def _stream(self, provider: Provider) -> Reply:
        tools = self.shop.tools if self.shop else ()
        request = self.conversation.request(tools, **self.options)
        refuse_too_long(request, self.model)
        check_budget([self.model], request, self.settings)
        async with provider.stream(request, feature="chat") as events:
            async for event in events:
                match event:
                    case TextDelta(text):
                        self.out(text)
                    case Finished(reply):
                        if reply.text:
                            self.out("\n")
                        return reply
        raise AssertionError("a stream ends with Finished or an error")

    def _run_tools(self, reply: Reply) -> Message:
        assert self.shop is not None  # only a request with tools gets tool calls
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
        try:
            reply = await provider.complete(
                self.conversation.summary_request(old), feature="chat-summary"
            )
        except CallError as error:
            self.err(f"the history could not be summarised and is sent whole: {error}")
            return
        self.conversation.replace_by_summary(old, reply.text)
        self.err(f"{len(old)} old turns summarised")

    def _switch(self, name: str) -> None:
        try:
            self.model = resolve(name, self.settings)
            self.err(f"now {self.model.id}")
        except StageError as error:
            self.err(f"stage1: {error}")

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


def _read() -> str | None:
    if sys.stdin.isatty():
        sys.stderr.write("> ")
        sys.stderr.flush()
    try:
        text = sys.stdin.readline()
    except KeyboardInterrupt:
        return None
    return text.rstrip("\n") if text else None
