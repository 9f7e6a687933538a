"""What the operating system expects of a command: its streams, its signals, its exit code.

What a command does is decided in `commands`. Here: a stream that is closed or full, an encoding
that cannot hold the answer, Ctrl-C, a polite kill, and that an error is one sentence without keys.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, Any

from shared.errors import LocalError, StageError

if TYPE_CHECKING:
    from shared.settings import Settings

Handler = Callable[[int, FrameType | None], object] | signal.Handlers | int | None
INTERRUPTED = 130  # what a shell reports of a command that ended by Ctrl-C
SHORTEST_SECRET = 8  # shorter ones are no secrets: "none", "offline"


def run(name: str, command: Callable[[], int]) -> int:
    """The exit code of `command`, whatever happened to it; `name` begins an error's sentence."""
    _open_closed_streams()
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # an answer may not fit the terminal's encoding
    try:
        with _handled({"SIGINT": signal.SIG_DFL}):  # a traceback from an import helps nobody
            return _finished(command())
    except StageError as error:
        note(f"{name}: {without_secrets(str(error))}")
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our pipe has had enough
        return 0
    finally:
        _drop_unwritable()


def answer(text: str) -> None:
    """Writes to standard output at once; `BrokenPipeError` when nobody reads it any more."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise LocalError(f"standard output cannot be written: {error.strerror}") from None


def answer_json(data: Any) -> None:
    answer(json.dumps(data, ensure_ascii=False, indent=2) + "\n")


def note(text: str) -> None:
    """Writes a line to standard error; when nobody reads that, there is nobody to tell."""
    with suppress(OSError):
        sys.stdout.flush()
    with suppress(OSError):
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


def clean_note(settings: Settings) -> Callable[[str], None]:
    """`note` for words that come from a server, which may hold a key."""
    return lambda text: note(without_secrets(text, settings.secrets()))


def without_secrets(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without `secrets` and without anything that looks like a key; servers echo them."""
    from shared.redaction_rules import RULES, SECRET

    for secret in secrets:
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, SECRET)
    for rule in RULES:
        if rule.placeholder == SECRET:
            text = rule.replace(text, re.compile(rule.pattern))
    return text


def _finished(code: int) -> int:
    sys.stdout.flush()
    return code


def _open_closed_streams() -> None:
    """`2>&-` leaves no stream at all, and its number would go to the next file that is opened."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            mode = "r" if number == 0 else "w"
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115


def _drop_unwritable() -> None:
    """Python flushes once more at its end and would complain about a pipe that is gone."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def unwinding() -> Iterator[None]:
    """Around what must be cleaned up: a signal unwinds it instead of ending the process at once.

    Ctrl-C raises `KeyboardInterrupt`. A polite kill cancels what runs in an event loop, since an
    exception from nowhere would leave it broken, and ends with 128 + the signal.
    """
    import asyncio  # here, since Ctrl-C must find this module's handlers in place

    kill = _Kill()
    with _handled({"SIGINT": signal.default_int_handler, "SIGTERM": kill, "SIGHUP": kill}):
        try:
            yield
        except asyncio.CancelledError:
            raise SystemExit(kill.exit_code) from None


class _Kill:
    def __init__(self) -> None:
        self.exit_code = INTERRUPTED

    def __call__(self, number: int, frame: FrameType | None) -> None:
        import asyncio

        self.exit_code = 128 + number
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise SystemExit(self.exit_code) from None
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.call_soon_threadsafe(lambda: None)  # wakes a loop that waits


@contextmanager
def _handled(handlers: Mapping[str, Handler]) -> Iterator[None]:
    """Sets handlers for a while, but never for a signal that the caller ignores, as nohup does."""
    before = {}
    if threading.current_thread() is threading.main_thread():  # no other thread may set one
        for name, handler in handlers.items():
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
