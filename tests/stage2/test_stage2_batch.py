"""Many documents: a few at a time, each paid once, and no bad one stops the others."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.documents import UnreadableDocument
from shared.errors import LocalError
from shared.journal import Journal
from shared.offline.server import LocalServer
from stage2_extractor.batch import Done, Item, items_of, run_batch
from stage2_extractor.documents import find_documents
from stage2_extractor.extract import Extractor

KEY = "offline"
HOLD = {"kind": "hold"}
Open = Callable[..., Extractor]


def items(*texts: str) -> list[Item]:
    return [Item(f"{n}.txt", lambda text=text: text) for n, text in enumerate(texts)]  # type: ignore[misc]


async def run(
    extractor: Extractor, path: Path, given: list[Item], **options: Any
) -> dict[str, Done]:
    with Journal(path) as journal:
        return {one.name: one async for one in run_batch(given, extractor, journal, **options)}


def asked(server: LocalServer) -> list[str]:
    """The documents that the server was asked about."""
    bodies = [entry.as_json()["body"] for entry in server.log(KEY)]
    sent = [body["messages"][-1]["content"] for body in bodies]
    words = [one if isinstance(one, str) else one[0]["text"] for one in sent]
    return [one.removeprefix("<document>\n").removesuffix("\n</document>") for one in words]


async def test_results_of_all_documents(server: LocalServer, opened: Open, tmp_path: Path) -> None:
    done = await run(opened(), tmp_path / "j", items(*(f"Total {n}" for n in range(9))))
    assert {name: one.result["record"]["total"] for name, one in done.items()} == {
        f"{n}.txt": str(n) for n in range(9)
    }
    assert sorted(asked(server)) == [f"Total {n}" for n in range(9)]


@pytest.mark.parametrize("at_a_time", [1, 3])
async def test_no_more_than_so_many_at_a_time(
    server: LocalServer, opened: Open, tmp_path: Path, at_a_time: int
) -> None:
    """Every call is held until as many as may run do run; then there must be no other."""
    server.script(KEY, [HOLD | {"times": 7}])
    texts = [f"Total {n}" for n in range(7)]
    task = asyncio.create_task(run(opened(), tmp_path / "j", items(*texts), at_a_time=at_a_time))
    most = 0
    for finished in range(7):
        running = min(at_a_time, 7 - finished)
        await arrived(server, finished + running)
        most = max(most, len(open_calls(server)))
        server.release(KEY)
        await asyncio.to_thread(server.wait_finished, KEY, finished + 1)
    assert len(await task) == 7
    assert most == at_a_time


async def arrived(server: LocalServer, count: int) -> None:
    async with asyncio.timeout(30):
        while len(server.log(KEY)) < count:  # noqa: ASYNC110  (no event tells of an arrival)
            await asyncio.sleep(0.002)


def open_calls(server: LocalServer) -> list[Any]:
    return [entry for entry in server.log(KEY) if entry.finished_at is None]


async def test_a_bad_document_does_not_stop_the_others(
    server: LocalServer, opened: Open, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name, data in {
        "a.txt": b"Total 1",
        "b.txt": b"",
        "c.pdf": b"%PDF-1.7 cut",
        "d.txt": bytes(100),
        "e.txt": b"Total 2",
    }.items():
        (folder / name).write_bytes(data)
    (folder / "f.txt").symlink_to(folder / "gone")
    done = await run(opened(), tmp_path / "j", items_of(find_documents(folder)))
    found = {Path(name).name: one for name, one in done.items()}
    assert [name for name, one in sorted(found.items()) if one.failed] == [
        "b.txt",
        "c.pdf",
        "d.txt",
        "f.txt",
    ]
    for name in ("b.txt", "c.pdf", "d.txt", "f.txt"):
        assert found[name].result["failure"] == "unreadable"
        assert name in found[name].result["detail"]
    assert sorted(asked(server)) == ["Total 1", "Total 2"]


async def test_a_document_that_no_model_can_do_is_in_its_place(
    server: LocalServer, opened: Open, tmp_path: Path
) -> None:
    server.script(KEY, [{"kind": "refusal"}, {"kind": "refusal"}])
    done = await run(opened(), tmp_path / "j", items("Total 1", "Total 2"), at_a_time=1)
    assert (done["0.txt"].failed, done["1.txt"].failed) == (True, False)
    assert done["0.txt"].result["failure"] == "refused"


async def test_nothing_is_asked_twice(server: LocalServer, opened: Open, tmp_path: Path) -> None:
    """Not in a second run, nor for a text that stands in two files."""
    given = items("Total 1", "Total 2", "Total 1", "Total 1")
    first = await run(opened(), tmp_path / "j", given)
    assert sorted(asked(server)) == ["Total 1", "Total 2"]
    assert sorted(one.cached for one in first.values()) == [False, False, True, True]
    again = await run(opened(), tmp_path / "j", given)
    assert len(server.log(KEY)) == 2
    assert all(one.cached for one in again.values())
    assert {n: one.result for n, one in again.items()} == {
        n: one.result for n, one in first.items()
    }


async def test_other_models_and_limits_are_other_answers(
    server: LocalServer, opened: Open, tmp_path: Path
) -> None:
    for extractor in (opened(), opened(big=None), opened(max_tokens=999)):
        done = await run(extractor, tmp_path / "j", items("Total 1"))
        assert not done["0.txt"].cached
    assert len(server.log(KEY)) == 3


async def test_a_refusal_is_paid_and_kept_a_call_that_failed_is_not(
    server: LocalServer, opened: Open, tmp_path: Path
) -> None:
    down = {"kind": "status", "status": 529}
    server.script(KEY, [{"kind": "refusal"}, down])
    given = items("Total 1", "Total 2")
    first = await run(opened(big=None), tmp_path / "j", given, at_a_time=1)
    assert [one.result["failure"] for one in first.values()] == ["refused", "call"]
    second = await run(opened(big=None), tmp_path / "j", given, at_a_time=1)
    assert [one.result["failure"] for one in second.values()] == ["refused", None]
    assert len(server.log(KEY)) == 3


async def test_cancelling_keeps_what_is_finished_and_closes_the_rest(
    server: LocalServer, opened: Open, tmp_path: Path
) -> None:
    server.script(KEY, [None, None, HOLD, HOLD])
    texts = [f"Total {n}" for n in range(6)]
    extractor = opened()
    task = asyncio.create_task(run(extractor, tmp_path / "j", items(*texts), at_a_time=2))
    await arrived(server, 4)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    ended = await asyncio.to_thread(server.wait_finished, KEY, 4)
    assert sorted(entry.client_disconnected for entry in ended) == [False, False, True, True]
    begun = set(asked(server))
    again = await run(extractor, tmp_path / "j", items(*texts))
    kept = {texts[int(name[0])] for name, one in again.items() if one.cached}
    assert (len(begun), len(kept)) == (4, 2)
    assert sorted(asked(server)) == sorted([*texts, *(begun - kept)])


async def test_leaving_early_ends_the_calls(
    server: LocalServer, opened: Open, tmp_path: Path
) -> None:
    server.script(KEY, [None, HOLD])
    with Journal(tmp_path / "j") as journal:
        results = run_batch(items("Total 1", "Total 2"), opened(), journal)
        async for _ in results:
            break
        await arrived(server, 2)
        await results.aclose()  # type: ignore[attr-defined]
    ended = await asyncio.to_thread(server.wait_finished, KEY, 2)
    assert sorted(entry.client_disconnected for entry in ended) == [False, True]


class Full(Journal):
    """A journal on a disk that is full."""

    def put(self, key: str, entry: dict[str, Any]) -> None:
        raise OSError(28, "No space left on device")


async def test_a_journal_that_fails_ends_the_run_with_a_sentence(
    opened: Open, tmp_path: Path
) -> None:
    with Full(tmp_path / "j") as journal:
        results = run_batch(items("Total 1", "Total 2"), opened(), journal)
        with pytest.raises(LocalError, match="cannot be written: No space left on device"):
            [one async for one in results]


def test_a_document_is_read_when_its_turn_comes(tmp_path: Path) -> None:
    (item,) = items_of([tmp_path / "later.txt"])
    with pytest.raises(UnreadableDocument, match="No such file"):
        item.read()
    (tmp_path / "later.txt").write_text("Total 1")
    assert item.read() == "Total 1"


async def test_results_are_json(server: LocalServer, opened: Open, tmp_path: Path) -> None:
    done = await run(opened(), tmp_path / "j", items("Total 1"))
    line = json.loads((tmp_path / "j").read_text())
    assert {name: value for name, value in line.items() if name != "key"} == done["0.txt"].result
