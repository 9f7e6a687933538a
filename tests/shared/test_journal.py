"""The journal: what was paid for is read again, whatever happened to the file or the process."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import LocalError
from shared.journal import Journal, key_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
ENTRIES = st.dictionaries(
    st.text("0123456789abcdef", min_size=1), st.dictionaries(st.text(), JSON), max_size=5
)


def without_key(entries: dict[str, Any]) -> dict[str, Any]:
    return {key: {k: v for k, v in one.items() if k != "key"} for key, one in entries.items()}


@given(ENTRIES)
@settings(deadline=None, max_examples=20)  # each line waits for the disk
def test_what_is_put_is_there_in_the_next_run(entries: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "new" / "journal.jsonl"
        kept = without_key(entries)
        with Journal(path) as journal:
            for key, entry in kept.items():
                journal.put(key, entry)
                assert journal.get(key) == entry
        with Journal(path) as journal:
            assert {key: journal.get(key) for key in kept} == kept
            assert journal.get("none") is None


@given(ENTRIES, st.integers(1, 400))
@settings(deadline=None, max_examples=30)
def test_a_line_cut_at_any_byte_costs_only_itself(entries: dict[str, Any], cut: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.jsonl"
        kept = without_key(entries)
        whole = "".join(json.dumps({"key": key} | one) + "\n" for key, one in kept.items())
        path.write_text(whole[:-cut])
        lines = path.read_bytes().count(b"\n")
        with Journal(path) as journal:
            found = [journal.get(key) for key in kept]
            assert found == list(kept.values())[:lines] + [None] * (len(kept) - lines)
            journal.put("last", {"n": 1})
        with Journal(path) as journal:
            assert journal.get("last") == {"n": 1}
            assert [journal.get(key) for key in kept] == found
        assert all(json.loads(line) for line in path.read_text("utf-8").strip("\n").split("\n"))


def test_a_damaged_line_in_the_middle_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        for key in ("a", "b", "c"):
            journal.put(key, {"n": key})
    data = path.read_bytes().replace(b'{"key": "b"', b'{"key"\x00\xff"b"')
    path.write_bytes(data)
    with Journal(path) as journal:
        assert [journal.get(key) for key in ("a", "b", "c")] == [{"n": "a"}, None, {"n": "c"}]
    assert path.read_bytes() == data


@pytest.mark.parametrize(
    "text", ["my notes", "my notes\nand more\n", "\n", '{"file": "a"}\n', "{}"]
)
def test_a_file_that_is_no_journal_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "notes.txt"
    path.write_text(text)
    with pytest.raises(LocalError, match=r"notes\.txt is not a journal"), Journal(path):
        pass
    assert path.read_text() == text


def test_half_a_surrogate_pair_can_be_kept(tmp_path: Path) -> None:
    """A model can write one in a refusal; UTF-8 cannot."""
    with Journal(tmp_path / "j") as journal:
        journal.put("k", {"detail": "\ud800 and \U0001f9fe"})
    with Journal(tmp_path / "j") as journal:
        assert journal.get("k") == {"detail": "\ud800 and \U0001f9fe"}


def test_two_at_once_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        with pytest.raises(LocalError, match="is in use by another run: wait, or choose another"):
            Journal(path).__enter__()
        journal.put("a", {})
    with Journal(path) as journal:
        assert journal.get("a") == {}


def test_a_journal_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path, tmp_path / "file" / "journal.jsonl", Path("/proc/journal.jsonl")):
        with pytest.raises(LocalError, match=r"cannot be written: (Is a|Not a|File|No such|Perm)"):
            Journal(path).__enter__()


FULL = """
import resource, signal, sys
from pathlib import Path
from shared.journal import Journal
path = Path(sys.argv[1])
with Journal(path) as journal:
    journal.put("a", {"text": "x"})
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
    try:
        journal.put("b", {"text": "x" * 5000})
    except OSError as error:
        print(error.strerror)
    journal.put("c", {"text": "y"})
"""


def test_a_full_disk_leaves_no_half_line(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    assert resource.RLIMIT_FSIZE
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "File too large\n"
    keys = [json.loads(line)["key"] for line in path.read_text().splitlines()]
    assert keys == ["a", "c"]


def test_what_is_put_is_in_the_file_before_the_run_ends(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        journal.put("a", {"n": 1})
        assert json.loads((tmp_path / "j").read_text()) == {"key": "a", "n": 1}


@given(
    st.lists(st.text(st.characters(exclude_categories=("Cs",))), max_size=4),
    st.lists(st.text(st.characters(exclude_categories=("Cs",))), max_size=4),
)
def test_keys_are_the_same_only_for_the_same_parts(one: list[str], other: list[str]) -> None:
    """Where one part ends and the next begins matters too."""
    assert (key_of(*one) == key_of(*other)) is (one == other)
    joined = "".join(one)
    assert len(one) == 1 or key_of(*one) != key_of(joined)
    assert os.path.basename(key_of(*one)) == key_of(*one)
