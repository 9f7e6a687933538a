"""The only reader of the environment and of `.env`. Called by a command, never at import.

A real environment variable wins over `.env`. Secrets are `SecretStr`: they hide in `repr`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, PrivateAttr, SecretStr, ValidationError, field_validator
from pydantic_core import PydanticUseDefault
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.errors import BadSettings

Engine = Literal["http", "aiohttp", "sdk"]


class Settings(BaseSettings):
    """One attribute a variable; the variable's name is the alias."""

    model_config = SettingsConfigDict(extra="ignore", validate_default=False)

    anthropic_api_key: SecretStr | None = Field(None, alias="ANTHROPIC_API_KEY")
    anthropic_base_url: str = Field("https://api.anthropic.com", alias="ANTHROPIC_BASE_URL")
    openai_api_key: SecretStr | None = Field(None, alias="OPENAI_API_KEY")
    openai_base_url: str = Field("https://api.openai.com/v1", alias="OPENAI_BASE_URL")
    gemini_api_key: SecretStr | None = Field(None, alias="GEMINI_API_KEY")
    gemini_base_url: str = Field(
        "https://generativelanguage.googleapis.com/v1beta/openai", alias="GEMINI_BASE_URL"
    )
    ollama_base_url: str = Field("http://127.0.0.1:11434/v1", alias="OLLAMA_BASE_URL")
    offline_base_url: str = Field("", alias="OFFLINE_BASE_URL")

    database_url: SecretStr | None = Field(None, alias="DATABASE_URL")

    small: str = Field("", alias="STAGES_SMALL")
    big: str = Field("", alias="STAGES_BIG")
    engine: Engine = Field("http", alias="STAGES_ENGINE")
    timeout_s: float = Field(120.0, alias="STAGES_TIMEOUT_S", gt=0, le=3600)
    budget_usd: float | None = Field(None, alias="STAGES_BUDGET_USD", ge=0)
    home: Path = Field(Path(), alias="STAGES_HOME")
    prices_file: Path | None = Field(None, alias="STAGES_PRICES")
    otlp_endpoint: str = Field("", alias="OTEL_EXPORTER_OTLP_ENDPOINT")
    search_api_key: SecretStr | None = Field(None, alias="SEARCH_API_KEY")
    search_api_url: str = Field(
        "https://api.search.brave.com/res/v1/web/search", alias="SEARCH_API_URL"
    )
    fetch_hosts: str = Field("", alias="STAGES_FETCH_HOSTS")
    capture_content: bool = Field(False, alias="STAGES_CAPTURE_CONTENT")

    _looked_in: str = PrivateAttr("the environment")

    @field_validator("*", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: Any) -> Any:
        """`NAME=` in a file or the environment means the default: for a key, none."""
        if not isinstance(value, str):
            return value
        if not value.strip():
            raise PydanticUseDefault
        return value.strip()

    @field_validator(
        "anthropic_base_url",
        "openai_base_url",
        "gemini_base_url",
        "ollama_base_url",
        "offline_base_url",
        "otlp_endpoint",
        "search_api_url",
    )
    @classmethod
    def _is_address(cls, value: str) -> str:
        """A typing error here would otherwise look like a network that is down."""
        parts = urlsplit(value)
        if value and not (parts.scheme in ("http", "https") and parts.hostname):
            raise ValueError("must be an address that starts with http:// or https://")
        return value

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, value: SecretStr | None) -> SecretStr | None:
        """In words that do not repeat it: it may hold a password."""
        if value and not value.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("must be an address that starts with postgresql://")
        return value

    @property
    def looked_in(self) -> str:
        """Where a missing variable was looked for, for an error message."""
        return self._looked_in

    def secrets(self) -> tuple[str, ...]:
        """Every key in use, for the redactor."""
        keys = (
            self.anthropic_api_key,
            self.openai_api_key,
            self.gemini_api_key,
            self.database_url,  # it may hold a password
            self.search_api_key,
        )
        return tuple(key.get_secret_value() for key in keys if key and key.get_secret_value())


def load_settings(folder: Path | None = None) -> Settings:
    """Settings of a command started in `folder` (default: the working folder).

    `.env` is the nearest one from `folder` upwards, no further than the checkout's root. Runtime
    files go to `.stages/` in that root, or in the home folder outside a checkout.
    """
    start = (folder or Path.cwd()).resolve()
    root = _checkout_root(start)
    env_file = _nearest_env_file(start, root)
    try:
        if env_file:
            _refuse_broken(env_file)
        settings = Settings(_env_file=env_file, _env_file_encoding="utf-8-sig")  # type: ignore[call-arg]
    except ValidationError as error:
        raise BadSettings(_explain(error, env_file)) from None
    if env_file:
        settings._looked_in = f"the environment and {env_file}"
    if settings.home == Path():
        settings.home = (root or Path.home()) / ".stages"
    return settings


def _checkout_root(start: Path) -> Path | None:
    return next((p for p in (start, *start.parents) if (p / "uv.lock").is_file()), None)


def _nearest_env_file(start: Path, root: Path | None) -> Path | None:
    for folder in (start, *start.parents):
        if (folder / ".env").is_file():
            return folder / ".env"
        if folder == (root or start):
            return None
    return None


def _refuse_broken(env_file: Path) -> None:
    """python-dotenv skips a line it cannot read; a skipped key is a riddle later, so stop here."""
    from dotenv.parser import parse_stream

    try:
        with env_file.open(encoding="utf-8-sig") as stream:
            broken = [
                (one.original.line, one.original.string)
                for one in parse_stream(stream)
                if one.error or (one.key and one.value is None)
            ]
    except UnicodeDecodeError:
        raise BadSettings(f"{env_file} is not UTF-8 text: save it again as UTF-8") from None
    except OSError as error:
        raise BadSettings(f"{env_file} cannot be read: {error.strerror}") from None
    if broken:
        line, text = broken[0]
        line += (text[: len(text) - len(text.lstrip())]).count("\n")  # blank lines before it
        name = re.match(r"(?:export\s+)?([A-Z][A-Z0-9_]*)\b", text.lstrip())
        near = f" ({name[1]})" if name else ""  # nothing else of the line: it may be a key
        raise BadSettings(
            f"{env_file} line {line}{near} is not NAME=value: fix or remove that line"
        )


def _explain(error: ValidationError, env_file: Path | None) -> str:
    where = f" (environment or {env_file})" if env_file else " (environment)"
    first = error.errors(include_input=False, include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    return f"{name}{where}: {first['msg']}"
