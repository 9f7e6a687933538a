"""The app on a real socket of this machine, in a thread of its own, for tests and commands.

uvicorn with everything off that costs time: no logging, no lifespan, no proxy headers.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self

from shared.errors import OfflineServerFailed
from shared.offline.app import App, create_app
from shared.offline.connection import Receive, Scope, Send
from shared.offline.faults import read_script
from shared.offline.fields import Fields
from shared.offline.log import Entry
from shared.offline.service import Options
from shared.tokens import count_tokens

if TYPE_CHECKING:
    import uvicorn

    from shared.embeddings import Embedder
    from shared.offline.service import Think

START_S = 10.0
STOP_S = 5.0
Asgi = Callable[[Scope, Receive, Send], Any]


def bind(host: str = "127.0.0.1", port: int = 0) -> socket.socket:
    """A listening address that is ours from now on; OSError when it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sets TCP_NODELAY only on sockets that say they are TCP: 1 ms a call, not 45 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def uvicorn_server(app: Asgi) -> uvicorn.Server:
    import uvicorn

    config = uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level=60,  # above critical: uvicorn itself says nothing
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=0,
    )
    return uvicorn.Server(config)


class LocalServer:
    """`with LocalServer() as server:` gives `server.base_url`; the control routes are open."""

    def __init__(
        self,
        *,
        think: Think | None = None,
        options: Options | None = None,
        embedder: Embedder | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        options = options or Options(control=True)
        self.app: App = create_app(think=think, options=options, embedder=embedder, clock=clock)
        self.port = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="offline-model", daemon=True)

    @property
    def base_url(self) -> str:
        """What the Anthropic SDK wants; the OpenAI SDK wants `openai_base_url`."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def openai_base_url(self) -> str:
        return f"{self.base_url}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(START_S) or self._loop is None:
            raise OfflineServerFailed(f"the offline server did not start within {START_S:g} s")
        return self

    def __exit__(self, *_: object) -> None:
        self.app.service.log.stop_waiting()
        if self._loop:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(STOP_S)

    def script(self, key: str, faults: Sequence[Any]) -> None:
        """What goes wrong with the key's next calls, one entry per call; see `faults`."""
        script = read_script(Fields({"faults": list(faults)}))
        self.app.service.scripts.put(self.app.service.log.key_id(key), script)

    def release(self, key: str) -> None:
        self.app.service.scripts.release(self.app.service.log.key_id(key))

    def log(self, key: str | None = None) -> list[Entry]:
        return self.app.service.log.read(key)

    def wait_finished(
        self, key: str | None = None, count: int = 1, timeout_s: float = 10.0
    ) -> list[Entry]:
        """The key's finished requests, once there are `count` of them."""
        return self.app.service.log.wait_finished(key, count, timeout_s)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            self._ready.set()  # whoever waits for a start that failed need not wait longer

    async def _serve(self) -> None:
        """Starts as uvicorn does, but ends at once: its own way out waits 0.2 s for stragglers."""
        self._loop = asyncio.get_running_loop()
        with bind() as listener:
            self.port = listener.getsockname()[1]
            server = uvicorn_server(self.app)
            server.config.load()
            server.lifespan = server.config.lifespan_class(server.config)
            await server.startup(sockets=[listener])
            # The vocabulary takes 70 ms to load; nobody should measure that as a slow first answer.
            self._loop.run_in_executor(None, count_tokens, "")
            self._ready.set()
            await self._stop.wait()
            for task in server.server_state.tasks:
                task.cancel()
            for connection in list(server.server_state.connections):
                connection.transport.abort()
            await asyncio.sleep(0)  # the connections learn of it
            for accepting in server.servers:
                accepting.close()
