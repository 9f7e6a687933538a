"""An evaluation as one SVG file: a bar a prompt version for each number, with its interval.

Shares only: what costs and takes time stands in the table, on scales of its own. The file stands
alone, without fonts, scripts or addresses of others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from stage2_extractor.evaluation import Run
from stage2_extractor.summary import Number, grade, numbers

SHOWN = {
    "invoice": (
        "field_f1",
        "field_f1_macro",
        "line_item_f1",
        "exact_records",
        "hallucinated_values",
        "false_where_absent",
    ),
    "ticket": ("macro_f1", "accuracy", "accuracy_clear", "accuracy_ambiguous"),
}
# Told apart also by colour-blind readers and in grey (Okabe and Ito, 2008).
COLOURS = ("#bdbdbd", "#56b4e9", "#0072b2", "#e69f00", "#009e73", "#d55e00")
LEFT, WIDTH, RIGHT = 170, 480, 70
BAR, GAP, TOP = 16, 18, 64


def chart(runs: Sequence[Run]) -> str:
    """The SVG of one task's versions, in the order given."""
    shown = SHOWN[runs[0].prompt.task]
    by_name = [{number.name: number for number in numbers(grade(run))} for run in runs]
    step = BAR * len(runs) + GAP
    height = TOP + step * len(shown) + 24
    parts = [*_frame(runs, height)]
    for place, name in enumerate(shown):
        top = TOP + step * place
        parts.append(_text(LEFT - 10, top + BAR * len(runs) / 2 + 4, name, "end"))
        for i, column in enumerate(by_name):
            parts += _bar(column[name], top + BAR * i, COLOURS[i % len(COLOURS)])
    return "\n".join([*parts, "</svg>\n"])


def _frame(runs: Sequence[Run], height: int) -> Iterator[str]:
    """Size, title, legend and scale."""
    across = LEFT + WIDTH + RIGHT
    title = f"{len(runs[0].by_case())} {runs[0].prompt.task}s, on {' then '.join(runs[0].models)}"
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {across} {height}" role="img" '
        'font-family="sans-serif" font-size="12">'
    )
    yield f"<title>{escape(title)}</title>"
    yield f'<rect width="{across}" height="{height}" fill="#ffffff"/>'
    yield _text(LEFT, 20, title)
    for i, run in enumerate(runs):
        at = LEFT + 120 * i
        yield f'<rect x="{at}" y="32" width="12" height="12" fill="{COLOURS[i % len(COLOURS)]}"/>'
        yield _text(at + 18, 42, run.prompt.name)
    for tenth in range(0, 11, 2):
        x = LEFT + WIDTH * tenth / 10
        yield f'<path d="M{x:.1f} {TOP - 8}V{height - 22}" stroke="#dddddd"/>'
        yield _text(x, height - 8, f"{tenth / 10:.1f}", "middle")


def _bar(number: Number, top: float, colour: str) -> Iterator[str]:
    if number.value is None:
        yield _text(LEFT + 6, top + 12, "nothing to count")
        return
    wide = WIDTH * number.value
    yield (
        f'<rect x="{LEFT}" y="{top}" width="{wide:.1f}" height="{BAR - 2}" fill="{colour}">'
        f"<title>{number.name} {number.value:.3f}</title></rect>"
    )
    end = wide
    if number.low is not None and number.high is not None:
        low, end = LEFT + WIDTH * number.low, WIDTH * number.high
        y = top + (BAR - 2) / 2
        yield f'<path d="M{low:.1f} {y}H{LEFT + end:.1f}" stroke="#222222" stroke-width="1.5"/>'
    yield _text(LEFT + max(end, wide) + 6, top + 12, f"{number.value:.3f}")


def _text(x: float, y: float, words: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
