"""What a user is told when the database is not there, not yet, too old or without pgvector."""

from __future__ import annotations

import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from shared.database import open_database
from shared.embedded_postgres import embedded_postgres
from shared.errors import BadSettings, DatabaseUnavailable, LocalError
from shared.settings import load_settings

PASSWORD = "the-password-nobody-may-see"
STARTING = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0"


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    parent = Path(tempfile.mkdtemp(prefix="pg-"))
    parent.chmod(0o755)
    with embedded_postgres(parent / "data"):
        yield parent / "data"
    shutil.rmtree(parent, ignore_errors=True)


def own(server: Path, database: str = "postgres") -> str:
    return f"postgresql://postgres@/{database}?host={server}"


class Door:
    """A TCP port before a server's socket: it can say "not yet" first, and change what passes."""

    def __init__(
        self, server: Path, *, not_yet: int = 0, replace: tuple[bytes, bytes] = (b"", b"")
    ):
        self._server, self._not_yet, self._replace = server, not_yet, replace
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.refused = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        hello = client.recv(8)
        while hello[4:8] in (b"\x04\xd2\x16\x2f", b"\x04\xd2\x16\x30"):  # asks for encryption
            client.sendall(b"N")
            hello = client.recv(8)
        if self.refused < self._not_yet:
            self.refused += 1
            client.sendall(b"E" + (len(STARTING) + 4).to_bytes(4, "big") + STARTING)
            client.close()
            return
        server = socket.socket(socket.AF_UNIX)
        server.connect(str(self._server / ".s.PGSQL.5432"))
        server.sendall(hello)
        threading.Thread(target=self._pump, args=(client, server), daemon=True).start()
        self._pump(server, client, *self._replace)

    @staticmethod
    def _pump(from_: socket.socket, to: socket.socket, old: bytes = b"", new: bytes = b"") -> None:
        try:
            while data := from_.recv(65536):
                to.sendall(data.replace(old, new) if old else data)
        except OSError:
            pass
        to.close()


async def opened(url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("DATABASE_URL", url)
    async with open_database(load_settings()) as database, database.pool.connection() as connection:
        cursor = await connection.execute("SELECT '[3,4]'::vector <-> '[0,0]'::vector")
        assert await cursor.fetchone() == (5.0,)
        return database.name


async def told(url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    with pytest.raises(DatabaseUnavailable) as raised:
        await opened(url, monkeypatch)
    assert isinstance(raised.value, LocalError)
    assert "\n" not in str(raised.value)
    return str(raised.value)


async def test_nothing_listens_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    words = await told(f"postgresql://me:{PASSWORD}@127.0.0.1:{port}/books", monkeypatch)
    assert f"the database books on 127.0.0.1:{port} cannot be used" in words
    assert "DATABASE_URL" in words
    assert PASSWORD not in words


def test_an_address_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"mysql://me:{PASSWORD}@127.0.0.1/books")
    with pytest.raises(BadSettings, match=r"DATABASE_URL.*starts with postgresql://") as raised:
        load_settings()
    assert PASSWORD not in str(raised.value)


async def test_a_database_that_does_not_exist(
    server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert '"nowhere" does not exist' in await told(own(server, "nowhere"), monkeypatch)


async def test_a_server_that_is_too_old(server: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(own(server)) as connection:
        version = connection.info.parameter_status("server_version")
    old = b"server_version\0" + version.encode()
    door = Door(server, replace=(old, b"server_version\0" + b"14.9".ljust(len(version), b"0")))
    words = await told(f"postgresql://postgres@127.0.0.1:{door.port}/postgres", monkeypatch)
    assert "is PostgreSQL 14: 15 or newer is needed" in words
    door.close()


async def test_a_server_that_is_still_starting_is_waited_for(
    server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Door(server, not_yet=2)
    url = f"postgresql://postgres@127.0.0.1:{door.port}/postgres"
    assert await opened(url, monkeypatch) == f"the database postgres on 127.0.0.1:{door.port}"
    assert door.refused == 2
    door.close()


async def test_a_server_without_pgvector(server: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(own(server), autocommit=True) as connection:
        connection.execute("CREATE DATABASE bare")
        connection.execute("ALTER DATABASE bare SET extension_control_path = '/nowhere'")
    words = await told(own(server, "bare"), monkeypatch)
    assert "has no pgvector" in words
    assert "CREATE EXTENSION vector" in words


async def test_a_user_who_may_not_switch_pgvector_on(
    server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(own(server), autocommit=True) as connection:
        connection.execute("CREATE ROLE plain LOGIN CREATEDB CREATEROLE")
        connection.execute("CREATE DATABASE plain OWNER plain")
    url = own(server, "plain").replace("postgres@", "plain@")
    assert "have `CREATE EXTENSION vector` run there once" in await told(url, monkeypatch)
    with psycopg.connect(own(server, "plain")) as connection:
        connection.execute("CREATE EXTENSION vector")
    await opened(url, monkeypatch)


async def test_a_pgvector_that_is_too_old(server: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No old one can be installed here, so the catalogue of a fresh database says 0.7.4."""
    with psycopg.connect(own(server), autocommit=True) as connection:
        connection.execute("CREATE DATABASE dated")
    with psycopg.connect(own(server, "dated")) as connection:
        connection.execute("CREATE EXTENSION vector")
        connection.execute("UPDATE pg_extension SET extversion = '0.7.4' WHERE extname = 'vector'")
    words = await told(own(server, "dated"), monkeypatch)
    assert "has pgvector 0.7.4: 0.8 or newer is needed" in words
    assert "ALTER EXTENSION vector UPDATE" in words


async def test_a_server_that_goes_away_meanwhile(
    server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", own(server))
    with pytest.raises(DatabaseUnavailable, match="run the command again"):
        async with open_database(load_settings()) as database, database.pool.connection() as mine:
            await mine.execute("SELECT pg_terminate_backend(pg_backend_pid())")


def test_the_address_hides_in_what_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://me:{PASSWORD}@127.0.0.1/books")
    assert PASSWORD not in repr(load_settings())
