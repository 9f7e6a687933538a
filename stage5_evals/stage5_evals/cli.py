"""Arguments in, call, print. No logic: each command lives in `commands` and the module it names."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from shared import cli
from shared.cli import finite, json_option, positive

EXAMPLES = """examples:
  stage5 run --suite stage5_evals/examples/ferry/suite.toml
  stage5 run --target "python -m stage3_rag pipe" --repeat 3
  stage5 compare 20261125-101500-3f2a 20261125-102200-91cc
  stage5 gate --json
  stage5 baseline --why "the new reranker finds more"
  stage5 calibrate --split test
  stage5 power --cases 100 --unstable 0.2
  stage5 prove --times 20
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0, 1 the gate or a run says no, 2 and up as in `errors`."""
    return cli.main(_parser(), "stage5_evals.commands", argv)


def _parser() -> argparse.ArgumentParser:
    about = "Judges answers, compares runs, and fails the build when they get worse."
    parser = cli.new_parser("stage5", about, EXAMPLES)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _run(commands.add_parser("run", help="ask every case, grade every answer, keep a folder"))
    compare = commands.add_parser("compare", help="two runs, case by case, with a paired test")
    compare.add_argument("old", help="the id or the folder of a run")
    compare.add_argument("new")
    compare.add_argument("--prefer", metavar="MODEL", help="ask it which answer is better, twice")
    json_option(compare)
    _gate(commands.add_parser("gate", help="exit 1 when a gated metric fell, or nothing was seen"))
    _baseline(commands.add_parser("baseline", help="make a run the one that the gate holds"))
    _power(commands.add_parser("power", help="what drop a set of cases can show"))
    check = commands.add_parser("check", help="look for duplicates, leaks and stale labels")
    _suite(check)
    json_option(check)
    _prove(
        commands.add_parser("prove", help="planted regressions must be red, harmless ones green")
    )
    _calibrate(commands.add_parser("calibrate", help="how far a judge agrees with people"))
    _sample(commands.add_parser("sample", help="questions of production as cases to label"))
    _drift(commands.add_parser("drift", help="has production moved away from the golden set?"))
    _ab(commands.add_parser("ab", help="two prompts on live traffic, looked at at any time"))
    _report(commands.add_parser("report", help="one HTML page for a run, or for all of them"))
    score = commands.add_parser("score", help="the numbers this stage is judged by")
    cli.score_options(score, "offline-small")
    return parser


def _suite(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--suite", metavar="FILE", help="what is run (stage5_evals/examples/ferry/suite.toml)"
    )


def _run(parser: argparse.ArgumentParser) -> None:
    _suite(parser)
    parser.add_argument("--target", help="module:function, a command, or an address")
    parser.add_argument("--cases", metavar="FILE", help="other cases than the suite's")
    parser.add_argument("--split", help="only the cases of this split")
    parser.add_argument("--repeat", type=positive, help="answers to each case")
    parser.add_argument("--at-a-time", type=positive, help="cases in parallel")
    parser.add_argument("--max-usd", type=finite, help="stop before more is spent")
    parser.add_argument("--fresh", action="store_true", help="take nothing from earlier runs")
    again = parser.add_mutually_exclusive_group()
    again.add_argument("--resume", metavar="RUN", help="go on with an interrupted run")
    again.add_argument("--again", metavar="RUN", help="a new run of the suite that RUN had")
    json_option(parser)


def _gate(parser: argparse.ArgumentParser) -> None:
    _suite(parser)
    parser.add_argument("--run", metavar="RUN", help="judge this run (without: run the suite now)")
    parser.add_argument("--fresh", action="store_true", help="take nothing from earlier runs")
    json_option(parser)


def _baseline(parser: argparse.ArgumentParser) -> None:
    _suite(parser)
    parser.add_argument("--run", metavar="RUN", help="default: run the suite now")
    parser.add_argument("--why", required=True, help="one sentence, kept in the file")


def _power(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cases", type=positive, action="append", help="several times (100, 300)")
    parser.add_argument("--base", type=finite, default=0.85, help="share that is right now (0.85)")
    parser.add_argument("--unstable", type=finite, action="append", help="share that wavers")
    parser.add_argument("--drop", type=finite, default=0.05, help="share of it that blocks (0.05)")
    json_option(parser)


def _prove(parser: argparse.ArgumentParser) -> None:
    _suite(parser)
    parser.add_argument("--times", type=positive, default=1, help="everything so often (1)")
    parser.add_argument("--only", action="append", default=[], metavar="CHANGE")
    json_option(parser)


def _calibrate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", default="offline-small", help="the judge's (offline-small)")
    parser.add_argument("--prompt", default="1", metavar="VERSION", help="of its prompt (1)")
    parser.add_argument("--ratings", metavar="FILE", help="rated answers, one JSON object a line")
    parser.add_argument("--split", default="", help="only the answers of this split")
    parser.add_argument("--repeats", type=positive, default=1, help="verdicts for each answer (1)")
    parser.add_argument(
        "--keep", action="store_true", help="write it beside the ratings for a gate"
    )
    parser.add_argument("--wrong", action="store_true", help="list what the judge got wrong")
    json_option(parser)


def _sample(parser: argparse.ArgumentParser) -> None:
    _suite(parser)
    parser.add_argument("traces", help="a trace store, or JSON lines with a question each")
    parser.add_argument("--count", type=positive, default=50, help="how many (50)")
    parser.add_argument("--out", metavar="FILE", help="where the cases go (standard output)")


def _drift(parser: argparse.ArgumentParser) -> None:
    _suite(parser)
    parser.add_argument(
        "traces", nargs="?", help="a trace store, or JSON lines with a question each"
    )
    parser.add_argument("--runs", nargs=2, metavar=("BEFORE", "NOW"), help="their scores as well")
    parser.add_argument("--metric", default="answer_correct", help="of the two runs")
    json_option(parser)


def _ab(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "outcomes",
        nargs="?",
        help='JSON lines: {"arm": "A", "good": true} as they came, or {"a": true, "b": false}',
    )
    parser.add_argument("--alpha", type=finite, default=0.05, help="share of false alarms (0.05)")
    parser.add_argument("--base", type=finite, default=0.85, help="share that is good now (0.85)")
    parser.add_argument("--drop", type=finite, default=0.05, help="share of it to notice (0.05)")
    json_option(parser)


def _report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", nargs="?", help="a run's id or folder (default: the latest)")
    parser.add_argument("--history", action="store_true", help="all runs of the same cases")
    parser.add_argument("--out", metavar="FILE", help="where the page goes (into the run's folder)")
