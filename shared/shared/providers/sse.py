"""Server-sent events out of bytes, as the WHATWG standard defines them, for what a model API sends.

Leaves out `id` and `retry`: no model API resumes a stream. An event without its closing blank line
is dropped, as the standard says; whether a stream is complete is the wire's decision.
"""

from __future__ import annotations

import codecs
from collections.abc import AsyncIterator, Iterator

LONGEST_EVENT = 16 * 1024 * 1024  # characters; a server that never ends a line must not fill memory


class EventTooLong(ValueError): ...


async def event_data(chunks: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """The `data` of each event; chunks may be cut anywhere, also inside a character."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")  # a leading BOM is no data
    lines = _Lines()
    data: list[str] = []
    length = 0
    async for chunk in chunks:
        for line in lines.feed(decoder.decode(chunk)):
            if line == "data" or line.startswith("data:"):
                data.append(line[5:].removeprefix(" "))
                length += len(line)
                _refuse_endless(length)
            elif not line and data:
                yield "\n".join(data)
                data, length = [], 0


class _Lines:
    """Splits at \\n, \\r\\n and \\r only: `str.splitlines` would also cut at U+2028 inside JSON."""

    def __init__(self) -> None:
        self._rest: list[str] = []
        self._length = 0
        self._after_cr = False

    def feed(self, text: str) -> Iterator[str]:
        if not text:
            return
        if self._after_cr:
            text = text.removeprefix("\n")
        self._after_cr = text.endswith("\r")
        *whole, rest = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for line in whole:
            yield "".join((*self._rest, line))
            self._rest, self._length = [], 0
        self._rest.append(rest)
        self._length += len(rest)
        _refuse_endless(self._length)


def _refuse_endless(length: int) -> None:
    if length > LONGEST_EVENT:
        raise EventTooLong(f"one event is longer than {LONGEST_EVENT} characters")
