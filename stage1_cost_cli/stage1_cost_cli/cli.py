"""Arguments in, call, print. No logic: each command lives in the module it names.

Every command imports what it needs when it runs, so that `--help` does not wait for an SDK.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from decimal import Decimal

from shared import cli
from shared.cli import finite, json_option, number, positive

EXAMPLES = """examples:
  stage1 ask "What is prompt caching?" --model small --model big
  echo "Explain BM25 in one sentence" | stage1 ask -
  stage1 chat --system "You are a patient shop assistant." --shop
  stage1 forecast --users 1000 --requests 5 --input 1200 --output 300 --cached 0.5
  stage1 ledger --by model
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command's exit code: 0, 2 wrong use, 3 operator, 4 provider, 5 model, 6 this machine."""
    return cli.main(_parser(), "stage1_cost_cli.commands", argv)


def _parser() -> argparse.ArgumentParser:
    about = "Ask a model, see what it cost and how long it took. Needs no key."
    parser = cli.new_parser("stage1", about, EXAMPLES)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _ask(commands.add_parser("ask", help="stream an answer and print its receipt"))
    _chat(commands.add_parser("chat", help="several turns, with memory and tools"))
    _forecast(commands.add_parser("forecast", help="what a feature will cost a month"))
    _ledger(commands.add_parser("ledger", help="what has been spent, by day, model or feature"))
    json_option(commands.add_parser("models", help="the models, their windows and prices"))
    _tokens(commands.add_parser("tokens", help="count the tokens of a text and price them"))
    _similar(commands.add_parser("similar", help="cosine similarity of texts"))
    json_option(commands.add_parser("limits", help="rate limits as the providers last stated them"))
    score = commands.add_parser("score", help="estimate against bill, and our cost against theirs")
    cli.score_options(score, "offline-small")
    compare = commands.add_parser("compare", help="examine your own program beside this one")
    cli.compare_options(compare)
    return parser


def _sampling(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--system", default="", help="system prompt")
    parser.add_argument("--max-tokens", type=positive, default=1024, help="default: 1024")
    parser.add_argument("--temperature", type=finite)
    parser.add_argument("--top-p", type=finite)
    parser.add_argument("--top-k", type=positive)


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
    json_option(parser)


def _chat(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", "-m", default="small", help="small, big or a model id")
    _sampling(parser)
    parser.add_argument(
        "--history", type=positive, default=3000, help="token budget of the history (3000)"
    )
    parser.add_argument("--shop", action="store_true", help="let the model call the mock shop")


def _forecast(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", "-m", action="append", help="default: small and big")
    parser.add_argument("--users", type=number, required=True, help="users a day")
    parser.add_argument(
        "--requests", type=number, default=Decimal(1), help="requests a user and day"
    )
    parser.add_argument("--input", type=number, help="input tokens a request")
    parser.add_argument("--output", type=number, help="output tokens a request")
    parser.add_argument(
        "--cached", type=number, default=Decimal(0), help="cached share of the input, 0-1"
    )
    parser.add_argument(
        "--retries", type=number, default=Decimal(0), help="extra calls a request, 0-1"
    )
    parser.add_argument("--days", type=number, default=Decimal(30), help="days a month (30)")
    parser.add_argument(
        "--from-ledger", metavar="FEATURE", help="take the tokens from the calls of this feature"
    )
    json_option(parser)


def _ledger(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--by", choices=("day", "model", "feature"), default="day")
    parser.add_argument("--days", type=positive, help="only the last DAYS days")
    json_option(parser)


def _tokens(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", nargs="?", default="-", help="the text, or - for stdin")
    json_option(parser)


def _similar(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("texts", nargs="+", metavar="TEXT", help="two texts or more")
    json_option(parser)
