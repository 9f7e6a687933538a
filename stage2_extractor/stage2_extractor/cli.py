"""Arguments in, call, print. No logic: each command lives in `commands` and the module it names."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from shared import cli
from shared.cli import json_option, positive

EXAMPLES = """examples:
  stage2 extract invoice.pdf
  stage2 extract invoices/ --format csv --out invoices.csv
  cat invoice.txt | stage2 extract -
  echo "My parcel is late" | stage2 classify -
  stage2 prompts invoice --diff 2 3
  stage2 eval --prompt 1 --prompt 3 --split dev
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0, 1 a document failed or a bar was missed, 2 and up as in `errors`."""
    return cli.main(_parser(), "stage2_extractor.commands", argv)


def _parser() -> argparse.ArgumentParser:
    about = "Records from invoices, buckets for tickets, and how good they are."
    parser = cli.new_parser("stage2", about, EXAMPLES)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _extract(commands.add_parser("extract", help="records from a file, a folder or standard input"))
    _extract(commands.add_parser("classify", help="the bucket of a ticket"))
    _prompts(commands.add_parser("prompts", help="the versions, what changed and what they cost"))
    _eval(commands.add_parser("eval", help="prompt versions side by side on labelled data"))
    score = commands.add_parser("score", help="the numbers this stage is judged by")
    cli.score_options(score, "offline-large")
    _compare(commands.add_parser("compare", help="examine your own program beside this one"))
    return parser


def _models(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", "-m", default="small", help="small, big or a model id (small)")
    parser.add_argument("--fallback", default="big", help="asked when that fails twice (big)")
    parser.add_argument("--max-tokens", type=positive, default=4096, help="of one answer (4096)")


def _extract(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", help="a text or PDF file, a folder, or - for standard input")
    parser.add_argument("--prompt", default="3", help="version of the prompt (3)")
    _models(parser)
    parser.add_argument("--format", choices=("jsonl", "csv", "record"), default="jsonl")
    parser.add_argument("--out", metavar="FILE", help="write here instead of standard output")
    parser.add_argument("--journal", metavar="FILE", help="what is already paid for (in .stages/)")
    parser.add_argument("--at-a-time", type=positive, default=4, help="calls in parallel (4)")


def _prompts(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", nargs="?", choices=("invoice", "ticket"), help="default: both")
    parser.add_argument("--diff", nargs=2, metavar=("OLD", "NEW"), help="what changed between two")
    json_option(parser)


def _eval(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--task", choices=("invoice", "ticket"), default="invoice")
    parser.add_argument("--prompt", action="append", help="version; several times (all of 1, 2, 3)")
    parser.add_argument("--split", choices=("dev", "test"), default="dev", help="default: dev")
    parser.add_argument("--repeat", type=positive, default=1, help="runs of each case (1)")
    parser.add_argument("--chart", metavar="FILE", help="write a chart as SVG")
    parser.add_argument(
        "--agreement", action="store_true", help="only the two labellers' agreement"
    )
    _models(parser)
    json_option(parser)


def _compare(parser: argparse.ArgumentParser) -> None:
    given = parser.add_mutually_exclusive_group(required=True)
    given.add_argument("--mine", metavar="COMMAND", help="your program; see README")
    given.add_argument("--schema", action="store_true", help="print the JSON schema of a record")
    cli.only_option(parser)
