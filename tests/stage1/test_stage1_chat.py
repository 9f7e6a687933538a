"""`stage1 chat`: turns, commands, memory within a budget, tools, and turns that go wrong."""

from __future__ import annotations

import json
import os
import pty
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from shared.messages import Message, Request, Text, ToolCall, ToolResult, assistant, user
from shared.offline.server import LocalServer
from stage1_cost_cli.chat import TOOL_ROUNDS
from stage1_cost_cli.conversation import SUMMARY_HEAD, Conversation
from stage1_cost_cli.estimate import input_tokens

Call = Callable[..., Any]

KEY = "offline"
PERSONA = "You are Ada, a patient assistant.  Two blanks, a tab\t and caf\u00e9.\nAnswer briefly."


def says(text: str) -> dict[str, Any]:
    return {"kind": "reply", "text": text}


def calls_tool(name: str, **arguments: Any) -> dict[str, Any]:
    return {"kind": "reply", "tool_calls": [{"id": "t1", "name": name, "arguments": arguments}]}


def bodies(server: LocalServer) -> list[dict[str, Any]]:
    return [entry.as_json()["body"] for entry in server.log(KEY)]


def told(message: dict[str, Any]) -> str:
    return " ".join(str(block.get("text", block)) for block in message["content"])


def ledger_rows(tmp_path: Path) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(tmp_path / "stages" / "ledger.db")) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute("SELECT * FROM calls ORDER BY id")]


# --- turns ---------------------------------------------------------------------------------------
def test_each_turn_is_sent_with_the_ones_before_it(
    server: LocalServer, call: Call, tmp_path: Path
) -> None:
    server.script(KEY, [says("I am Ada."), says("You said hello.")])
    ran = call("chat", "--system", PERSONA, stdin="hello\n\n   \nwhat did I say?\n")
    assert ran.code == 0
    assert ran.out == "I am Ada.\nYou said hello.\n"
    first, second = bodies(server)
    assert [told(message) for message in first["messages"]] == ["hello"]
    assert [(m["role"], told(m)) for m in second["messages"]] == [
        ("user", "hello"),
        ("assistant", "I am Ada."),
        ("user", "what did I say?"),
    ]
    assert first["system"] == second["system"]
    assert first["system"][0]["text"] == PERSONA
    assert ran.err.count("offline-small · ") == 3  # the greeting and two receipts
    assert ran.err.splitlines()[-1].startswith("2 calls, $0.0000")
    assert [row["feature"] for row in ledger_rows(tmp_path)] == ["chat", "chat"]


def test_the_end_of_the_input_and_quit_end_the_chat(server: LocalServer, call: Call) -> None:
    assert call("chat", stdin="").code == 0
    assert call("chat", stdin="/quit\nnot asked\n").code == 0
    assert server.log() == []
    assert call("chat", stdin="no line end").code == 0
    assert len(server.log()) == 1


def test_bytes_that_are_no_utf8_are_a_turn_like_any_other(
    server: LocalServer, stage1: Call
) -> None:
    ran = stage1("chat", stdin=b"caf\xe9 \xff\nand again\n")
    assert ran.code == 0
    assert "Traceback" not in ran.err
    assert told(bodies(server)[0]["messages"][0]) == "caf\ufffd \ufffd"


def test_a_retry_is_said(server: LocalServer, call: Call) -> None:
    limited = {"kind": "status", "status": 429, "headers": {"retry-after": "0.05"}}
    server.script(KEY, [limited, says("here")])
    ran = call("chat", stdin="hello\n")
    assert "try 1 failed (HTTP 429" in ran.err
    assert ran.out == "here\n"


# --- commands ------------------------------------------------------------------------------------
def test_model_switches_and_keeps_the_history(
    server: LocalServer, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.script(KEY, [says("from the small one"), says("from the big one")])
    ran = call("chat", stdin="hello\n/model offline-large\nand you?\n/model\n")
    assert [body["model"] for body in bodies(server)] == ["offline-small", "offline-large"]
    assert "from the small one" in told(bodies(server)[1]["messages"][1])
    assert ran.err.count("now offline-large") == 2


@pytest.mark.parametrize(
    ("name", "why"),
    [("gpt-4o", "needs OPENAI_API_KEY"), ("offline-smal", "did you mean offline-small")],
)
def test_a_model_that_cannot_be_used_changes_nothing(
    server: LocalServer, call: Call, name: str, why: str
) -> None:
    ran = call("chat", stdin=f"/model {name}\nhello\n")
    assert why in ran.err
    assert bodies(server)[0]["model"] == "offline-small"
    assert ran.code == 0


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("-m", "gpt-4o"), "needs OPENAI_API_KEY"),
        (("--temperature", "1"), "offline-small does not take temperature"),
        (("-m", "nope-nope-nope"), "unknown model"),
    ],
)
def test_what_cannot_work_is_told_at_the_start(
    server: LocalServer, call: Call, words: tuple[str, ...], why: str
) -> None:
    ran = call("chat", *words, stdin="hello\n")
    assert ran.code == 2
    assert why in ran.err
    assert server.log() == []


