"""One file that says what is run: cases, corpus, target and graders. A command's flags win over it.

`depends` names the files whose content decides the target's answers. As long as they, the target
and its options are the same, an answer of an earlier run is taken again; without `depends` nothing
can be known to be unchanged, and every case is asked anew. Paths are relative to the file.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from shared.errors import UserError
from shared.journal import key_of

FILE = Path(__file__).parents[1] / "examples" / "ferry" / "suite.toml"
SKIPPED = {"__pycache__", ".git", ".venv", ".stages"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """`folder` is where a target starts. `graders`: names of the standard rules, none means all.

    `wrap` is a `module:function` that each answer goes through, to plant a fault in any target.
    """

    folder: Path
    cases: Path
    target: str
    corpus: Path | None = None
    split: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    ingest: bool = False
    wrap: str = ""
    depends: tuple[str, ...] = ()
    graders: tuple[str, ...] = ()
    checks: tuple[Mapping[str, Any], ...] = ()
    judges: tuple[Mapping[str, Any], ...] = ()
    seconds: float | None = None
    usd: float | None = None
    repeat: int = 1
    at_a_time: int = 4
    timeout_s: float = 120.0
    max_usd: float | None = None
    baseline: Path | None = None
    calibrations: Path | None = None
    plants: Path | None = None

    def identity(self, corpus: str) -> str:
        """Names all that is known to decide the target's answers."""
        parts = [self.target, self.wrap, str(self.ingest), corpus]
        parts += [json.dumps(dict(one), sort_keys=True) for one in (self.options, self.environment)]
        return key_of(*parts, content(self.folder, self.depends))[:16]

    def to_json(self) -> dict[str, Any]:
        """What a run keeps of it, and `suite_of` reads again."""
        return {one.name: _plain(getattr(self, one.name)) for one in fields(self)}


PATHS = ("cases", "corpus", "baseline", "calibrations", "plants")
LISTS = ("depends", "graders", "checks", "judges")


def load_suite(file: Path = FILE) -> Suite:
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}: name a suite") from None
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{file} is no TOML: {error}") from None
    return suite_of({"folder": str(file.parent.resolve()), **data}, str(file))


def suite_of(data: Mapping[str, Any], where: str) -> Suite:
    """`UserError` names what is missing, unknown or of another kind."""
    known = {one.name for one in fields(Suite)}
    if strange := sorted(set(data) - known):
        raise UserError(f"{where}: there is no setting {strange[0]!r}; there are {sorted(known)}")
    given = dict(data)
    folder = given["folder"] = Path(given["folder"])
    for name in PATHS:
        if given.get(name) is not None:
            given[name] = folder / given[name]
    for name in LISTS:
        given[name] = tuple(given.get(name, ()))
    try:
        return Suite(**given)
    except TypeError as error:
        raise UserError(f"{where}: {error}: a suite needs cases and target") from None


def content(folder: Path, names: Iterable[str]) -> str:
    """A hash over the named files and folders; empty when none is named."""
    digest = hashlib.sha256()
    named = list(names)
    for name in named:
        path = folder / name
        if not path.exists():
            raise UserError(f"depends names {path}, which is not there")
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and not SKIPPED & set(file.relative_to(path).parts):
                place = name if file == path else f"{name}/{file.relative_to(path).as_posix()}"
                digest.update(place.encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest() if named else ""


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        return [dict(one) if isinstance(one, Mapping) else one for one in value]
    return dict(value) if isinstance(value, Mapping) else value
