"""One tenant never sees another's rows, whatever either of them is called, writes or asks for."""

from __future__ import annotations

import asyncio
import uuid
from datetime import date
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from shared.settings import Settings
from stage3_rag.contract import Filters
from stage3_rag.schema import ROLE
from stage3_rag.store import IndexMismatch, Store, open_store
from stage3_rag.tenancy import BadTenant, tenant_transaction
from stage3_rag.writing import storable

HOSTILE = (
    "' OR '1'='1",
    "x'; RESET ROLE; SELECT set_config('stage3.tenant', 'victim', false); --",
    "x'); DROP SCHEMA stage3 CASCADE; --",
    "%",
    "*",
    "{filters}",
    "%(index)s",
    "\\' OR true --",
    "victim",
    "$1",
    "NULL",
    '"victim"',
    "{victim}",
    "",
)
TABLES = (
    "indexes",
    "settings",
    "documents",
    "chunks",
    "vectors",
    "token_vectors",
    "postings",
    "terms",
)
ANY_TEXT = st.text(max_size=12) | st.sampled_from(HOSTILE)


@st.composite
def worlds(draw: Any) -> dict[str, dict[str, list[str]]]:
    """Tenants, their documents, and the texts of the chunks; words and ids in common."""
    words = st.lists(st.sampled_from(["red", "green", "blue"]), min_size=1, max_size=4).map(
        " ".join
    )
    documents = st.dictionaries(
        st.sampled_from(["a", "b", *HOSTILE[:3]]), st.lists(words, max_size=3), max_size=3
    )
    names = ANY_TEXT.filter(lambda name: storable(name) == name)
    return draw(st.dictionaries(names, documents, min_size=2, max_size=3))


