"""Arguments in, call, print. No logic: each command lives in the module it names.

Only `argparse` is imported here; every command imports what it needs when it runs, so that `--help`
does not wait for an SDK.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

EXAMPLES = """examples:
  stage1 ask "What is prompt caching?" --model small --model big
  echo "Explain BM25 in one sentence" | stage1 ask -
  stage1 chat --system "You are a patient shop assistant." --shop
  stage1 forecast --users 1000 --requests 5 --input 1200 --output 300 --cached 0.5
  stage1 ledger --by model
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command's exit code: 0, 2 wrong use, 3 operator, 4 provider, 5 model, 6 this machine."""
    words = sys.argv[1:] if argv is None else argv
    try:
        arguments = _parser().parse_args([_utf8(word) for word in words])
        from shared import process

        return process.run("stage1", lambda: _command(arguments))
    except KeyboardInterrupt:  # while the first modules were read
        return 130


def _command(arguments: argparse.Namespace) -> int:
    from stage1_cost_cli import commands

    code: int = getattr(commands, f"run_{arguments.command}")(arguments)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stage1",
        description="Ask a model, see what it cost and how long it took. Needs no key.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _ask(commands.add_parser("ask", help="stream an answer and print its receipt"))
    _chat(commands.add_parser("chat", help="several turns, with memory and tools"))
    _forecast(commands.add_parser("forecast", help="what a feature will cost a month"))
    _ledger(commands.add_parser("ledger", help="what has been spent, by day, model or feature"))
    _plain(commands.add_parser("models", help="the models, their windows and prices"))
    _tokens(commands.add_parser("tokens", help="count the tokens of a text and price them"))
    _similar(commands.add_parser("similar", help="cosine similarity of texts"))
    _plain(commands.add_parser("limits", help="rate limits as the providers last stated them"))
    _score(commands.add_parser("score", help="estimate against bill, and our cost against theirs"))
    _compare(commands.add_parser("compare", help="examine your own program beside this one"))
    return parser


def _plain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _sampling(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--system", default="", help="system prompt")
    parser.add_argument("--max-tokens", type=_positive, default=1024, help="default: 1024")
    parser.add_argument("--temperature", type=_finite)
    parser.add_argument("--top-p", type=_finite)
    parser.add_argument("--top-k", type=_positive)


def _ask(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("question", nargs="?", default="-", help="the question, or - for stdin")
    parser.add_argument(
        "--model",
        "-m",
        action="append",
        help="small, big or a model id; give it several times to compare (default: small)",
    )
    _sampling(parser)
    parser.add_argument("--stop", action="append", default=[], help="end at this text")
    parser.add_argument("--no-stream", action="store_true", help="wait for the whole answer")
    parser.add_argument("--raw", action="store_true", help="print the events of the wire")
    parser.add_argument(
        "--receipt",
        choices=("text", "json", "none"),
        default="text",
        help="how the receipt is written to stderr (default: text)",
    )
    _plain(parser)


def _chat(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", "-m", default="small", help="small, big or a model id")
    _sampling(parser)
    parser.add_argument(
        "--history", type=_positive, default=3000, help="token budget of the history (3000)"
    )
    parser.add_argument("--shop", action="store_true", help="let the model call the mock shop")


def _forecast(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", "-m", action="append", help="default: small and big")
    parser.add_argument("--users", type=_number, required=True, help="users a day")
    parser.add_argument(
        "--requests", type=_number, default=Decimal(1), help="requests a user and day"
    )
    parser.add_argument("--input", type=_number, help="input tokens a request")
    parser.add_argument("--output", type=_number, help="output tokens a request")
    parser.add_argument(
        "--cached", type=_number, default=Decimal(0), help="cached share of the input, 0-1"
    )
    parser.add_argument(
        "--retries", type=_number, default=Decimal(0), help="extra calls a request, 0-1"
    )
    parser.add_argument("--days", type=_number, default=Decimal(30), help="days a month (30)")
    parser.add_argument(
        "--from-ledger", metavar="FEATURE", help="take the tokens from the calls of this feature"
    )
    _plain(parser)


def _ledger(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--by", choices=("day", "model", "feature"), default="day")
    parser.add_argument("--days", type=_positive, help="only the last DAYS days")
    _plain(parser)


def _tokens(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", nargs="?", default="-", help="the text, or - for stdin")
    _plain(parser)


def _similar(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("texts", nargs="+", metavar="TEXT", help="two texts or more")
    _plain(parser)


def _score(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", "-m", default="offline-small", help="a paid one is really paid")
    parser.add_argument("--check", action="store_true", help="exit 1 when a bar does not hold")
    _plain(parser)


def _compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--mine", required=True, metavar="COMMAND", help="your program; see README")
    parser.add_argument("--only", action="append", default=[], metavar="CHECK")
    _plain(parser)


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 16 and int(text)):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number above 0")
    return int(text)


def _finite(text: str) -> float:
    number = float(_number(text))
    if abs(number) == float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is too large")
    return number


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text.replace("_", ""))
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number")
    return number


def _utf8(word: str) -> str:
    """An argument whose bytes are no UTF-8 comes with half characters that no server takes."""
    return word.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