def test_reset_clears_the_turns_and_keeps_the_system_prompt(
    server: LocalServer, call: Call
) -> None:
    call("chat", "--system", PERSONA, stdin="my name is Bob\n/reset\nwho am I?\n")
    second = bodies(server)[1]
    assert [told(message) for message in second["messages"]] == ["who am I?"]
    assert second["system"][0]["text"] == PERSONA


def test_cost_adds_up(server: LocalServer, call: Call) -> None:
    ran = call("chat", stdin="/cost\nhello\nhello\n/cost\n")
    said = [line for line in ran.err.splitlines() if " calls, " in line]
    assert said[0] == "0 calls, $0.00"
    assert said[1] == said[2]
    billed = [entry.billed for entry in server.log(KEY)]
    spent = sum(bill["total"] * 0.10 + bill["output"] * 0.50 for bill in billed) / 10**6
    assert float(said[1].removeprefix("2 calls, $")) == pytest.approx(spent, rel=0.05)


def test_save_writes_the_chat_and_never_over_a_file(
    server: LocalServer, call: Call, tmp_path: Path
) -> None:
    server.script(KEY, [says("caf\u00e9")])
    (tmp_path / "there.json").write_text("mine")
    lines = ["hello", "/save a chat.json", "/save a chat.json", "/save there.json", "/save"]
    lines += ["/save no/such/folder.json", "/save bad\0name", f"/save {tmp_path}"]
    ran = call("chat", "--system", PERSONA, stdin="\n".join(lines))
    assert json.loads((tmp_path / "a chat.json").read_text(encoding="utf-8")) == {
        "system": PERSONA,
        "summary": "",
        "turns": [
            {"role": "user", "text": "hello"},
            {"role": "assistant", "text": "caf\u00e9"},
        ],
    }
    assert (tmp_path / "there.json").read_text() == "mine"
    assert "saved to a chat.json" in ran.err
    assert "a chat.json exists: choose another name" in ran.err
    assert "there.json exists" in ran.err
    assert "say where: /save FILE" in ran.err
    assert "no/such/folder.json cannot be written: No such file or directory" in ran.err
    assert "no file can have this name" in ran.err
    assert ran.code == 0


def test_an_unknown_command_is_not_a_question(server: LocalServer, call: Call) -> None:
    ran = call("chat", stdin="/cots\n/\n/help\n")
    assert ran.err.count("/model NAME") == 4
    assert server.log() == []


# --- memory --------------------------------------------------------------------------------------
def test_old_turns_are_summarised_and_the_system_prompt_stays_as_it_was(
    server: LocalServer, call: Call
) -> None:
    budget = 300
    long = "Remember that the blue box holds the tools. " * 6
    server.script(KEY, [says(f"answer {n}") for n in range(20)])
    ran = call(
        "chat",
        "--system",
        PERSONA,
        "--history",
        str(budget),
        stdin="".join(f"{n}: {long}\n" for n in range(10)),
    )
    assert ran.code == 0
    assert "old turns summarised" in ran.err
    sent = bodies(server)
    summaries = [body for body in sent if "<conversation>" in told(body["messages"][0])]
    turns = [body for body in sent if body not in summaries]
    assert len(turns) == 10
    assert len(summaries) >= 2
    systems = {json.dumps(body["system"]) for body in turns}
    assert len(systems) == 1
    assert json.loads(systems.pop())[0]["text"] == PERSONA
    for body in turns:
        texts = tuple(user(told(message)) for message in body["messages"])
        assert input_tokens(Request(messages=texts)) <= budget + 150  # and the summary
    last = turns[-1]["messages"]
    assert told(last[0]).startswith(SUMMARY_HEAD)
    assert told(last[-1]).startswith("9: ")
    # Each summary is told of the one before it, so nothing is forgotten at once.
    assert "(earlier) " in told(summaries[-1]["messages"][0])
    assert "(earlier) " not in told(summaries[0]["messages"][0])


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 400, "message": "no summary today"},
        {"kind": "refusal", "message": "not this"},
        says(""),
    ],
)
def test_a_summary_that_fails_loses_nothing(
    server: LocalServer, call: Call, fault: dict[str, Any]
) -> None:
    long = "Remember that the blue box holds the tools. " * 6
    server.script(KEY, [says("one"), fault, says("two")])
    ran = call("chat", "--history", "60", stdin=f"0: {long}\n1: {long}\n")
    assert "the history could not be summarised and is sent whole" in ran.err
    assert ran.out == "one\ntwo\n"
    last = bodies(server)[-1]["messages"]
    assert [told(message)[:2] for message in last] == ["0:", "on", "1:"]


