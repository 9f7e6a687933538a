"""Lines of code of the loop and of its port to LangGraph, counted: whole files, then by duty.

A line counts when it holds a token that is no comment and no docstring. A duty is a list of
functions; what a function does besides is counted with it, on both sides alike.
"""

from __future__ import annotations

import ast
import io
import tokenize

from environments import ROOT
from series import Section

PACKAGE = ROOT / "stage4_agent" / "stage4_agent"
LOOP, PORT = "loop", "port"
FILES = {
    LOOP: ("agent.py", "session.py"),
    PORT: ("graph_state.py", "graph_nodes.py", "langgraph_port.py"),
}
DUTIES: dict[str, dict[str, tuple[str, ...]]] = {
    "the loop: what comes next": {
        LOOP: ("agent.py:solve", "agent.py:begin", "agent.py:step"),
        PORT: ("langgraph_port.py:ported", "langgraph_port.py:run"),
    },
    "calls of a turn at the same time, joined again": {
        LOOP: ("agent.py:_act",),
        PORT: ("graph_nodes.py:_branches",),
    },
    "state, and going on after a crash": {
        LOOP: ("session.py:__init__", "session.py:_restore", "session.py:_happened"),
        PORT: (
            *("graph_state.py:State", "graph_state.py:new_state", "graph_state.py:of"),
            *("graph_state.py:packed", "graph_state.py:unpacked", "langgraph_port.py:_entry"),
        ),
    },
    "waiting for a person": {
        LOOP: ("agent.py:_may_not",),
        PORT: ("graph_nodes.py:_may_not", "langgraph_port.py:_go"),
    },
    "limits that end in an answer": {
        LOOP: ("agent.py:_reason", "agent.py:_why_last", "agent.py:partial"),
        PORT: (
            *("graph_nodes.py:think", "graph_nodes.py:_asked", "graph_nodes.py:why_last"),
            "graph_nodes.py:partial",
        ),
    },
    "one call: checked, run, repeated, told": {
        LOOP: (
            *("agent.py:_one", "agent.py:_run", "agent.py:_record", "agent.py:_repeat"),
            *("agent.py:_tell", "session.py:ended", "session.py:tell", "session.py:close_turn"),
        ),
        PORT: ("graph_nodes.py:call", "graph_nodes.py:observe", "graph_state.py:told"),
    },
}


def lines_section() -> Section:
    rows = {"all of it": {side: _whole(side) for side in FILES}}
    for duty, sides in DUTIES.items():
        rows[duty] = {side: sum(map(_named, places)) for side, places in sides.items()}
    table = {
        row: {side: [float(count)] for side, count in counts.items()}
        for row, counts in rows.items()
    }
    files = ", ".join(f"{side}: {' + '.join(names)}" for side, names in FILES.items())
    return Section("7 Lines of the loop and of its port", f"Lines of code. {files}.", table)


def _whole(side: str) -> int:
    return sum(len(_code_lines((PACKAGE / name).read_text())) for name in FILES[side])


def _named(place: str) -> int:
    file, _, name = place.partition(":")
    text = (PACKAGE / file).read_text()
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    (node,) = [n for n in ast.walk(ast.parse(text)) if isinstance(n, kinds) and n.name == name]
    assert node.end_lineno is not None
    return len(_code_lines(text) & set(range(node.lineno, node.end_lineno + 1)))


def _code_lines(text: str) -> set[int]:
    """The numbers of the lines that hold code; a string that stands alone is a docstring."""
    nothing = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    found: set[int] = set()
    statement: list[tokenize.TokenInfo] = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in (*nothing, tokenize.ENDMARKER):
            statement.append(token)
        if token.type in (tokenize.NEWLINE, tokenize.ENDMARKER):
            if [one.type for one in statement] != [tokenize.STRING]:
                for one in statement:
                    found |= set(range(one.start[0], one.end[0] + 1))
            statement = []
    return found
