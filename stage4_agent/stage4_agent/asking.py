"""Who decides about a side effect when the command runs: keys given with it, or who sits there."""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace

from shared.process import note
from stage4_agent.contract import Approve, Decision, Proposal


def asks(arguments: Namespace) -> Approve:
    """Keys given on the command line, then whoever sits at the terminal, else nobody."""

    async def approve(proposal: Proposal) -> Decision:
        if proposal.key in arguments.approve:
            return "yes"
        if proposal.key in arguments.deny:
            return "no"
        if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
            return "later"
        return await asyncio.to_thread(_asked, proposal)

    return approve


def _asked(proposal: Proposal) -> Decision:
    given = ", ".join(f"{name}={value!r}" for name, value in proposal.arguments.items())
    warning = " after reading text from strangers" if proposal.tainted else ""
    note(f"The agent wants{warning}: {proposal.tool}({given})")
    said = input("Do it? yes / no / later: ").strip().lower()
    return "yes" if said in ("y", "yes") else "no" if said in ("n", "no") else "later"