def test_the_last_question_always_stays_and_a_result_never_loses_its_call() -> None:
    talk = Conversation("", budget=1)
    talk.add(user("first " * 50))
    assert talk.too_long() == []
    calling = Message("assistant", (ToolCall("1", "check_stock", '{"product_id": 3}'),))
    result = Message("user", (ToolResult("1", "12 left"),))
    for turn in (calling, result, assistant("There are 12."), user("and now?")):
        talk.add(turn)
    old = talk.too_long()
    assert old == talk.turns[:4]
    talk.replace_by_summary(old, " 12 left \n")
    assert talk.turns == [user("and now?")]
    (sent,) = talk.request(()).messages
    assert sent.parts[0] == Text(f"{SUMMARY_HEAD}12 left\n\n")
    assert sent.parts[1:] == user("and now?").parts


def test_a_question_taken_back_leaves_what_was_before() -> None:
    talk = Conversation("", budget=1000, turns=[user("a"), assistant("b")])
    calling = Message("assistant", (ToolCall("1", "check_stock", "{}"),))
    for turn in (user("c"), calling, Message("user", (ToolResult("1", "no"),))):
        talk.add(turn)
    talk.drop_unanswered()
    assert talk.turns == [user("a"), assistant("b")]


# --- tools ---------------------------------------------------------------------------------------
def test_a_tool_round_with_the_shop(server: LocalServer, call: Call) -> None:
    server.script(KEY, [calls_tool("check_stock", product_id=1), says("It is there.")])
    ran = call("chat", "--shop", stdin="is product 1 in stock?\n")
    assert ran.out == "It is there.\n"
    assert 'check_stock {"product_id": 1} -> {' in ran.err.replace(
        '"product_id":1', '"product_id": 1'
    )
    first, second = bodies(server)
    assert {tool["name"] for tool in first["tools"]} == {
        "find_products",
        "check_stock",
        "order_status",
    }
    call_block, result_block = (
        second["messages"][1]["content"][0],
        second["messages"][2]["content"][0],
    )
    assert call_block["type"] == "tool_use"
    assert result_block["type"] == "tool_result"
    assert result_block["tool_use_id"] == call_block["id"] == "t1"
    assert json.loads(result_block["content"])["id"] == 1
    assert ran.err.count("offline-small · ") == 3  # both calls have their receipt


def test_the_offline_model_finds_its_way_through_the_shop(server: LocalServer, call: Call) -> None:
    ran = call("chat", "--shop", stdin="Where is my order 1013?\n")
    assert ran.code == 0
    assert "order_status" in ran.err
    assert "1013" in bodies(server)[1]["messages"][2]["content"][0]["content"]
    assert ran.out.strip()


def test_a_tool_with_wrong_arguments_goes_back_as_an_error_to_the_model(
    server: LocalServer, call: Call
) -> None:
    server.script(KEY, [calls_tool("check_stock", product_id="one"), says("Which one?")])
    ran = call("chat", "--shop", stdin="stock?\n")
    assert ran.out == "Which one?\n"
    assert bodies(server)[1]["messages"][2]["content"][0]["is_error"] is True


def test_a_model_that_only_calls_tools_is_stopped_and_the_turn_taken_back(
    server: LocalServer, call: Call
) -> None:
    rounds = [calls_tool("check_stock", product_id=1)] * TOOL_ROUNDS
    server.script(KEY, [*rounds, says("fine")])
    ran = call("chat", "--shop", stdin="round and round\nhello\n")
    assert f"no answer after {TOOL_ROUNDS} rounds of tool calls" in ran.err
    assert len(server.log(KEY)) == TOOL_ROUNDS + 1
    assert [told(message) for message in bodies(server)[-1]["messages"]] == ["hello"]
    assert ran.out == "fine\n"


def test_a_tool_call_that_nobody_offered_is_a_sentence(server: LocalServer, call: Call) -> None:
    server.script(KEY, [calls_tool("rm_rf", path="/")])
    ran = call("chat", stdin="hello\n")
    assert ran.code == 5
    assert "the model called a tool and none was offered" in ran.err


