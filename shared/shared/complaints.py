"""How a program reports a failure: in a sentence, or in a stack trace that only its author reads.

Used by the examiners of `make compare`. Left out: whether the failure had to be one.
"""

from __future__ import annotations

import re
import secrets

from shared.examine import need
from shared.programs import Run

CRASH = re.compile(
    r"Traceback \(most recent call last\)|^\s+at .+:\d+(:\d+)?\)?$|^goroutine \d+|^panic: "
    r"|panicked at|Exception in thread|^\s+from .+:\d+:in ",
    re.MULTILINE,
)


def must_report(run: Run, said: str) -> str:
    """A failure with a sentence; `said` is what of standard error should be one."""
    need(run.exit_code, f"a failure taken as success: exit code 0, said {quoted(said)}")
    need(run.exit_code > 0, f"ended by signal {-run.exit_code}")
    crash = CRASH.search(run.stderr) or CRASH.search(run.stdout)
    need(not crash, f"a stack trace instead of a sentence: {quoted(run.stderr)}")
    need(len(re.findall(r"\w+", said)) >= 3, f"no sentence on standard error: {quoted(said)}")
    return said


def quoted(text: str, longest: int = 160) -> str:
    """The last lines of a program's output for a message: one line, no control characters."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return repr(flat if len(flat) <= longest else "… " + flat[-longest:])


def new_key(start: str = "sk-examiner") -> str:
    """A key that no other run has, and so a script of its own at the offline server."""
    return f"{start}-{secrets.token_hex(12)}"
