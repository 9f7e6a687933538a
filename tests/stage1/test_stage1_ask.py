"""`stage1 ask` against the offline model: what is sent, printed, kept and refused."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shared.errors import PromptTooLong
from shared.messages import Request, user
from shared.models import KNOWN
from shared.offline.server import LocalServer
from shared.offline.service import Options
from shared.tokens import count_tokens
from stage1_cost_cli.ask import refuse_too_long

Call = Callable[..., Any]

KEY = "offline"
OTHER = "compatible/offline-large"
OTHER_KEY = "key-of-the-other-one"
QUESTION = "What is a token?"
WORDS = "one two three four five six seven eight nine ten"
REPLY = {"kind": "reply", "text": WORDS}


@pytest.fixture
def other(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """A second model on the same server, on the other wire and under a key of its own.

    It answers from a script, so that the embedding model of `offline-large` is not needed.
    """
    monkeypatch.setenv("OPENAI_API_KEY", OTHER_KEY)
    server.script(OTHER_KEY, [REPLY] * 9)
    return OTHER


def bodies(server: LocalServer, key: str = KEY) -> list[dict[str, Any]]:
    return [entry.as_json()["body"] for entry in server.log(key)]


def ledger_rows(home: Path) -> list[dict[str, Any]]:
    connection = sqlite3.connect(home / "ledger.db")
    connection.row_factory = sqlite3.Row
    rows = [dict(row) for row in connection.execute("SELECT * FROM calls ORDER BY id")]
    connection.close()
    return rows


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "stages"


# --- the receipt against the server's own log ----------------------------------------------------
def test_the_receipt_says_what_the_server_billed(
    server: LocalServer, call: Call, home: Path
) -> None:
    ran = call("ask", QUESTION, "--receipt", "json")
    (entry,) = server.log(KEY)
    (said,) = ran.receipts
    assert ran.code == 0
    assert said["input_tokens"] == entry.billed["total"]
    assert said["output_tokens"] == entry.billed["output"] == count_tokens(ran.out.strip())
    assert said["request_id"] == entry.request_id
    assert said["model"] == said["asked"] == "offline-small"
    assert said["outcome"] == "ok"
    assert said["estimated"] is False
    assert 0 < said["first_token_s"] <= said["total_s"]
    expected = Decimal(entry.billed["total"]) * Decimal("0.10") / 10**6
    expected += Decimal(entry.billed["output"]) * Decimal("0.50") / 10**6
    assert said["cost_usd"] == float(expected)
    (row,) = ledger_rows(home)
    assert row["cost_usd"] == f"{expected:f}"
    assert row["feature"] == "ask"


def test_tokens_per_second_count_from_the_first_token(server: LocalServer, call: Call) -> None:
    slow = {"kind": "slow_first_token", "seconds": 0.3}
    server.script(KEY, [[REPLY, slow, {"kind": "pace", "seconds_per_token": 0.01}]])
    (said,) = call("ask", QUESTION, "--receipt", "json").receipts
    assert said["first_token_s"] >= 0.3
    assert said["total_s"] >= 0.39
    rate = said["output_tokens"] / (said["total_s"] - said["first_token_s"])
    assert said["tokens_per_s"] == pytest.approx(rate, rel=0.01)  # times are written rounded


def test_the_cached_share_is_what_the_cache_saved(
    server: LocalServer, call: Call, other: str
) -> None:
    long_prompt = "A rule of the house. " * 400 + QUESTION
    first, again = (
        call("ask", "-", "-m", other, "--receipt", "json", stdin=long_prompt).receipts[0]
        for _ in range(2)
    )
    assert first["cached_tokens"] == 0
    entry = server.log(OTHER_KEY)[1]
    assert again["cached_tokens"] == entry.billed["read"] > 1024
    read, total = Decimal(entry.billed["read"]), Decimal(entry.billed["total"])
    saved = read * (Decimal(2) - Decimal("0.20")) / 10**6  # what offline-large takes, notionally
    assert again["saved_by_cache_usd"] == float(saved)
    text = call("ask", "-", "-m", other, stdin=long_prompt).err
    without = (total * 2 + entry.billed["output"] * 10) / 10**6
    assert f"cache saved {saved / without:.0%}" in text


def test_a_usage_that_the_server_does_not_state_is_counted_here_and_marked(
    server: LocalServer, call: Call
) -> None:
    no_usage = [REPLY, {"kind": "usage", "overrides": None}]
    server.script(KEY, [no_usage, no_usage])
    (said,) = call("ask", QUESTION, "--receipt", "json").receipts
    assert said["estimated"] is True
    assert said["output_tokens"] == count_tokens(WORDS)
    assert said["cost_usd"] > 0
    ran = call("ask", QUESTION)
    assert f"~{count_tokens(WORDS)} out" in ran.err
    assert "~$" in ran.err


def test_a_model_without_a_price_says_so_and_is_never_free(
    monkeypatch: pytest.MonkeyPatch, call: Call, home: Path
) -> None:
    with LocalServer(options=Options(any_model="offline-small", control=True)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.openai_base_url)
        ran = call("ask", QUESTION, "-m", "compatible/mystery-7b")
        assert ran.code == 0
        assert "no price known" in ran.err
        assert "$" not in ran.err
        (said,) = call("ask", QUESTION, "-m", "compatible/mystery-7b", "--receipt", "json").receipts
        assert said["cost_usd"] is None
        two = ("-m", "compatible/mystery-7b", "-m", "compatible/mystery-8b")
        assert "$0" not in call("ask", QUESTION, *two).err
    assert {row["cost_usd"] for row in ledger_rows(home)} == {None}
    assert "?" in call("ledger").out


def test_an_own_price_file_prices_it(
    monkeypatch: pytest.MonkeyPatch, call: Call, tmp_path: Path
) -> None:
    (tmp_path / "prices.json").write_text('{"mystery-7b": {"input": 3, "output": 7}}')
    monkeypatch.setenv("STAGES_PRICES", str(tmp_path / "prices.json"))
    with LocalServer(options=Options(any_model="offline-small", control=True)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.openai_base_url)
        (said,) = call("ask", QUESTION, "-m", "compatible/mystery-7b", "--receipt", "json").receipts
    spent = Decimal(said["input_tokens"]) * 3 + Decimal(said["output_tokens"]) * 7
    assert said["cost_usd"] == float(spent / 10**6)
    assert said["price_source"] == "your price file"


# --- several models ------------------------------------------------------------------------------
def test_models_run_at_the_same_time_and_print_in_order(
    server: LocalServer, start: Call, other: str
) -> None:
    server.script(KEY, [[REPLY, {"kind": "hold", "after_tokens": 3}]])
    server.script(OTHER_KEY, [{"kind": "reply", "text": "eleven twelve"}])
    process = start("ask", QUESTION, "-m", "offline-small", "-m", other)
    # The second one has finished while the first one is held: neither waited for the other.
    assert [e.model for e in server.wait_finished(OTHER_KEY, 1, 30)] == ["offline-large"]
    assert server.wait_finished(KEY, 1, 0) == []
    server.release(KEY)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    text = f"--- offline-small\n{WORDS}\n--- offline-large\neleven twelve\n"
    assert out.decode() == text
    table = err.decode().splitlines()
    assert [line.split()[0] for line in table[:3]] == ["model", "offline-small", "offline-large"]


def test_one_of_two_that_fails_does_not_hide_the_other(
    server: LocalServer, call: Call, other: str
) -> None:
    server.script(KEY, [{"kind": "status", "status": 400, "message": "no such luck"}])
    server.script(OTHER_KEY, [REPLY])
    ran = call("ask", QUESTION, "-m", "offline-small", "-m", other)
    assert ran.code == 2
    assert WORDS in ran.out
    assert "stage1: offline-small: HTTP 400: no such luck" in ran.err
    assert "offline-large: ok" in ran.err


def test_the_same_model_twice_is_asked_twice(server: LocalServer, call: Call) -> None:
    ran = call("ask", QUESTION, "-m", "offline-small", "-m", "offline-small", "--json")
    answers = json.loads(ran.out)["answers"]
    ids = {answer["receipt"]["request_id"] for answer in answers}
    assert ids == {entry.request_id for entry in server.log(KEY)}
    assert len(ids) == 2


# --- forms of output -----------------------------------------------------------------------------
def test_json_is_one_object_with_text_and_receipt_in_the_order_asked(
    server: LocalServer, call: Call, other: str
) -> None:
    server.script(KEY, [[REPLY, {"kind": "slow_first_token", "seconds": 0.3}]])
    server.script(OTHER_KEY, [{"kind": "reply", "text": "first to finish"}])
    ran = call("ask", QUESTION, "-m", "offline-small", "-m", other, "--json")
    answers = json.loads(ran.out)["answers"]
    assert [(a["model"], a["text"]) for a in answers] == [
        ("offline-small", WORDS),
        ("offline-large", "first to finish"),
    ]
    assert [a["receipt"]["asked"] for a in answers] == ["offline-small", "offline-large"]
    assert ran.err == ""


def test_json_of_a_failure_is_json_too(server: LocalServer, call: Call) -> None:
    server.script(KEY, [{"kind": "status", "status": 401, "message": "who are you"}])
    ran = call("ask", QUESTION, "--json")
    (one,) = json.loads(ran.out)["answers"]
    assert ran.code == 3
    assert one["receipt"] is None
    assert "who are you" in one["error"]


def test_raw_prints_the_events_of_the_wire(server: LocalServer, call: Call) -> None:
    server.script(KEY, [REPLY])
    events = [json.loads(line) for line in call("ask", QUESTION, "--raw").out.splitlines()]
    assert events[0]["type"] == "message_start"
    assert events[-1]["type"] == "message_stop"
    deltas = [e["delta"]["text"] for e in events if e["type"] == "content_block_delta"]
    assert "".join(deltas) == WORDS


@pytest.mark.parametrize("flag", ["--json", "--no-stream"])
def test_raw_is_not_silently_dropped(server: LocalServer, call: Call, flag: str) -> None:
    ran = call("ask", QUESTION, "--raw", flag)
    assert ran.code == 2
    assert flag in ran.err
    assert server.log() == []


def test_without_a_stream_the_first_token_is_unknown_and_not_zero(
    server: LocalServer, call: Call
) -> None:
    (said,) = call("ask", QUESTION, "--no-stream", "--receipt", "json").receipts
    assert server.log()[0].streamed is False
    assert said["first_token_s"] is None
    assert said["tokens_per_s"] is None
    assert said["total_s"] > 0
    assert "first token - " in call("ask", QUESTION, "--no-stream").err


def test_the_answer_is_all_of_standard_output(server: LocalServer, call: Call) -> None:
    server.script(KEY, [REPLY] * 3)
    for more in ([], ["--no-stream"], ["--receipt", "none"]):
        ran = call("ask", QUESTION, *more)
        assert ran.out == WORDS + "\n"
        assert (ran.err == "") == ("none" in more)


# --- what is sent --------------------------------------------------------------------------------
def test_every_parameter_reaches_the_server(server: LocalServer, call: Call, other: str) -> None:
    words = ("--system", "Be brief.", "--temperature", "0.5", "--top-p", "0.9", "--top-k", "40")
    more = ("--max-tokens", "77", "--stop", "END", "--stop", "STOP")
    assert call("ask", QUESTION, "-m", other, *words, *more).code == 0
    (body,) = bodies(server, OTHER_KEY)
    assert body["temperature"] == 0.5
    assert body["top_p"] == 0.9
    assert body["top_k"] == 40
    assert body["max_tokens"] == 77
    assert body["stop"] == ["END", "STOP"]
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": QUESTION},
    ]


def test_stop_ends_the_answer(server: LocalServer, call: Call) -> None:
    server.script(KEY, [REPLY])
    assert call("ask", QUESTION, "--stop", " six").out == "one two three four five\n"


def test_a_cut_at_max_tokens_is_said(server: LocalServer, call: Call) -> None:
    server.script(KEY, [REPLY])
    ran = call("ask", QUESTION, "--max-tokens", "4")
    assert ran.out == "one two three four\n"
    assert "(cut at max tokens)" in ran.err


@pytest.mark.parametrize("flag", ["--temperature", "--top-p", "--top-k"])
def test_a_parameter_that_the_model_lacks_is_an_error_and_nothing_is_sent(
    server: LocalServer, call: Call, flag: str
) -> None:
    ran = call("ask", QUESTION, flag, "1")
    assert ran.code == 2
    assert "offline-small does not take " + flag[2:].replace("-", "_") in ran.err
    assert server.log() == []


def test_one_model_that_lacks_it_stops_the_others_before_they_cost(
    server: LocalServer, call: Call, other: str
) -> None:
    assert call("ask", QUESTION, "-m", other, "-m", "offline-small", "--temperature", "1").code == 2
    assert server.log() == []


# --- when it goes wrong --------------------------------------------------------------------------
def test_a_cut_in_the_middle_keeps_the_text_and_estimates_the_bill(
    server: LocalServer, call: Call, home: Path
) -> None:
    server.script(KEY, [[REPLY, {"kind": "cut", "after_tokens": 4}]])
    ran = call("ask", QUESTION)
    (entry,) = server.log(KEY)
    assert ran.code == 4
    assert ran.out == "one two three four\n"
    assert "(broken off)" in ran.err
    assert f"~{entry.billed['total']} in" in ran.err  # stated at the start of the stream
    assert "~4 out" in ran.err
    assert "~$0.00000" in ran.err
    assert entry.request_id in ran.err
    assert "stage1: " in ran.err.splitlines()[-1]
    (row,) = ledger_rows(home)
    assert row["error"] == "StreamBroken"
    assert row["price_source"].startswith("estimated")


def test_an_end_that_looks_clean_but_is_none_is_an_error(server: LocalServer, call: Call) -> None:
    server.script(KEY, [[REPLY, {"kind": "cut", "after_tokens": 4, "how": "clean"}]])
    ran = call("ask", QUESTION)
    assert ran.code == 4
    assert "before its end marker" in ran.err


def test_an_error_event_in_the_middle_is_an_error(server: LocalServer, call: Call) -> None:
    broken = {"kind": "error_event", "after_tokens": 2, "message": "the cat did it"}
    server.script(KEY, [[REPLY, broken]])
    ran = call("ask", QUESTION)
    assert ran.code == 4
    assert ran.out == "one two\n"
    assert "the cat did it" in ran.err


def test_a_429_is_tried_again_and_said(server: LocalServer, call: Call) -> None:
    limited = {"kind": "status", "status": 429, "headers": {"retry-after": "0.2"}}
    server.script(KEY, [limited, REPLY])
    ran = call("ask", QUESTION)
    assert ran.code == 0
    assert ran.out == WORDS + "\n"
    assert "try 1 failed (HTTP 429" in ran.err
    assert "next in 0." in ran.err
    assert "2 tries" in ran.err
    first, second = server.log(KEY)
    assert second.arrived_at - first.finished_at >= 0.2


def test_a_retry_of_one_of_several_says_whose_it_is(
    server: LocalServer, call: Call, other: str
) -> None:
    limited = {"kind": "status", "status": 429, "headers": {"retry-after": "0.05"}}
    server.script(OTHER_KEY, [limited, REPLY])
    ran = call("ask", QUESTION, "-m", "offline-small", "-m", other)
    assert "offline-large: try 1 failed (HTTP 429" in ran.err


@pytest.mark.parametrize(
    "more", [("-m", "offline-small"), ("-m", "offline-small", "--no-stream"), ("-m", OTHER)]
)
def test_a_refusal_is_said_and_is_no_success(
    server: LocalServer, call: Call, other: str, more: tuple[str, ...]
) -> None:
    for key in (KEY, OTHER_KEY):
        server.script(key, [{"kind": "refusal", "message": "not this one"}])
    ran = call("ask", QUESTION, *more)
    assert ran.code == 5
    assert "the model refused: not this one" in ran.err
    assert "(refused)" in ran.err  # and it was paid for
    assert ran.out.strip() == ""


def test_a_slow_server_meets_the_time_budget(
    server: LocalServer, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGES_TIMEOUT_S", "0.3")
    server.script(KEY, [{"kind": "hang", "seconds": 30}])
    ran = call("ask", QUESTION)
    assert ran.code == 4
    assert "STAGES_TIMEOUT_S" in ran.err


# --- questions that are none ---------------------------------------------------------------------
@pytest.mark.parametrize("question", ["", "   ", "\n\t\u2003"])
def test_an_empty_question_is_a_sentence_and_no_call(
    server: LocalServer, call: Call, question: str
) -> None:
    for ran in (call("ask", question), call("ask", "-", stdin=question)):
        assert ran.code == 2
        assert "the question is empty" in ran.err
    assert server.log() == []


def test_an_empty_stop_is_refused_here(server: LocalServer, call: Call) -> None:
    assert call("ask", QUESTION, "--stop", "").code == 2
    assert server.log() == []


def test_a_megabyte_is_counted_and_refused_with_both_numbers(
    server: LocalServer, call: Call
) -> None:
    prompt = "The quick brown fox jumps over the lazy dog. " * 23_000
    ran = call("ask", "-", stdin=prompt)
    assert ran.code == 2
    assert f"about {count_tokens(prompt) + 6:,} tokens" in ran.err
    assert "128,000" in ran.err
    assert server.log() == []


def test_many_bytes_in_few_tokens_are_not_too_long() -> None:
    blanks = Request(messages=(user(" " * 1_000_000),))  # a long run of blanks is one token
    refuse_too_long(blanks, KNOWN["offline-small"])


def test_max_tokens_counts_towards_the_window() -> None:
    fits = Request(messages=(user("hi"),), max_tokens=127_000)
    refuse_too_long(fits, KNOWN["offline-small"])
    with pytest.raises(PromptTooLong, match="lower --max-tokens"):
        refuse_too_long(Request(messages=(user("hi"),), max_tokens=128_000), KNOWN["offline-small"])


@pytest.mark.parametrize(
    ("data", "received"),
    [
        (b"caf\xe9 and \xff\xfe", "caf\ufffd and \ufffd\ufffd"),
        (b"a\x00b", "a\x00b"),
        ("snow \u2603 \U0001f600\r\n".encode(), "snow \u2603 \U0001f600\r\n"),
        (b"\xef\xbb\xbfwith a mark", "\ufeffwith a mark"),
    ],
)
def test_strange_bytes_arrive_as_text(
    server: LocalServer, call: Call, data: bytes, received: str
) -> None:
    assert call("ask", "-", stdin=data).code == 0
    (body,) = bodies(server)
    assert body["messages"][0]["content"][0]["text"] == received
