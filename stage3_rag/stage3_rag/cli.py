"""Arguments in, call, print. No logic: each command lives in `commands` and the module it names."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import date

from shared import cli
from shared.cli import json_option, positive

EXAMPLES = """examples:
  stage3 ingest ~/notes
  stage3 ask "When does a semantic cache return a wrong answer?"
  stage3 covered "Do we say anything about circuit breakers?"
  stage3 search "reciprocal rank fusion" --k 10
  stage3 ablate --html report.html
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0, 1 a file failed or a bar was missed, 2 and up as in `errors`."""
    return cli.main(_parser(), "stage3_rag.commands", argv)


def _parser() -> argparse.ArgumentParser:
    about = "Answers from a collection of documents, with citations, or a refusal."
    parser = cli.new_parser("stage3", about, EXAMPLES)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _ingest(commands.add_parser("ingest", help="a folder or a file into the collection"))
    _ask(commands.add_parser("ask", help="an answer with citations, or a refusal"))
    _covered(commands.add_parser("covered", help="is this in the collection? where?"))
    _search(commands.add_parser("search", help="what is found, and why, without a model"))
    _calibrate(commands.add_parser("calibrate", help="set the refusal threshold"))
    _ablate(commands.add_parser("ablate", help="retrievers, chunkers, reranker side by side"))
    _stats(commands.add_parser("stats", help="what the collection holds"))
    _reindex(commands.add_parser("reindex", help="rebuild with another chunker, then switch"))
    _pipe(commands.add_parser("pipe", help="JSON lines in, JSON lines out, as `compare` asks"))
    score = commands.add_parser("score", help="the numbers this stage is judged by")
    cli.score_options(score, "offline-large")
    cli.compare_options(commands.add_parser("compare", help="examine your own RAG beside this one"))
    return parser


def _tenant(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tenant", default="handbook", help="whose collection (handbook)")


def _question(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("question", help="in words; - reads it from standard input")
    parser.add_argument("--tag", action="append", default=[], help="only documents with this tag")
    parser.add_argument("--document", action="append", default=[], help="only this document")
    parser.add_argument("--since", type=_day, metavar="DATE", help="updated on this day or later")
    parser.add_argument("--until", type=_day, metavar="DATE", help="updated on this day or before")
    _tenant(parser)
    json_option(parser)


def _ingest(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", nargs="?", help="a folder or a file (the handbook)")
    parser.add_argument("--context-model", metavar="MODEL", help="writes a line for each chunk")
    _tenant(parser)
    json_option(parser)


def _ask(parser: argparse.ArgumentParser) -> None:
    _question(parser)
    parser.add_argument("--model", "-m", default="big", help="small, big or a model id (big)")
    parser.add_argument("--passages", type=positive, default=8, help="given to the model (8)")
    parser.add_argument(
        "--after", action="append", default=[], metavar="QUESTION", help="earlier turns, in order"
    )
    parser.add_argument("--expand", choices=("none", "expansion", "hyde", "self"), default="none")


def _covered(parser: argparse.ArgumentParser) -> None:
    _question(parser)


def _search(parser: argparse.ArgumentParser) -> None:
    _question(parser)
    parser.add_argument("--k", type=positive, default=5, help="hits (5)")


def _calibrate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", help="good questions, one a line (the dev questions)")
    _tenant(parser)
    json_option(parser)


def _ablate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--html", metavar="FILE", help="write one self-contained page with plots")
    parser.add_argument("--split", choices=("dev", "test"), default="dev", help="default: dev")
    json_option(parser)


def _stats(parser: argparse.ArgumentParser) -> None:
    _tenant(parser)
    json_option(parser)


def _reindex(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--chunker", help="default: the one in use")
    _tenant(parser)
    json_option(parser)


def _pipe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", "-m", default="big", help="small, big or a model id (big)")
    _tenant(parser)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-09-30") from None
