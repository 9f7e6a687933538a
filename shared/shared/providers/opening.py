"""From a model to a provider: which wire, which engine, which address, which key."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import SecretStr

from shared.calls import Tap
from shared.errors import BadSettings, MissingKey
from shared.models import Model
from shared.providers.provider import Provider
from shared.providers.retry import RetryPolicy
from shared.providers.transports import Transport
from shared.providers.wires import Engine, Wire
from shared.settings import Settings

NO_KEY_NEEDED = "none"  # what a server of one's own is sent where the wire demands a key
OFFLINE_KEY = "offline"


def open_provider(
    model: Model,
    settings: Settings,
    *,
    taps: Sequence[Tap] = (),
    retry: RetryPolicy | None = None,
) -> Provider:
    """A provider for `model`; close it after use. `MissingKey` says which variable is not set."""
    base_url, key = address(model, settings)
    wire = _wire(model)
    engine = _engine(model, wire, base_url, key, settings)
    return Provider(
        model, wire, engine, timeout_s=settings.timeout_s, taps=taps, retry=retry, key=key
    )


def address(model: Model, settings: Settings) -> tuple[str, str]:
    """Base URL and key for `model`."""
    s = settings
    keyed = {
        "anthropic": (s.anthropic_base_url, s.anthropic_api_key, "ANTHROPIC_API_KEY"),
        "openai": (s.openai_base_url, s.openai_api_key, "OPENAI_API_KEY"),
        "gemini": (s.gemini_base_url, s.gemini_api_key, "GEMINI_API_KEY"),
        "compatible": (s.openai_base_url, s.openai_api_key, "OPENAI_API_KEY"),
    }
    if model.provider in keyed:
        base_url, key, name = keyed[model.provider]
        if model.provider == "compatible" and "openai_base_url" not in s.model_fields_set:
            raise BadSettings(
                f"compatible/{model.id} needs the address of your server in OPENAI_BASE_URL, which "
                f"is not set (looked in {s.looked_in}); without it the prompt would go to OpenAI"
            )
        if model.provider == "compatible" and not key:
            return base_url, NO_KEY_NEEDED
        return base_url, _key(key, name, model, settings)
    if model.provider == "ollama":
        return s.ollama_base_url, NO_KEY_NEEDED
    return _offline(model, s.offline_base_url.rstrip("/")), OFFLINE_KEY


def _offline(model: Model, root: str) -> str:
    if not root:
        raise BadSettings(
            f"no address of the offline model for {model.id}: set OFFLINE_BASE_URL, or open it "
            "inside `shared.offline.attach.with_offline`"
        )
    return root if model.wire == "anthropic" else f"{root}/v1"


def _key(key: SecretStr | None, name: str, model: Model, settings: Settings) -> str:
    value = key.get_secret_value().strip() if key else ""
    if not value:
        raise MissingKey(
            f"{model.id} needs {name}, which is not set (looked in {settings.looked_in}): "
            "set it there, or use --model offline-small, which needs no key"
        )
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise BadSettings(
            f"{name} (looked in {settings.looked_in}) holds a character that no key has, such as "
            "a space, a line end or a curly quote: copy the key again"
        )
    return value


def _wire(model: Model) -> Wire:
    if model.wire == "anthropic":
        from shared.providers.anthropic_wire import AnthropicWire

        return AnthropicWire()
    from shared.providers.chat_wire import ChatWire

    return ChatWire()


def _engine(model: Model, wire: Wire, base_url: str, key: str, settings: Settings) -> Engine:
    if settings.engine == "sdk":
        from shared.providers import engine_sdk

        if model.wire == "anthropic":
            return engine_sdk.anthropic_engine(base_url, key)
        return engine_sdk.openai_engine(base_url, key)
    from shared.providers.engine_http import HttpEngine

    url = base_url.rstrip("/") + wire.path
    return HttpEngine(_transport(settings.engine, url, wire.headers(key)))


def _transport(engine: str, url: str, headers: dict[str, str]) -> Transport:
    if engine == "aiohttp":
        from shared.providers.transport_aiohttp import AiohttpTransport

        return AiohttpTransport(url, headers)
    from shared.providers.transport_httpx2 import Httpx2Transport

    return Httpx2Transport(url, headers)
