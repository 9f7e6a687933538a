"""What is asked about a call that works, one function a check; its docstring says why.

Each scripts the examiner's server, runs the program and compares what was printed with what the
server's log says. Calls that fail are in `examine_failures`.
"""

from __future__ import annotations

from decimal import Decimal

from shared.complaints import new_key, quoted
from shared.examine import need
from stage1_cost_cli.examine_bench import ANSWER, REPLY, AskBench, begins, usage_fault, usage_of

FOREIGN = "Zwölf naïve Größen: 東京は日本の首都です。 한국어, עברית, ½ Ω, 🙂 👩‍🚀 🏳️‍🌈 «fin»."
NEAR_USD = Decimal("0.0001")  # a hundredth of a cent
HOLD_AFTER = 12  # tokens, a third of the answer
SLOW_S, PACE_S = 1.5, 0.02  # far above what a busy machine adds to a call
TIMER_S = 0.01  # clocks of two processes, and rounding in the receipt
ESCAPE = "\x1b"


def answers(bench: AskBench) -> str:
    """Everything else stands on this: the words arrive unchanged and the exit code says so."""
    asked = bench.probe("small")
    asked.must_be(ANSWER)
    return f"{len(ANSWER)} characters, exit code 0, {asked.run.wall_s:.1f} s"


def receipt(bench: AskBench) -> str:
    """One line of JSON, so that a script can add up what was spent."""
    bench.wire()
    found = bench.probe("small").receipt
    return f"{found.model}, {found.input_tokens} in, {found.output_tokens} out"


def models(bench: AskBench) -> str:
    """Two names for two models; the receipt must name the one that was asked."""
    small, big = bench.wire("small"), bench.wire("big")
    ids = []
    for name in ("small", "big"):
        asked = bench.probe(name)
        ids.append(asked.calls[-1].model)
        need(
            ids[-1] in asked.receipt.model,
            f"the receipt names {asked.receipt.model!r}, the call asked for {ids[-1]!r}",
        )
    need(ids[0] != ids[1], f"small and big both ask for {ids[0]}")
    return f"small is {ids[0]} ({small}), big is {ids[1]} ({big})"


def streams(bench: AskBench) -> str:
    """The server sends a third of its answer and waits until that has been printed."""
    bench.wire()
    patience_s = 3 + 2 * bench.probe("small").run.wall_s  # from the start of the process
    key = new_key()
    with bench.start([[REPLY, {"kind": "hold", "after_tokens": HOLD_AFTER}]], key) as running:
        early = running.wait_for(lambda text: begins(ANSWER, text), patience_s)
        seen = running.stdout
        bench.server.release(key)
        asked = bench.finish(running, key)
    need(
        early,
        f"the server had sent {HOLD_AFTER} tokens and waited; after {patience_s:.1f} s standard "
        f"output was {quoted(seen)}. Is the stream read piece by piece, and each piece flushed?",
    )
    asked.must_be(ANSWER)
    return f"{len(seen.strip())} characters were printed while the server still held the rest"


def clean_pipe(bench: AskBench) -> str:
    """Colour codes in a pipe break whatever reads it."""
    bench.wire()
    stdout = bench.probe("small").run.stdout
    need(ESCAPE not in stdout, f"escape codes in a pipe: {stdout[:80]!r}")
    return "no escape codes"


def unicode(bench: AskBench) -> str:
    """A character can lie in two pieces of the stream, and not every pipe is ASCII."""
    bench.wire()
    bench.ask([{"kind": "reply", "text": FOREIGN}]).must_be(FOREIGN)
    return "six scripts and joined emoji unchanged"


def cost_small(bench: AskBench) -> str:
    return _cost(bench, "small", 60_000, 0)


def cost_big(bench: AskBench) -> str:
    return _cost(bench, "big", 60_000, 0)


def cost_cached(bench: AskBench) -> str:
    """Anthropic counts cached tokens beside the input, OpenAI inside it; both bill them less."""
    seen = _cost(bench, "big", 80_000, 60_000)
    if bench.wire("small") != bench.wire("big"):
        seen += " and " + _cost(bench, "small", 80_000, 60_000)
    return seen


def cost_long(bench: AskBench) -> str:
    """Many models cost more for a long prompt: the price is a table, not a number."""
    return _cost(bench, "small", 300_000, 0)


def latency(bench: AskBench) -> str:
    """The first token is what a person waits for; headers are not a token."""
    bench.wire()
    slow = {"kind": "slow_first_token", "seconds": SLOW_S}
    asked = bench.ask([[REPLY, slow, {"kind": "pace", "seconds_per_token": PACE_S}]])
    found, wall_s = asked.receipt, asked.run.wall_s
    first, total = found.first_token_s, found.total_s
    spread_s = (asked.calls[-1].output_tokens_sent - 1) * PACE_S
    need(
        first >= SLOW_S - TIMER_S,
        f"first_token_s is {first:.3f}; the server sent no token for {SLOW_S} s",
    )
    need(first <= total, f"first_token_s {first:.3f} is after total_s {total:.3f}")
    need(
        total - first >= spread_s / 2,
        f"first_token_s {first:.3f}, total_s {total:.3f}: the server took {spread_s:.2f} s from "
        "the first token to the last",
    )
    need(total <= wall_s + TIMER_S, f"total_s is {total:.3f}, the program ran {wall_s:.3f} s")
    return f"first token {first:.2f} s, total {total:.2f} s"


def _cost(bench: AskBench, model: str, total: int, cached: int) -> str:
    """Tokens and price of one call that the server says was large."""
    usage = usage_fault(bench.wire(model), total, cached, 4_000)
    asked = bench.ask([[REPLY, usage]], model=model)
    need(asked.calls, "no model call was made")
    found, true = asked.receipt, bench.true_cost(asked.calls)
    stated = Decimal(str(found.cost_usd))
    last = usage_of(asked.calls[-1])
    case = f"{asked.calls[-1].model}, {total:,} in ({cached:,} cached), 4,000 out"
    need(
        abs(stated - true) < NEAR_USD,
        f"cost_usd is {stated:.6f}, the price is {true:.6f} ({case})",
    )
    tokens = (found.input_tokens, found.output_tokens)
    need(
        tokens == (last.input_tokens, last.output_tokens),
        f"the receipt says {tokens[0]} in and {tokens[1]} out ({case})",
    )
    return f"${true:.6f} ({case})"
