"""Names to models: an alias follows the key that is set, an unknown name gets a way out."""

import pytest

from shared.errors import UnknownModel, UnsupportedParameter
from shared.messages import Request, Usage, user
from shared.models import DEFAULTS, KNOWN, default_provider, resolve
from shared.prices import listed_models, open_prices
from shared.providers.wires import refuse_unsupported
from shared.settings import Settings

KEYS = {
    "anthropic": "ANTHROPIC_API_KEY",
    "openai": "OPENAI_API_KEY",
    "gemini": "GEMINI_API_KEY",
}


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*KEYS.values(), "STAGES_SMALL", "STAGES_BIG"):
        monkeypatch.delenv(name, raising=False)


def settings(**values: str) -> Settings:
    return Settings(_env_file=None, **values)


def test_without_a_key_the_aliases_are_offline() -> None:
    assert resolve("small", settings()).id == "offline-small"
    assert resolve("big", settings()).id == "offline-large"


@pytest.mark.parametrize("provider", KEYS)
def test_a_key_chooses_what_small_and_big_mean(provider: str) -> None:
    chosen = settings(**{KEYS[provider]: "some-key"})
    assert default_provider(chosen) == provider
    small, big = resolve("small", chosen), resolve("big", chosen)
    assert (small.id, big.id) == DEFAULTS[provider]
    assert small.provider == big.provider == provider


def test_an_empty_key_is_no_key() -> None:
    assert default_provider(settings(OPENAI_API_KEY="", ANTHROPIC_API_KEY=" ")) == "offline"


def test_the_environment_decides_over_the_key() -> None:
    chosen = settings(OPENAI_API_KEY="k", STAGES_SMALL="offline-large", STAGES_BIG="ollama/x")
    assert resolve("small", chosen).id == "offline-large"
    assert resolve("big", chosen).provider == "ollama"


@pytest.mark.parametrize("name", ["small", "big"])
def test_an_alias_of_an_alias_is_an_error_not_a_loop(name: str) -> None:
    with pytest.raises(UnknownModel, match="STAGES_SMALL"):
        resolve("small", settings(STAGES_SMALL=name))


def test_a_server_of_ones_own() -> None:
    model = resolve("ollama/llama3.3:70b", settings())
    assert (model.id, model.provider, model.wire) == ("llama3.3:70b", "ollama", "chat")
    model = resolve("compatible/org/name", settings())
    assert (model.id, model.provider) == ("org/name", "compatible")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("claude-haiku-5.5", "claude-haiku-5-5"),
        ("gpt6-luna", "gpt-6-luna"),
        ("offline-smal", "offline-small"),
        ("smal", "small"),
    ],
)
def test_an_unknown_name_gets_near_matches(typed: str, meant: str) -> None:
    with pytest.raises(UnknownModel) as caught:
        resolve(typed, settings())
    assert repr(typed) in str(caught.value)
    assert meant in str(caught.value)


@pytest.mark.parametrize("name", ["", "ollama/", "compatible/", "zzzzqqqq", "ollama"])
def test_a_name_that_means_nothing(name: str) -> None:
    with pytest.raises(UnknownModel):
        resolve(name, settings())


def test_a_model_of_the_price_list_needs_no_entry_here() -> None:
    listed = {id: entry for id, entry in listed_models().items() if id not in KNOWN}
    for id in ("gpt-4", "claude-opus-4-1", "gemini-2.5-pro"):
        provider, window = listed[id]
        model = resolve(id, settings())
        assert (model.provider, model.window) == (provider, window or 128_000)
        assert model.wire == ("anthropic" if id.startswith("claude") else "chat")


def test_a_model_goes_to_the_one_that_made_it() -> None:
    """Google and others resell Claude under the same id; its own key is meant."""
    for id, (provider, _) in listed_models().items():
        if id.startswith("claude"):
            assert provider == "anthropic", id
        if id.startswith("gpt"):
            assert provider == "openai", id


@pytest.mark.parametrize("model", KNOWN.values(), ids=KNOWN)
def test_every_known_model_has_a_price_and_the_window_of_the_list(model: object) -> None:
    usage = Usage(1000, 1000)
    assert open_prices(None).cost(usage, model.id, model.provider).total_usd > 0
    provider, window = listed_models().get(model.id, (model.provider, None))
    assert provider == model.provider
    if window:
        assert (
            abs(model.window - window) / window < 0.06
        )  # written rounded: 1,000,000 for 1,048,576


def test_sampling_is_refused_where_it_does_not_exist() -> None:
    said = (user("hi"),)
    for model in KNOWN.values():
        for name in ("temperature", "top_p", "top_k"):
            request = Request(messages=said, **{name: 1})
            if name in model.accepts:
                refuse_unsupported(request, model)
            else:
                with pytest.raises(UnsupportedParameter, match=name):
                    refuse_unsupported(request, model)
    assert not any(m.accepts for m in KNOWN.values() if m.provider == "anthropic")
