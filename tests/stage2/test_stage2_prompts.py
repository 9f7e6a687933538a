"""Prompts as files: what they hold, what is sent, what it costs, and what a broken one says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from shared.errors import BadSettings, UserError
from shared.messages import Reply
from shared.models import KNOWN
from shared.offline.server import LocalServer
from shared.prices import open_prices
from shared.tokens import count_tokens
from stage2_extractor import prompts
from stage2_extractor.extract import Extractor
from stage2_extractor.prompt_view import CALLS, Parts, diff_text, parts_of, prefix_costs
from stage2_extractor.prompts import TASKS, Prompt, list_prompts, load_prompt, request
from stage2_extractor.reading import read
from stage2_extractor.records import Invoice
from stage2_extractor.shape import RECORDS, loads, schema_of, unwrap

PROMPTS = [prompt for task in TASKS for prompt in list_prompts(task)]
HEAD = "version: 1\ndate: 2026-11-21\nparent: null\nchanged: a\nwhy: b\n"


@pytest.mark.parametrize("task", TASKS)
def test_a_task_has_the_three_iterations(task: str) -> None:
    """Zero-shot; then descriptions and rules; then solved examples; each named after its parent."""
    versions = {prompt.version: prompt for prompt in list_prompts(task)}
    assert {"1", "2", "3"} <= set(versions)
    one, two, three = (versions[number] for number in "123")
    assert (one.parent, bool(one.fields), bool(one.examples)) == (None, False, False)
    assert (two.parent, bool(two.fields), bool(two.examples)) == ("1", True, False)
    assert (three.parent, bool(three.fields), bool(three.examples)) == ("2", True, True)
    for prompt in versions.values():
        assert prompt.parent is None or prompt.parent in versions
        assert prompt.changed
        assert prompt.why
        assert isinstance(prompt.date, date)


@pytest.mark.parametrize("prompt", PROMPTS, ids=lambda prompt: prompt.name)
def test_every_example_is_a_right_answer(prompt: Prompt) -> None:
    """Valid by the very schema that is asked for, a record without complaint, proven by its text.

    Only the reasoning, where a prompt asks for it, is not checked here.
    """
    asked = dict(schema_of(prompt).schema)
    asked["required"] = [name for name in asked["required"] if name != "reasoning"]
    schema = Draft202012Validator(asked)
    for example in prompt.examples:
        schema.validate(json.loads(example.answer))
        plain, _ = unwrap(prompt.task, loads(example.answer))
        found = read(prompt.task, Reply(text=example.answer, stop="end"), example.text)
        assert (found.failure, found.detail) == (None, ""), example.name
        assert found.record == RECORDS[prompt.task].model_validate(plain)


@pytest.mark.parametrize("task", TASKS)
def test_no_line_of_an_example_is_from_the_labelled_data(task: str) -> None:
    """Not the texts as wholes only: no line with a name, a number or a whole sentence."""
    from stage2_extractor.dataset import load_cases

    known = {line for case in load_cases(task) for line in telling(case.text)}
    for prompt in list_prompts(task):
        for example in prompt.examples:
            assert not known & set(telling(example.text)), example.name


def telling(text: str) -> list[str]:
    """Lines that say something of one paper; the heads of tables are much the same everywhere."""
    heads = re.compile(r"\D*\S\s{2,}\D*\S\s{2,}\D*")
    lines = [line for line in text.splitlines() if not heads.fullmatch(line)]
    squeezed = (re.sub(r"\W+", " ", line).strip().casefold() for line in lines)
    return [line for line in squeezed if len(line) > 12]


def test_examples_have_all_of_what_is_described() -> None:
    """Every bucket equally often, and every field of an invoice at least once."""
    given = [json.loads(one.answer)["bucket"] for one in load_prompt("ticket", "3").examples]
    assert len({given.count(bucket) for bucket in given}) == 1
    assert len(set(given)) == 5
    answers = [json.loads(one.answer) for one in load_prompt("invoice", "3").examples]
    for name in Invoice.model_fields:
        if name != "lines":
            assert any(answer[name]["value"] is not None for answer in answers), name


# --- what is sent --------------------------------------------------------------------------------
def test_the_document_comes_last_and_what_stays_is_marked() -> None:
    for prompt in PROMPTS:
        one, other = request(prompt, "first {text}"), request(prompt, "second")
        assert one.messages[:-1] == other.messages[:-1]
        assert one.messages[-1].text == "<document>\nfirst {text}\n</document>"
        assert one.cache_system
        marks = [part.cache for message in one.messages for part in message.parts]
        assert marks.count(True) == (1 if prompt.examples else 0)
        assert [message.role for message in one.messages] == (
            ["user", "assistant"] * len(prompt.examples) + ["user"]
        )


FRAME, SCHEMA, TURN = 3, 8, 4  # tokens that the offline model's wire adds: shared/offline/billing


@pytest.mark.parametrize("prompt", PROMPTS, ids=lambda prompt: prompt.name)
async def test_the_counted_parts_are_what_a_server_bills(
    server: LocalServer, opened: Callable[..., Extractor], prompt: Prompt
) -> None:
    parts = parts_of(prompt)
    await opened(prompt, big=None).extract("Total 1")
    (entry,) = server.log("offline")
    document = count_tokens(request(prompt, "Total 1").messages[-1].text)
    turns = TURN * (2 + 2 * len(prompt.examples))
    assert entry.billed
    assert entry.billed["total"] == parts.total + document + FRAME + SCHEMA + turns


def test_what_the_fixed_part_costs() -> None:
    """By hand: a million tokens of offline-large cost 2 dollars, 0.20 read, 2.50 written."""
    plain, cached = prefix_costs(Parts(500, 300, 1200), KNOWN["offline-large"], open_prices(None))
    assert plain == Decimal("2000") * 2 / 1_000_000 * CALLS
    assert cached == Decimal(2000) * (Decimal("2.50") + Decimal("0.20") * (CALLS - 1)) / 1_000_000


def test_a_diff_shows_what_changed_and_nothing_else() -> None:
    one, two = load_prompt("invoice", "1"), load_prompt("invoice", "2")
    shown = diff_text(one, two)
    added = [line[1:] for line in shown.splitlines() if re.match(r"\+(?!\+\+)", line)]
    for name, words in two.fields.items():
        assert f"{name}: {words}" in added
    assert diff_text(one, one) == "invoice@1 and invoice@1 send the same\n"
    assert shown.startswith("--- invoice@1\n+++ invoice@2\n")


# --- files ---------------------------------------------------------------------------------------
@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(prompts, "FOLDER", tmp_path)
    (tmp_path / "ticket" / "examples").mkdir(parents=True)
    return tmp_path / "ticket"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (("invoice", "9"), "no prompt invoice@9: there are 1, 2, 3, 3r"),
        (("invoice", ""), "no prompt invoice@: there are 1, 2, 3"),
        (("invoice", "../1"), "no prompt invoice@../1"),
        (("invoices", "1"), "no task 'invoices': did you mean invoice?"),
        (("zzz", "1"), "no task 'zzz': there are invoice, ticket"),
    ],
)
def test_an_unknown_prompt_is_told_what_there_is(name: tuple[str, str], told: str) -> None:
    with pytest.raises(UserError, match=re.escape(told)):
        load_prompt(*name)


def test_versions_come_in_their_order(folder: Path) -> None:
    for version in ("10", "2", "3r", "1", "3"):
        (folder / f"v{version}.md").write_text(f"---\n{HEAD}---\nSort.\n")
    assert [prompt.version for prompt in list_prompts("ticket")] == ["1", "2", "3", "3r", "10"]
    assert load_prompt("ticket", "v3r").name == "ticket@3r"


def test_a_parent_may_be_written_as_a_number(folder: Path) -> None:
    (folder / "v2.md").write_text(f"---\n{HEAD.replace('null', '1')}---\nSort.\n")
    assert load_prompt("ticket", "2").parent == "1"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Sort.", "must begin with a front matter"),
        ("", "must begin with a front matter"),
        ("---\nversion: [\n---\nSort.", "the front matter is not YAML"),
        ("---\n\n---\nSort.", "the front matter lacks or breaks"),
        ("---\nwords\n---\nSort.", "the front matter lacks or breaks"),
        ("---\nversion: 1\n---\nSort.", "the front matter lacks or breaks 'date'"),
        (f"---\n{HEAD}fields: {{bucket: 3}}\n---\nSort.", "the front matter lacks or breaks"),
        (f"---\n{HEAD}examples: [gone]\n---\nSort.", r"gone\.md, which a prompt names: No such"),
        (
            f"---\n{HEAD}examples: [half]\n---\nSort.",
            "must hold a text, a line of ---, and the answer",
        ),
    ],
)
def test_a_broken_file_is_named(folder: Path, text: str, told: str) -> None:
    (folder / "v1.md").write_text(text)
    (folder / "examples" / "half.md").write_text("A text")
    with pytest.raises(BadSettings, match=told) as caught:
        load_prompt("ticket", "1")
    assert ".md" in str(caught.value)
