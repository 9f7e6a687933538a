"""From a model to a provider: which wire, which engine, which address, which key."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import SecretStr

from shared.calls import Tap
from shared.errors import MissingKey
from shared.models import Model
from shared.providers.provider import Provider
from shared.providers.retry import RetryPolicy
from shared.providers.wires import Engine, Wire
from shared.settings import Settings

NO_KEY_NEEDED = "none"  # what a server of one's own is sent where the wire demands a key


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
    return Provider(model, wire, engine, timeout_s=settings.timeout_s, taps=taps, retry=retry)


def address(model: Model, settings: Settings) -> tuple[str, str]:
    """Base URL and key for `model`."""
    match model.provider:
        case "anthropic":
            key = _key(settings.anthropic_api_key, "ANTHROPIC_API_KEY", model, settings)
            return settings.anthropic_base_url, key
        case "openai":
            key = _key(settings.openai_api_key, "OPENAI_API_KEY", model, settings)
            return settings.openai_base_url, key
        case "gemini":
            key = _key(settings.gemini_api_key, "GEMINI_API_KEY", model, settings)
            return settings.gemini_base_url, key
        case "ollama":
            return settings.ollama_base_url, NO_KEY_NEEDED
        case "compatible":
            own = settings.openai_api_key
            return settings.openai_base_url, own.get_secret_value() if own else NO_KEY_NEEDED
        case "offline":
            root = settings.offline_base_url
            return root if model.wire == "anthropic" else f"{root}/v1", "offline"
    raise MissingKey(f"no address is known for provider {model.provider!r} of {model.id}")


def _key(key: SecretStr | None, name: str, model: Model, settings: Settings) -> str:
    value = key.get_secret_value().strip() if key else ""
    if not value:
        raise MissingKey(
            f"{model.id} needs {name}, which is not set (looked in {settings.looked_in}): "
            "set it there, or use --model offline-small, which needs no key"
        )
    return value


def _wire(model: Model) -> Wire:
    if model.wire == "anthropic":
        from shared.providers.anthropic_wire import AnthropicWire

        return AnthropicWire()
    from shared.providers.chat_wire import ChatWire

    return ChatWire()


def _engine(model: Model, wire: Wire, base_url: str, key: str, settings: Settings) -> Engine:
    if settings.engine == "http":
        from shared.providers.engine_http import HttpEngine

        return HttpEngine(base_url, wire.path, wire.headers(key))
    from shared.providers import engine_sdk

    if model.wire == "anthropic":
        return engine_sdk.anthropic_engine(base_url, key)
    return engine_sdk.openai_engine(base_url, key)
