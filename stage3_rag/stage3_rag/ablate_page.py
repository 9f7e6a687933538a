"""An ablation as one HTML page that stands alone: no script, no font, no address of others.

Two plots, a point with its 95% interval for every ranking over every chunker, and the whole table.
Left out: what to conclude.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from shared.resampling import Interval
from stage3_rag.ablate import METRICS, Outcome

PLOTTED = ("recall@5", "nDCG@10")
# Told apart also by colour-blind readers (Okabe and Ito, 2008).
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9")
LEFT, WIDTH, RIGHT = 110, 560, 60
LINE, GAP, TOP = 15, 16, 44
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; max-width: 62rem; margin: 2rem auto;
  padding: 0 1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid #ddd; }
th:nth-child(-n+3), td:nth-child(-n+3) { text-align: left; }
.best { font-weight: 700; } small { color: #666; font-weight: 400; white-space: nowrap; }
svg { max-width: 100%; height: auto; }
"""


def page(outcomes: Sequence[Outcome], *, questions: int, documents: int, embedder: str) -> str:
    """`outcomes` in the order in which they are to stand."""
    facts = f"{questions} questions, {documents} documents, embedder {embedder}"
    plots = "\n".join(_plot(outcomes, name) for name in PLOTTED)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Ablation of the retriever</title><style>{STYLE}</style></head><body>\n"
        f"<h1>Ablation of the retriever</h1>\n<p>{escape(facts)}. Bars are 95% intervals over the "
        "questions: two rankings whose bars overlap much are not told apart by this set. The "
        "filled point is the default ranking.</p>\n"
        f"{plots}\n<h2>All numbers</h2>\n{_table(outcomes)}\n</body></html>\n"
    )


def _plot(outcomes: Sequence[Outcome], metric: str) -> str:
    low = min(one.metrics[metric].low for one in outcomes)
    start = int(max(low - 0.02, 0) * 20) / 20
    chunkers = list(dict.fromkeys(one.chunker for one in outcomes))
    height = TOP + LINE * len(outcomes) + GAP * len(chunkers) + 20
    across = LEFT + WIDTH + RIGHT + 40
    parts = [
        f"<h2>{escape(metric)}</h2>",
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {across} {height}" '
        f'role="img" font-family="system-ui, sans-serif" font-size="12"><title>{metric}</title>',
        *_scale(start, height),
    ]
    top = float(TOP)
    for chunker in chunkers:
        parts.append(_text(0, top + 4, chunker, weight="700"))
        rows = [one for one in outcomes if one.chunker == chunker]
        colour = COLOURS[chunkers.index(chunker) % len(COLOURS)]
        for one in rows:
            parts += _point(one, one.metrics[metric], top, colour, start)
            top += LINE
        top += GAP
    return "\n".join([*parts, "</svg>"])


def _scale(start: float, height: float) -> Iterator[str]:
    steps = round((1 - start) / 0.05)
    every = 2 if steps > 10 else 1
    for step in range(0, steps + 1, every):
        value = start + step * 0.05
        x = _x(value, start)
        yield f'<path d="M{x:.1f} {TOP - 14}V{height - 18}" stroke="#e4e4e4"/>'
        yield _text(x, TOP - 20, f"{value:.2f}", "middle")


def _point(one: Outcome, number: Interval, top: float, colour: str, start: float) -> Iterator[str]:
    low, high, at = (_x(value, start) for value in (number.low, number.high, number.value))
    fill = colour if one.method == "default" else "#ffffff"
    yield _text(LEFT + 60, top + 4, one.method, "end")
    yield f'<path d="M{low:.1f} {top}H{high:.1f}" stroke="{colour}" stroke-width="1.5"/>'
    yield (
        f'<circle cx="{at:.1f}" cy="{top}" r="4" fill="{fill}" stroke="{colour}" '
        f'stroke-width="1.5"><title>{one.chunker}, {one.method}: {number.value:.3f} '
        f"({number.low:.3f} to {number.high:.3f})</title></circle>"
    )
    yield _text(LEFT + WIDTH + RIGHT + 30, top + 4, f"{number.value:.3f}", "end")


def _x(value: float, start: float) -> float:
    return LEFT + 75 + (WIDTH - 60) * (value - start) / (1 - start)


def _table(outcomes: Sequence[Outcome]) -> str:
    best = {name: max(one.metrics[name].value for one in outcomes) for name in METRICS}
    heads = ["chunker", "ranking", "chunks", *METRICS, "CPU ms a question"]
    rows = [
        "<tr>"
        + "".join(f"<td>{escape(text)}</td>" for text in (one.chunker, one.method, str(one.chunks)))
        + "".join(_number(one.metrics[name], best[name]) for name in METRICS)
        + f"<td>{one.cpu_ms:.1f}</td></tr>"
        for one in outcomes
    ]
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n" + "\n".join(rows) + "</tbody></table>"


def _number(number: Interval, best: float) -> str:
    mark = ' class="best"' if number.value == best else ""
    span = f"<br><small>{number.low:.2f} to {number.high:.2f}</small>"
    return f"<td{mark}>{number.value:.3f}{span}</td>"


def _text(x: float, y: float, words: str, anchor: str = "start", weight: str = "400") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" '
        f'fill="#333333">{escape(words)}</text>'
    )