# --- turns that go wrong -------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ({"kind": "status", "status": 400, "message": "no such luck"}, "no such luck"),
        ([says("one two three"), {"kind": "cut", "after_tokens": 2}], "closed the connection"),
        ({"kind": "refusal", "message": "not this"}, "the model refused: not this"),
        (says(""), "the model said nothing"),
    ],
)
def test_a_failed_turn_is_taken_back_and_the_chat_goes_on(
    server: LocalServer, call: Call, fault: Any, why: str
) -> None:
    server.script(KEY, [says("first"), fault, says("third")])
    ran = call("chat", stdin="a\nb\nc\n")
    assert ran.code == 0  # the last turn went well
    assert f"stage1: {why}" in ran.err or why in ran.err
    assert [told(message) for message in bodies(server)[-1]["messages"]] == ["a", "first", "c"]
    assert ran.out.endswith("third\n")


def test_a_chat_from_a_pipe_ends_with_the_code_of_its_last_turn(
    server: LocalServer, call: Call
) -> None:
    server.script(KEY, [says("fine"), {"kind": "status", "status": 401, "message": "who?"}])
    assert call("chat", stdin="a\nb\n").code == 3


def test_a_cut_at_max_tokens_is_said(server: LocalServer, call: Call) -> None:
    server.script(KEY, [says("one two three four five")])
    ran = call("chat", "--max-tokens", "2", stdin="count\n")
    assert "(cut at max tokens)" in ran.err
    assert ran.out == "one two\n"


def test_a_budget_stops_a_turn_before_its_call(
    server: LocalServer, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGES_BUDGET_USD", "0.00001")
    ran = call("chat", stdin="hello\n")
    assert ran.code == 2
    assert "STAGES_BUDGET_USD" in ran.err
    assert server.log() == []


def test_a_turn_that_is_too_long_is_refused_and_taken_back(server: LocalServer, call: Call) -> None:
    server.script(KEY, [says("fine")])
    ran = call("chat", stdin="many words here " * 60_000 + "\nhello\n")
    assert "tokens and --max-tokens is 1,024" in ran.err
    assert [told(message) for message in bodies(server)[-1]["messages"]] == ["hello"]


# --- signals -------------------------------------------------------------------------------------
def read_until(stream: Any, end: bytes) -> bytes:
    seen = b""
    while not seen.endswith(end):
        byte = stream.read(1)
        assert byte, seen
        seen += byte
    return seen


def test_ctrl_c_stops_the_answer_and_not_the_chat(
    server: LocalServer, start: Call, tmp_path: Path
) -> None:
    hold = {"kind": "hold", "after_tokens": 2}
    server.script(KEY, [[says("one two three"), hold], says("still here")])
    process = start("chat")
    process.stdin.write(b"count\n")
    process.stdin.flush()
    read_until(process.stdout, b"two")
    process.send_signal(signal.SIGINT)
    seen = read_until(process.stderr, b"stopped\n")
    out, err = process.communicate(b"hello\n", timeout=30)
    assert process.returncode == 0
    assert out == b"\nstill here\n"
    assert b"Traceback" not in seen + err
    assert b"offline-small (stopped early)" in err
    assert [told(message) for message in bodies(server)[-1]["messages"]] == ["hello"]
    assert [row["cancelled"] for row in ledger_rows(tmp_path)] == [1, 0]


def test_a_kill_ends_the_chat_with_its_books_closed(
    server: LocalServer, start: Call, tmp_path: Path
) -> None:
    server.script(KEY, [[says("one two three"), {"kind": "hold", "after_tokens": 2}]])
    process = start("chat")
    process.stdin.write(b"count\n")
    process.stdin.flush()
    read_until(process.stdout, b"two")
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 143
    assert b"Traceback" not in err
    assert b"(stopped early)" in err
    assert [row["cancelled"] for row in ledger_rows(tmp_path)] == [1]


def test_at_a_terminal_there_is_a_prompt_and_ctrl_c_at_it_ends(
    server: LocalServer, start: Call
) -> None:
    parent, child = pty.openpty()
    process = start("chat", stdin=child)
    os.close(child)
    seen = read_until(process.stderr, b"> ")
    process.send_signal(signal.SIGINT)
    err = process.stderr.read()
    assert process.wait(30) == 0
    os.close(parent)
    assert seen.startswith(b"offline-small \xc2\xb7 /model NAME")
    assert err.endswith(b"0 calls, $0.00\n")
