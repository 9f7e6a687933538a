"""Turns a `rich` renderable into text for the place it will be printed: width, colour, characters.

Without a terminal, or with NO_COLOR, it is plain ASCII: no colour codes, no box characters, so that
a pipe and a log stay readable. `rich` is imported here and not before (70 ms).
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType


class _Ascii(io.StringIO):
    """Tells rich to draw with ASCII; text that is not ASCII itself still passes."""

    encoding = "ascii"


def terminal_width() -> int:
    from rich.console import Console

    return Console().width


def to_text(
    *renderables: RenderableType, width: int | None = None, color: bool | None = None
) -> str:
    """`renderables` one under the other. What is not given is taken from standard output."""
    from rich.console import Console

    here = Console()
    color = here.is_terminal and not here.no_color if color is None else color
    console = Console(
        file=io.StringIO() if color else _Ascii(),
        width=width or here.width,
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        highlight=False,
        markup=False,
        emoji=False,
    )
    for renderable in renderables:
        console.print(renderable)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in lines)
