"""What Responses remembers: the messages behind a response id, for `previous_response_id`.

Per API key, the newest `CAPACITY` only; instructions are not carried over, as the API documents.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import replace

from shared.messages import Message, Text
from shared.offline.fields import Rejected
from shared.offline.wire import Parsed, Turn, merged
from shared.offline.wire_responses_request import check_calls

CAPACITY = 500


class Threads:
    def __init__(self) -> None:
        self._messages: OrderedDict[tuple[str, str], tuple[Message, ...]] = OrderedDict()
        self._lock = threading.Lock()

    def join(self, owner: str, parsed: Parsed) -> Parsed:
        """The call with what was said before it in front."""
        if not parsed.previous:
            return parsed
        with self._lock:
            earlier = self._messages.get((owner, parsed.previous))
        if earlier is None:
            problem = f"Previous response with id {parsed.previous[:100]!r} not found."
            code = "previous_response_not_found"
            raise Rejected(400, problem, param="previous_response_id", code=code)
        messages = merged([*earlier, *parsed.request.messages])
        check_calls(messages)
        return replace(parsed, request=replace(parsed.request, messages=messages))

    def keep(self, owner: str, parsed: Parsed, turn: Turn) -> None:
        if not parsed.stored:
            return
        said = (Text(turn.text),) if turn.pieces else ()
        calls = tuple(replace(cut.call, json=cut.json) for cut in turn.calls)
        messages = (*parsed.request.messages, Message("assistant", (*said, *calls)))
        with self._lock:
            self._messages[owner, f"resp_{turn.id}"] = messages
            while len(self._messages) > CAPACITY:
                self._messages.popitem(last=False)
