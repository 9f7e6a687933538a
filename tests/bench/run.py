"""`make bench`: our numbers beside those of others, taken in one run on this machine.

Not a test: timings depend on who else is at work here, so ratios are printed and nothing fails,
unless `--check` is given. Read in this order: `series`, `server`, `processes`, `environments`, then
`startup`, `first_token`, `load`, `extraction`, `steps`, `evals`. Needs PyPI once, for the peers;
everything measured is loopback. `run.py sizes` weighs the environments instead, and installs them
to do so; `run.py store` fills a database with 111,000 chunks and takes a quarter of an hour, and so
does `run.py rag`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable

from environments import PeerMissing, machine
from evals import evals_sections
from extraction import extraction_sections
from first_token import first_token_sections
from ingestion import ingestion_sections
from keyword_engines import keyword_sections
from lines import lines_section
from load import load_sections
from processes import ProgramFailed
from rag import rag_sections
from series import Section, render
from sizes import sizes_section
from startup import first_token_section, help_section, import_section
from steps import step_sections
from store_speed import store_sections
from vector_precision import precision_section

PARTS: dict[str, Callable[[], list[Section]]] = {
    "startup": lambda: [help_section(), first_token_section(), import_section()],
    "first-token": first_token_sections,
    "load": load_sections,
    "extraction": extraction_sections,
    "store": lambda: [*store_sections(), *keyword_sections(), precision_section()],
    "ingestion": ingestion_sections,
    "rag": rag_sections,
    "steps": step_sections,
    "lines": lambda: [lines_section()],
    "evals": evals_sections,
    "sizes": lambda: [sizes_section()],
}
PLAIN = ("startup", "first-token", "load", "extraction", "ingestion", "steps", "lines", "evals")


def main() -> int:
    parser = argparse.ArgumentParser(description="Side-by-side measurements, under eight minutes.")
    parser.add_argument(
        "parts",
        nargs="*",
        metavar="PART",
        help=f"of {', '.join(PARTS)}; without: all but sizes, store and rag",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--check", action="store_true", help="exit 1 when an aim is missed")
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}: there are {', '.join(PARTS)}")
    facts = machine()
    sections: list[Section] = []
    if not given.json:
        print(_headline(facts), flush=True)
    try:
        for name in given.parts or PLAIN:
            for section in PARTS[name]():
                sections.append(section)
                if not given.json:
                    print("\n" + render(section), flush=True)
    except (PeerMissing, ProgramFailed) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    if given.json:
        found = {"machine": facts, "sections": [one.to_json() for one in sections]}
        print(json.dumps(found, indent=2))
    missed = [one for section in sections for one in section.comparisons if not one.ok]
    return 1 if given.check and missed else 0


def _headline(facts: dict[str, object]) -> str:
    versions = facts["versions"]
    assert isinstance(versions, dict)
    return (
        f"{facts['cpu']}, {facts['cores']} cores, {facts['system']}, Python {facts['python']}, "
        f"load {facts['load']}\n" + ", ".join(f"{name} {v}" for name, v in versions.items())
    )


if __name__ == "__main__":
    raise SystemExit(main())
