"""The offline model as a command: `python -m shared.offline --port 9100`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ipaddress
import sys

from shared.errors import OfflineServerFailed, StageError
from shared.offline.service import Options

BRAINS = ("offline-small", "offline-large")


def main(argv: list[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    try:
        _run(args)
    except StageError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m shared.offline", description=__doc__)
    parser.add_argument("--port", type=int, default=9100, help="0 takes any free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--control", action="store_true", help="open /control: faults and the log")
    parser.add_argument(
        "--any-model", choices=BRAINS, metavar="MODEL", help="answers for unknown model names"
    )
    parser.add_argument(
        "--pace", type=float, default=0.0, metavar="TOKENS_PER_SECOND", help="default: at once"
    )
    return parser


def _run(args: argparse.Namespace) -> None:
    if args.control and not _loopback(args.host):
        raise OfflineServerFailed(
            f"--control lets anybody who can connect read every request, so it is refused on "
            f"{args.host}; leave out --host, or leave out --control"
        )
    if args.pace < 0:
        raise OfflineServerFailed("--pace must not be negative")
    from shared.offline.app import create_app
    from shared.offline.server import bind, uvicorn_server

    try:
        listener = bind(args.host, args.port)
    except (OSError, OverflowError) as error:
        raise OfflineServerFailed(
            f"cannot listen on {args.host} port {args.port}: {error}; choose another with --port"
        ) from error
    options = Options(any_model=args.any_model, pace=args.pace, control=args.control)
    with contextlib.closing(listener):
        server = uvicorn_server(create_app(options=options))
        sys.stdout.write(_greeting(args.host, listener.getsockname()[1]))
        sys.stdout.flush()
        asyncio.run(server.serve(sockets=[listener]))


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _greeting(host: str, port: int) -> str:
    root = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    return f"offline model: ANTHROPIC_BASE_URL={root} OPENAI_BASE_URL={root}/v1, any API key\n"


if __name__ == "__main__":
    sys.exit(main())
