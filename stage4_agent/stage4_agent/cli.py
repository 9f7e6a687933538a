"""Arguments in, call, print. No logic: each command lives in `commands` and the module it names."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from shared import cli
from shared.cli import json_option, number, positive

EXAMPLES = """examples:
  stage4 run germany                                    a task of the list
  stage4 run "What is the average price of our chairs?"
  stage4 run germany --break sql=timeout                with a tool broken on purpose
  stage4 run order --session shop-1                     asks before it orders; goes on after a crash
  stage4 tasks --mode router
  stage4 replay .stages/agent/shop-1.jsonl
  stage4 run "Which tools are there?" --mcp 'npx some-server'
  stage4 compare --mine 'python my_agent.py'
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0, 1 no full answer or a bar was missed, 2 and up as in `errors`."""
    return cli.main(_parser(), "stage4_agent.commands", argv)


def _parser() -> argparse.ArgumentParser:
    about = "An agent with web search, SQL and a calculator that survives a broken tool."
    parser = cli.new_parser("stage4", about, EXAMPLES)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _run(commands.add_parser("run", help="work on a task, with a live view of the steps"))
    _tasks(commands.add_parser("tasks", help="list the tasks, or run them and check the answers"))
    _ways(commands.add_parser("ways", help="three tasks by the agent and by two prompts"))
    score = commands.add_parser("score", help="the numbers this stage is judged by")
    cli.score_options(score, "offline-large")
    _loop(score)
    _replay(commands.add_parser("replay", help="run a trace again without model and tools"))
    compare = commands.add_parser("compare", help="examine your own agent beside this one")
    cli.compare_options(compare)
    _serve_mcp(commands.add_parser("serve-mcp", help="offer the tools to any MCP client"))
    answer = commands.add_parser("answer", help="the agent as `compare` examines it: JSON in")
    answer.add_argument("--model", "-m", default="big", help="small, big or a model id (big)")
    return parser


def _model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", "-m", default="big", help="small, big or a model id (big)")
    parser.add_argument(
        "--mode", choices=("react", "plan", "router"), default="react", help="default: react"
    )
    _loop(parser)
    parser.add_argument(
        "--break", dest="broken", action="append", default=[], metavar="TOOL=FAULT",
        help="sql, web, calculator or order = timeout, error, empty, wrong_schema, garbage, slow "
        "or injection",
    )  # fmt: skip


def _loop(parser: argparse.ArgumentParser) -> None:
    about = "the loop of this stage, or its port to LangGraph (default: bare)"
    parser.add_argument("--loop", choices=("bare", "langgraph"), default="bare", help=about)


def _run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", nargs="?", help="a task's id, a question, or - for standard input")
    _model(parser)
    parser.add_argument("--steps", type=positive, default=12, help="most model calls (12)")
    parser.add_argument("--usd", type=number, default="0.50", help="most money (0.50)")
    parser.add_argument("--seconds", type=positive, default=120, help="most time (120)")
    parser.add_argument("--session", metavar="NAME", help="go on with this session if it exists")
    parser.add_argument("--trace", metavar="FILE", help="where the record goes (.stages/agent/)")
    by_key = "agree to the action that a waiting run named by this key"
    parser.add_argument("--approve", action="append", default=[], metavar="KEY", help=by_key)
    parser.add_argument("--deny", action="append", default=[], metavar="KEY")
    parser.add_argument("--notes", action="store_true", help="offer a store for later sessions")
    _mcp(parser, "offer the tools of this MCP server as well: a URL, or a command in quotes")
    json_option(parser)


def _tasks(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", nargs="*", help="only these; without --run they are listed")
    parser.add_argument("--run", action="store_true", help="run them and check the answers")
    _model(parser)
    json_option(parser)


def _ways(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", "-m", default="big", help="small, big or a model id (big)")
    json_option(parser)


def _serve_mcp(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command="serve_mcp")
    parser.add_argument(
        "--http", type=port, metavar="PORT",
        help="streamable HTTP on this port of this machine, 0 for any; without it, stdio",
    )  # fmt: skip
    parser.add_argument("--writes", action="store_true", help="also the tool that places orders")


def port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no port: 0 to 65535")
    return int(text)


def _replay(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("trace", metavar="TRACE", help="a file that `stage4 run` wrote")
    _mcp(parser, "the MCP server that the run had")
    json_option(parser)


def _mcp(parser: argparse.ArgumentParser, use: str) -> None:
    parser.add_argument("--mcp", action="append", default=[], metavar="SERVER", help=use)
