"""Reading untrusted JSON field by field: every wrong type becomes a 400 that names the field.

Unknown fields are ignored, as OpenAI-compatible servers do; both vendors refuse some of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn


class Rejected(Exception):
    """An answer with an error status. `type` is only set when the wire's own word is overruled."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        type: str = "",
    ) -> None:
        super().__init__(message)
        self.status, self.message = status, message
        self.param, self.code, self.type = param, code, type


class Fields:
    """One JSON object and where it stands in the request, such as `messages.2`."""

    def __init__(self, value: Mapping[str, Any], path: str = "") -> None:
        self.value, self.path = value, path

    def at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def fail(self, name: str, problem: str) -> NoReturn:
        raise Rejected(400, f"{self.at(name)}: {problem}", param=self.at(name))

    def has(self, name: str) -> bool:
        return self.value.get(name) is not None

    def text(self, name: str, default: str | None = None) -> str:
        value = self._get(name, default)
        return value if isinstance(value, str) else self.fail(name, "must be a string")

    def flag(self, name: str) -> bool:
        value = self._get(name, False)
        return value if isinstance(value, bool) else self.fail(name, "must be true or false")

    def integer(self, name: str, default: int | None = None, *, low: int = 1) -> int:
        value = self._get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < low:
            self.fail(name, f"must be an integer of at least {low}")
        return value

    def number(self, name: str, low: float, high: float) -> float | None:
        value = self.value.get(name)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool):
            self.fail(name, "must be a number")
        if not low <= value <= high:
            self.fail(name, f"must be between {low:g} and {high:g}")
        return float(value)

    def child(self, name: str) -> Fields:
        value = self._get(name, None)
        if not isinstance(value, Mapping):
            self.fail(name, "must be an object")
        return Fields(value, self.at(name))

    def optional(self, name: str) -> Fields | None:
        return self.child(name) if self.has(name) else None

    def children(self, name: str) -> list[Fields]:
        """The objects in an array; an absent array is empty."""
        value = self._array(name)
        for i, item in enumerate(value):
            if not isinstance(item, Mapping):
                self.fail(f"{name}.{i}", "must be an object")
        return [Fields(item, f"{self.at(name)}.{i}") for i, item in enumerate(value)]

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._array(name)
        if not all(isinstance(item, str) for item in value):
            self.fail(name, "must be an array of strings")
        return tuple(value)

    def _array(self, name: str) -> list[Any]:
        value = self._get(name, [])
        return value if isinstance(value, list) else self.fail(name, "must be an array")

    def _get(self, name: str, default: Any) -> Any:
        value = self.value.get(name)
        if value is not None:
            return value
        return default if default is not None else self.fail(name, "Field required")


def read_json(raw: bytes) -> Fields:
    """The request body as fields; anything that is not one JSON object of real text is a 400."""
    try:
        value = json.loads(raw, parse_constant=_no_constant)
        if b"\\ud" in raw.lower():  # half a surrogate pair is legal JSON and no text
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise Rejected(400, f"The request body is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise Rejected(400, "The request body must be a JSON object")
    return Fields(value)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