@given(world=worlds(), asked=st.lists(ANY_TEXT, max_size=3), tags=st.lists(ANY_TEXT, max_size=2))
@examples(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_every_answer_is_the_tenants_own(
    settings: Settings, paper: Any, made_up: Any, world: Any, asked: list[str], tags: list[str]
) -> None:
    filters = Filters(documents=tuple(asked), tags=tuple(tags))
    asyncio.run(check(settings, paper, made_up(), world, filters))


async def check(
    settings: Settings, paper: Any, embedder: Any, world: Any, filters: Filters
) -> None:
    """Each tenant writes its name into its chunks; then each asks in every way there is."""
    run = uuid.uuid4().hex
    async with open_store(settings, run, embedder=embedder) as first:
        stores = {name: Store(first.database, f"{name}{run}", embedder) for name in world}
        for name, store in stores.items():
            for id, texts in world[name].items():
                document, chunks = paper(id, *texts, tags=(id,))
                await store.replace(document, ascii(name), chunks)
            if world[name]:
                await store.set_setting("who", ascii(name))
        ids = [id for store in stores.values() for id in await ids_of(store, embedder)]
        for name, store in stores.items():
            mine = await ids_of(store, embedder)
            assert len(mine) == sum(map(len, world[name].values()))
            assert set(await store.chunks(ids)) == set(mine)
            assert set(await store.hashes()) == set(world[name])
            assert await store.setting("who") == (ascii(name) if world[name] else None)
            for one in (filters, Filters(tags=tuple(world[name])), Filters()):
                assert {id for id, _ in await store.keyword(["red", "blue"], 99, one)} <= set(mine)
                assert {id for id, _ in await asked_dense(store, embedder, one)} <= set(mine)


async def ids_of(store: Store, embedder: Any) -> list[int]:
    return [id for id, _ in await asked_dense(store, embedder, Filters())]


async def asked_dense(store: Store, embedder: Any, filters: Filters) -> list[tuple[int, float]]:
    return await store.dense(embedder.embed(["red"])[0], 99, filters)


@pytest.mark.parametrize("name", ["a\0", "a\ud800"])
async def test_a_name_that_would_become_anothers_is_refused(store: Store, name: str) -> None:
    """PostgreSQL cannot keep it, and what would be kept in its place may be a tenant's name."""
    with pytest.raises(BadTenant, match="leave out"):
        Store(store.database, name)


# --- hostile -------------------------------------------------------------------------------------
@pytest.fixture
async def victim(opened: Any, paper: Any, made_up: Any) -> Any:
    """Another tenant with everything that there is to steal."""
    async with opened(f"victim-{uuid.uuid4().hex}", embedder=made_up()) as store:
        document, chunks = paper("secret", "red secret", tags=("victim",), updated=date(2026, 1, 1))
        chunks[0].late = b"packed"
        await store.replace(document, "h", chunks, origin="folder")
        await store.set_setting("threshold", 0.5)
        yield store


async def own(store: Store, paper: Any) -> None:
    document, chunks = paper("own", "red own", tags=("own",), updated=date(2026, 1, 1))
    await store.replace(document, "h", chunks)


@pytest.mark.parametrize("text", HOSTILE)
async def test_injection_through_any_value_finds_nothing_of_others(
    store: Store, victim: Store, paper: Any, made_up: Any, text: str
) -> None:
    await own(store, paper)
    vector = made_up().embed(["red secret"])[0]
    for filters in (Filters(documents=(text,)), Filters(tags=(text, "victim"))):
        assert await store.keyword(["red", text], 50, filters) == []
        assert await store.dense(vector, 50, filters) == []
    assert len(await store.keyword([text, "red"], 50)) == 1
    assert await store.chunks_of(text) == []
    assert await store.setting(text) is None
    assert await store.remove(text, "secret") == 0
    await store.set_setting(text, text)
    document, chunks = paper(text, text or "x", tags=(text,))
    await store.replace(document, text, chunks, origin=text)
    assert (await store.hashes())[text] == text
    assert set(await victim.hashes()) == {"secret"}
    assert await victim.setting("threshold") == 0.5


@pytest.mark.parametrize("text", HOSTILE)
async def test_a_forged_name_is_only_a_name(
    opened: Any, victim: Store, paper: Any, made_up: Any, text: str
) -> None:
    forged = (text.replace("victim", victim.tenant) or "x") + uuid.uuid4().hex
    async with opened(forged, embedder=made_up()) as store:
        assert await store.documents() == []
        await own(store, paper)
        assert set(await store.hashes()) == {"own"}
    assert set(await victim.hashes()) == {"secret"}


async def test_ids_of_others_are_not_there(
    store: Store, victim: Store, paper: Any, made_up: Any
) -> None:
    await own(store, paper)
    [stolen] = await ids_of(victim, made_up())
    ids = [*range(stolen - 50, stolen + 50)]
    assert set(await store.chunks(ids)) == set(await ids_of(store, made_up()))
    assert await store.late(ids) == {}
    assert await victim.late(ids) == {stolen: b"packed"}


async def test_the_role_itself_sees_writes_and_takes_nothing_of_others(
    store: Store, victim: Store, paper: Any
) -> None:
    """Whoever gets SQL past us as this tenant: queries without any condition."""
    await own(store, paper)
    theirs = await victim.index()
    async with tenant_transaction(store.database, store.tenant) as connection:
        for table in TABLES[1:]:
            rows = await connection.execute(f"SELECT DISTINCT index_id FROM stage3.{table}")
            assert (theirs.id,) not in await rows.fetchall()
            change = await connection.execute(
                f"DELETE FROM stage3.{table} WHERE index_id = %s", [theirs.id]
            )
            assert change.rowcount == 0
        rows = await connection.execute("SELECT tenant FROM stage3.indexes")
        assert await rows.fetchall() == [(store.tenant,)]
    for forbidden in (
        "INSERT INTO stage3.settings VALUES (%(id)s, 'x', '1')",
        "INSERT INTO stage3.postings VALUES (%(id)s, 1, 1, 1, 1, 'x')",
        "UPDATE stage3.documents SET index_id = %(id)s",
        "UPDATE stage3.indexes SET tenant = 'somebody'",
        "ALTER TABLE stage3.chunks DISABLE ROW LEVEL SECURITY",
        "DROP TABLE stage3.chunks",
        "CREATE TABLE stage3.mine (x int)",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with tenant_transaction(store.database, store.tenant) as connection:
                await connection.execute(forbidden, {"id": theirs.id})


async def test_without_a_tenant_there_is_nothing(store: Store, paper: Any) -> None:
    await own(store, paper)
    async with store.database.pool.connection() as connection:
        await connection.execute(f"SET LOCAL ROLE {ROLE}")
        for table in TABLES:
            rows = await connection.execute(f"SELECT count(*) FROM stage3.{table}")
            assert await rows.fetchone() == (0,)


async def test_a_connection_goes_back_without_role_and_tenant(store: Store, paper: Any) -> None:
    await own(store, paper)
    with pytest.raises(IndexMismatch):
        await Store(store.database, store.tenant, chunker="other").documents()
    for _ in range(10):
        async with store.database.pool.connection() as connection:
            rows = await connection.execute(
                "SELECT current_user = session_user, current_setting('stage3.tenant', true)"
            )
            same, left = await rows.fetchone()
            assert same
            assert not left
