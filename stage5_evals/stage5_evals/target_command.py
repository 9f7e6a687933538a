"""A target that is a program: started once or a few times, asked line by line, always ended.

A process that dies, prints what is no JSON or runs out of time fails its case and is replaced,
since its next line could be the answer to the last question. Left out: Windows.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO, Any

from shared.errors import UserError
from shared.programs import environment_with, words
from stage5_evals.cases import Case
from stage5_evals.targets import Ask, TargetFailed, request

LONGEST_LINE = 16 * 2**20
END_S = 5.0
TAIL = 400  # bytes of what it said last


@asynccontextmanager
async def open_command(
    command: str,
    folder: Path,
    options: Mapping[str, Any],
    environment: Mapping[str, str],
    ingest: Path | None,
    at_a_time: int,
) -> AsyncIterator[Ask]:
    """Up to `at_a_time` processes, each started when the others are busy."""
    argv = words(command)
    idle: list[_Process] = []
    running: set[_Process] = set()
    gate = asyncio.Semaphore(at_a_time)

    async def started() -> _Process:
        process = await _Process.start(argv, folder, environment)
        running.add(process)
        if ingest is not None:
            told = await process.say({"op": "ingest", "folder": str(ingest)})
            if not isinstance(told, dict) or "documents" not in told:
                raise TargetFailed("error", f"it did not take the folder: {str(told)[:TAIL]}")
        return process

    async def ask(case: Case) -> Any:
        async with gate:
            process = idle.pop() if idle else await started()
            try:
                told = await process.say(request(case, options))
            except BaseException:
                running.discard(process)
                await process.end(grace_s=0)
                raise
            idle.append(process)
            return told

    try:
        yield ask
    finally:
        await asyncio.gather(*(process.end() for process in running), return_exceptions=True)


class _Process:
    def __init__(self, process: asyncio.subprocess.Process, errors: IO[bytes]) -> None:
        self._process = process
        self._errors = errors

    @classmethod
    async def start(
        cls, argv: tuple[str, ...], folder: Path, environment: Mapping[str, str]
    ) -> _Process:
        errors = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                env=environment_with(environment),
                cwd=folder,
                limit=LONGEST_LINE,
                start_new_session=True,
            )
        except OSError as error:
            errors.close()
            raise UserError(f"cannot start {argv[0]!r}: {error.strerror}") from None
        return cls(process, errors)

    async def say(self, payload: dict[str, Any]) -> Any:
        """One line there, one line back."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(json.dumps(payload, ensure_ascii=False).encode() + b"\n")
            await stdin.drain()
            line = await stdout.readline()
        except (ConnectionError, ValueError) as error:  # it is gone; a line beyond the limit
            raise TargetFailed("stopped", f"{error or 'it ended'}; {self._said()}") from None
        if not line.endswith(b"\n"):
            raise TargetFailed("stopped", f"it ended without an answer; {self._said()}")
        try:
            return json.loads(line)
        except ValueError:
            raise TargetFailed("malformed", f"a line that is no JSON: {line[:TAIL]!r}") from None

    async def end(self, grace_s: float = END_S) -> None:
        """Its input is closed; what does not end by itself is killed, with its children."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), grace_s)
        except TimeoutError:
            pass
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()
            self._errors.close()

    def _said(self) -> str:
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - TAIL))
        text = self._errors.read().decode("utf-8", "replace").strip()
        return f"it said {text!r}" if text else "it said nothing"
