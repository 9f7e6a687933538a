"""Which model a name means, where it is served and what it accepts.

The one place for model ids. A name is an alias (`small`, `big`), an id known here, an id that the
price list knows, or `ollama/NAME` and `compatible/NAME` for a server of your own. Prices are in
`prices`.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from shared.errors import UnknownModel

if TYPE_CHECKING:
    from shared.settings import Settings

Wire = Literal["anthropic", "chat"]
SAMPLING = frozenset({"temperature", "top_p"})
NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Model:
    """`accepts`: the sampling parameters this model takes. `window`: tokens, in and out."""

    id: str
    provider: str
    wire: Wire
    window: int
    accepts: frozenset[str] = NOTHING


def _anthropic(id: str, window: int = 1_000_000) -> Model:
    return Model(id, "anthropic", "anthropic", window)


def _openai(id: str, window: int, accepts: frozenset[str] = NOTHING) -> Model:
    return Model(id, "openai", "chat", window, accepts)


def _gemini(id: str) -> Model:
    return Model(id, "gemini", "chat", 1_000_000, SAMPLING)


# Windows as `genai-prices` states them. Reasoning models of OpenAI take no sampling parameters, and
# Anthropic's API removed them for every model in its version 2026-10-21.
KNOWN: dict[str, Model] = {
    model.id: model
    for model in (
        Model("offline-small", "offline", "anthropic", 128_000),
        Model("offline-large", "offline", "anthropic", 128_000),
        _anthropic("claude-haiku-5-5"),
        _anthropic("claude-sonnet-5-5"),
        _anthropic("claude-opus-5-5"),
        _anthropic("claude-fable-5-2"),
        _anthropic("claude-sonnet-5"),
        _anthropic("claude-opus-5"),
        _anthropic("claude-sonnet-4-6"),
        _anthropic("claude-haiku-4-5", 200_000),
        _openai("gpt-6-astra", 1_050_000),
        _openai("gpt-6.1-sol", 1_050_000),
        _openai("gpt-6-sol", 1_050_000),
        _openai("gpt-6.1-terra", 1_050_000),
        _openai("gpt-6-luna", 1_050_000),
        _openai("gpt-5.5", 1_000_000),
        _openai("gpt-5.4-mini", 400_000),
        _openai("gpt-4.1", 1_000_000, SAMPLING),
        _openai("gpt-4.1-mini", 1_000_000, SAMPLING),
        _openai("gpt-4o", 128_000, SAMPLING),
        _openai("gpt-4o-mini", 128_000, SAMPLING),
        _gemini("gemini-4-argon"),
        _gemini("gemini-3.8-flash"),
        _gemini("gemini-3.5-flash-lite"),
    )
}

DEFAULTS = {  # provider whose key is set -> what `small` and `big` mean
    "anthropic": ("claude-haiku-5-5", "claude-opus-5-5"),
    "openai": ("gpt-6-luna", "gpt-6.1-sol"),
    "gemini": ("gemini-3.5-flash-lite", "gemini-4-argon"),
    "offline": ("offline-small", "offline-large"),
}


def resolve(name: str, settings: Settings) -> Model:
    """The model that `name` means; `UnknownModel` with near matches when it means none."""
    if name in ("small", "big"):
        return _alias(name, settings)
    if known := KNOWN.get(name):
        return known
    head, _, tail = name.partition("/")
    if tail and head == "ollama":
        return Model(tail, "ollama", "chat", 128_000, SAMPLING)
    if tail and head == "compatible":
        return Model(tail, "compatible", "chat", 128_000, SAMPLING | {"top_k"})
    return _from_price_list(name)


def default_provider(settings: Settings) -> str:
    """The provider whose key is set, in a fixed order; `offline` when none is."""
    keys = {
        "anthropic": settings.anthropic_api_key,
        "openai": settings.openai_api_key,
        "gemini": settings.gemini_api_key,
    }
    return next((name for name, key in keys.items() if key and key.get_secret_value()), "offline")


def _alias(name: str, settings: Settings) -> Model:
    chosen = settings.small if name == "small" else settings.big
    if chosen in ("small", "big"):
        raise UnknownModel(f"STAGES_{name.upper()}={chosen} points at an alias: give a model id")
    small, big = DEFAULTS[default_provider(settings)]
    return resolve(chosen or (small if name == "small" else big), settings)


def _from_price_list(name: str) -> Model:
    from shared.prices import listed_models  # 0.3 s: only for a name that is not in `KNOWN`

    listed = listed_models()
    if name in listed:
        provider, window = listed[name]
        wire: Wire = "anthropic" if provider == "anthropic" else "chat"
        return Model(name, provider, wire, window or 128_000)
    names = {"small", "big", *KNOWN, *listed}
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "`stage1 models` lists them."
    raise UnknownModel(f"unknown model {name!r}: {hint}")
