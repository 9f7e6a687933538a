"""What can go wrong on request, one kind after the other.

kind              fields (default)               what happens
----------------  -----------------------------  ------------------------------------------------
status            status; headers, type, code,   this answer instead of a turn; a body (object or
                  message, body                  text) is sent as it is
html              status (200)                   a proxy's HTML page
hang              seconds                        silence, not even headers; then all is healthy
slow_first_token  seconds                        headers and opening events, then a wait
pace              seconds_per_token              a wait before every token but the first
cut               after_tokens (0),              the connection breaks, or the body ends as if
                  how ("reset" or "clean")       it were whole
error_event       after_tokens (0), message,     an error inside the stream, or an error status
                  type ("overloaded_error"),     without a stream; `shape` is for Responses:
                  shape ("flat")                 "flat", "nested" or "failed"
hold              after_tokens (1)               the stream waits for /control/release
refusal           message                        the model declines
truncated         tokens (half of the answer)    ends as by `max_tokens`
invalid_json                                     JSON, of schema or tool call, stops in the middle
schema_drift                                     valid JSON, one key renamed, other types changed
wrong_tool        name (its own + "_v2")         calls a tool that was not offered
wrong_arguments   arguments (drifted)            calls a tool with arguments that break its schema
usage             overrides                      replaces fields of the reported usage, in the
                                                 words of the wire; null: no usage is reported
reply             text, tool_calls [{id, name,   a scripted healthy answer; a `stop` of "refusal"
                  arguments}], usage, stop       makes the text a refusal

A script is a list, used up one entry per model call (chat or embeddings) in order: null is healthy,
an object is one fault, a list of objects acts together. `"times": n` repeats an entry. After the
same token a hold comes before an error, and an error before a cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.offline.fields import Fields, Rejected

NUMBER, COUNT, TEXT, OBJECT, LIST, ANY = "number", "count", "text", "object", "list", "any"
KINDS: dict[str, dict[str, str]] = {
    "status": {
        "status": COUNT,
        "headers": OBJECT,
        "type": TEXT,
        "code": TEXT,
        "message": TEXT,
        "body": ANY,
    },
    "html": {"status": COUNT},
    "hang": {"seconds": NUMBER},
    "slow_first_token": {"seconds": NUMBER},
    "pace": {"seconds_per_token": NUMBER},
    "cut": {"after_tokens": COUNT, "how": TEXT},
    "error_event": {"after_tokens": COUNT, "type": TEXT, "message": TEXT, "shape": TEXT},
    "hold": {"after_tokens": COUNT},
    "refusal": {"message": TEXT},
    "truncated": {"tokens": COUNT},
    "invalid_json": {},
    "schema_drift": {},
    "wrong_tool": {"name": TEXT},
    "wrong_arguments": {"arguments": OBJECT},
    "usage": {"overrides": ANY},
    "reply": {"text": TEXT, "tool_calls": LIST, "usage": OBJECT, "stop": TEXT},
}
NEEDED = {
    "status": "status",
    "hang": "seconds",
    "slow_first_token": "seconds",
    "pace": "seconds_per_token",
}
CHOICES = {
    ("cut", "how"): ("reset", "clean"),
    ("error_event", "shape"): ("flat", "nested", "failed"),
    ("reply", "stop"): ("end", "length", "stop_sequence", "tool_use", "refusal", "context_full"),
}
TYPES: dict[str, tuple[type, ...]] = {
    NUMBER: (int, float),
    COUNT: (int,),
    TEXT: (str,),
    OBJECT: (Mapping,),
    LIST: (list,),
    ANY: (object,),
}
MAX_TIMES = 10_000

Faults = dict[str, Mapping[str, Any]]  # kind → its fields; empty is healthy


def read_script(body: Fields) -> list[Faults]:
    """The `faults` of a control request, spelled out one entry per model call."""
    entries = body.value.get("faults")
    if not isinstance(entries, list):
        body.fail("faults", "must be an array of null, fault, or array of faults")
    out: list[Faults] = []
    for i, entry in enumerate(entries):
        together = entry if isinstance(entry, list) else [entry] if entry is not None else []
        faults, times = _entry(together, f"faults.{i}")
        out += [faults] * times
    return out


def _entry(together: list[Any], path: str) -> tuple[Faults, int]:
    faults: Faults = {}
    times = 1
    for fault in together:
        if not isinstance(fault, Mapping):
            raise Rejected(400, f"{path}: must be null, an object or an array of objects")
        fields = Fields(fault, path)
        kind = fields.text("kind")
        if kind not in KINDS:
            fields.fail("kind", f"must be one of {', '.join(KINDS)}")
        times = max(times, min(fields.integer("times", 1), MAX_TIMES))
        faults[kind] = _checked(kind, fields)
    return faults, times


def _checked(kind: str, fields: Fields) -> Mapping[str, Any]:
    if kind in NEEDED and not fields.has(NEEDED[kind]):
        fields.fail(NEEDED[kind], "Field required")
    if "status" in KINDS[kind] and not 200 <= fields.integer("status", 200) <= 599:
        fields.fail("status", "must be from 200 to 599")
    for name, value in fields.value.items():
        if name in ("kind", "times"):
            continue
        if name not in KINDS[kind]:
            fields.fail(name, f"is not a field of {kind}; it has {', '.join(KINDS[kind])}")
        wanted = KINDS[kind][name]
        wrong = not isinstance(value, TYPES[wanted]) or (
            isinstance(value, bool | int | float) and wanted != ANY and (value is True or value < 0)
        )
        if wrong:
            fields.fail(name, f"must be a {wanted}")
        if value not in CHOICES.get((kind, name), (value,)):
            fields.fail(name, f"must be one of {', '.join(CHOICES[kind, name])}")
    return fields.value
