"""What the command lines of all stages have in common: their start and the options they share.

A stage's `cli.py` declares its commands with these and calls `main`; each command is a function
`run_NAME` in the stage's `commands`. Only `argparse` is imported here: `--help` waits for nothing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from importlib import import_module

INTERRUPTED = 130


def main(parser: argparse.ArgumentParser, commands: str, argv: Sequence[str] | None = None) -> int:
    """Runs the command of module `commands` that was asked for.

    Its exit code: 0, 1 what was asked did not come out well, 2 and up as in `shared.errors`.
    """
    words = sys.argv[1:] if argv is None else argv
    try:
        arguments = parser.parse_args([_utf8(word) for word in words])
        from shared import process

        return process.run(parser.prog, lambda: _run(commands, arguments))
    except KeyboardInterrupt:  # while the first modules were read
        return INTERRUPTED


def _run(commands: str, arguments: argparse.Namespace) -> int:
    code: int = getattr(import_module(commands), f"run_{arguments.command}")(arguments)
    return code


def new_parser(prog: str, description: str, examples: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog=prog,
        description=description,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def score_options(parser: argparse.ArgumentParser, model: str) -> None:
    parser.add_argument("--model", "-m", default=model, help="a paid one is really paid")
    parser.add_argument("--check", action="store_true", help="exit 1 when a bar does not hold")
    json_option(parser)


def compare_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--mine", required=True, metavar="COMMAND", help="your program; see README")
    only_option(parser)


def only_option(parser: argparse.ArgumentParser) -> None:
    """For a `compare` that has more to offer than to examine a program."""
    parser.add_argument("--only", action="append", default=[], metavar="CHECK")
    json_option(parser)


def positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 16 and int(text)):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number above 0")
    return int(text)


def finite(text: str) -> float:
    found = float(number(text))
    if abs(found) == float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is too large")
    return found


def number(text: str) -> Decimal:
    try:
        found = Decimal(text.replace("_", ""))
    except InvalidOperation:
        found = Decimal("nan")
    if not found.is_finite():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number")
    return found


def _utf8(word: str) -> str:
    """An argument whose bytes are no UTF-8 comes with half characters that no server takes."""
    return word.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
