"""What is judged: a function, a command that stays alive, or an address. Nothing is imported else.

`module:function`   `function(question, history, **options)` returns the answer as a dictionary; it
                    may be `async`. `module:open()` is called once with the options and gives that
                    function, or a context manager of it, for a target that has to be opened.
a command           one request a line on standard input, one answer a line on standard output:
                    {"op": "ask", "question": "…", "history": […], …options}. As many processes run
                    as cases at a time. With `ingest`, {"op": "ingest", "folder": "…"} comes first
                    and is answered with {"documents": 12}.
http(s)://…         the same object is posted, the answer comes back as JSON.

A target never sees a case's id, label or split. Every failure is a `TargetFailed` with its kind;
nothing is tried twice here, since a target has retries of its own.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from shared.errors import StageError, UserError
from stage5_evals.cases import Case

FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*(?:\(\))?")
Kind = Literal["error", "timeout", "malformed", "stopped"]
Ask = Callable[[Case], Awaitable[Any]]
"""Gives the payload that `answers.read_answer` reads, or raises `TargetFailed`."""


class TargetFailed(Exception):
    def __init__(self, kind: Kind, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


@asynccontextmanager
async def open_target(
    spec: str,
    *,
    folder: Path,
    options: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    ingest: Path | None = None,
    at_a_time: int = 1,
) -> AsyncIterator[Ask]:
    """The target of `spec`, open inside the block; `folder` is where it starts and is imported."""
    options = dict(options or {})
    async with AsyncExitStack() as stack:
        if "://" in spec.split(" ", 1)[0]:
            from stage5_evals.target_http import open_http

            yield await stack.enter_async_context(open_http(spec, options))
        elif FUNCTION.fullmatch(spec):
            yield await _open_function(spec, folder, options, stack)
        else:
            from stage5_evals.target_command import open_command

            yield await stack.enter_async_context(
                open_command(spec, folder, options, environment or {}, ingest, at_a_time)
            )


def request(case: Case, options: Mapping[str, Any]) -> dict[str, Any]:
    return {"op": "ask", "question": case.question, "history": history(case), **options}


def history(case: Case) -> list[dict[str, str]]:
    return [{"question": turn.question, "answer": turn.answer} for turn in case.history]


def load(spec: str, folder: Path) -> Any:
    """The object that `module:name` names; modules beside the suite are found as well."""
    module, _, name = spec.removesuffix("()").partition(":")
    place = str(folder.resolve())
    if place not in sys.path:
        sys.path.insert(0, place)
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        raise UserError(f"{spec} cannot be imported: {error}; looked in {place} too") from None
    except AttributeError:
        raise UserError(f"{module} has no {name}: name a function as module:function") from None


async def _open_function(
    spec: str, folder: Path, options: dict[str, Any], stack: AsyncExitStack
) -> Ask:
    found = load(spec, folder)
    if spec.endswith("()"):
        found, options = found(**options), {}
        if inspect.isawaitable(found):
            found = await found
        if hasattr(found, "__aenter__"):
            found = await stack.enter_async_context(found)
        elif hasattr(found, "__enter__"):
            found = stack.enter_context(found)
    if not callable(found):
        raise UserError(f"{spec} is {type(found).__name__}, which cannot be asked a question")
    return _asked(found, options)


def _asked(function: Callable[..., Any], options: dict[str, Any]) -> Ask:
    waits = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004
    )

    async def ask(case: Case) -> Any:
        try:
            if waits:
                return await function(case.question, history(case), **options)
            return await asyncio.to_thread(function, case.question, history(case), **options)
        except (KeyboardInterrupt, asyncio.CancelledError):
            raise
        except StageError as error:
            raise TargetFailed("error", f"{type(error).__name__}: {error}") from None
        except Exception as error:  # a stranger's code: the case failed, and is counted so
            raise TargetFailed("error", f"{type(error).__name__}: {error}") from error

    return ask
