"""Settings: where a value comes from, what is wrong with a bad one; and no key is ever shown."""

import json
import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from shared.errors import BadSettings, MissingKey
from shared.models import KNOWN
from shared.providers.opening import address, open_provider
from shared.settings import Settings, load_settings

SECRET = "sk-proj-abcdefghijklmnop"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = ("STAGES_", "ANTHROPIC_", "OPENAI_", "GEMINI_", "OLLAMA_", "OFFLINE_", "OTEL_")
    for name in os.environ:
        if name.upper().startswith(ours):
            monkeypatch.delenv(name)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "uv.lock").touch()
    return tmp_path


def env(folder: Path, text: str | bytes) -> Path:
    file = folder / ".env"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def test_without_anything_the_defaults_hold(checkout: Path) -> None:
    settings = load_settings(checkout)
    assert settings.openai_api_key is None
    assert settings.engine == "http"
    assert settings.timeout_s == 120
    assert settings.budget_usd is None
    assert settings.home == checkout / ".stages"
    assert settings.secrets() == ()


def test_the_file_is_read_and_the_environment_wins(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env(checkout, f'OPENAI_API_KEY="{SECRET}"\nSTAGES_ENGINE=sdk\nSTAGES_TIMEOUT_S=5 # short\n')
    monkeypatch.setenv("STAGES_ENGINE", "http")
    settings = load_settings(checkout)
    assert settings.openai_api_key == SecretStr(SECRET)
    assert settings.engine == "http"
    assert settings.timeout_s == 5
    assert settings.secrets() == (SECRET,)


def test_an_empty_variable_means_none_and_hides_the_file(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`OPENAI_API_KEY= make demo` must not spend money that the file could spend."""
    env(checkout, f"OPENAI_API_KEY={SECRET}\nSTAGES_BUDGET_USD=\nSTAGES_ENGINE=\nSTAGES_HOME=\n")
    monkeypatch.setenv("OPENAI_API_KEY", "")
    settings = load_settings(checkout)
    assert settings.openai_api_key is None
    assert settings.budget_usd is None
    assert settings.engine == "http"
    assert settings.home == checkout / ".stages"


def test_a_key_of_spaces_is_none_and_a_pasted_line_end_is_no_part_of_it(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "  ")
    monkeypatch.setenv("OPENAI_API_KEY", f" {SECRET}\n")
    settings = load_settings(checkout)
    assert settings.gemini_api_key is None
    assert settings.secrets() == (SECRET,)


def test_the_nearest_file_up_to_the_checkout_is_the_one(checkout: Path) -> None:
    inner = checkout / "stage" / "deep"
    inner.mkdir(parents=True)
    env(checkout, "STAGES_SMALL=gpt-4o\n")
    assert load_settings(inner).small == "gpt-4o"
    env(checkout / "stage", "STAGES_SMALL=gpt-4.1\n")
    settings = load_settings(inner)
    assert settings.small == "gpt-4.1"
    assert str(checkout / "stage" / ".env") in settings.looked_in


def test_a_file_above_the_checkout_is_not_read(tmp_path: Path) -> None:
    env(tmp_path, "STAGES_SMALL=gpt-4o\n")
    inner = tmp_path / "checkout"
    inner.mkdir()
    (inner / "uv.lock").touch()
    assert load_settings(inner).small == ""
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    assert load_settings(outside).small == ""


def test_the_working_folder_is_the_default(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env(checkout, "STAGES_BIG=gpt-6-sol\n")
    monkeypatch.chdir(checkout)
    assert load_settings().big == "gpt-6-sol"


def test_a_byte_order_mark_does_not_hide_the_first_line(checkout: Path) -> None:
    env(checkout, "\ufeffOPENAI_API_KEY=one-two-three\n".encode())
    assert load_settings(checkout).secrets() == ("one-two-three",)


def test_windows_line_ends(checkout: Path) -> None:
    env(checkout, b"STAGES_SMALL=gpt-4o\r\nSTAGES_BIG=gpt-4.1\r\n")
    settings = load_settings(checkout)
    assert (settings.small, settings.big) == ("gpt-4o", "gpt-4.1")


def test_what_is_not_ours_is_ignored(checkout: Path) -> None:
    env(checkout, "# a comment\n\nexport STAGES_SMALL='gpt-4o'\nSOMETHING_ELSE=1\n")
    assert load_settings(checkout).small == "gpt-4o"


@pytest.mark.parametrize(
    ("text", "line", "name"),
    [
        (f"STAGES_SMALL=gpt-4o\nOPENAI_API_KEY {SECRET}\n", 2, "OPENAI_API_KEY"),
        (f"OPENAI_API_KEY: {SECRET}\n", 1, "OPENAI_API_KEY"),
        (f'\n\nOPENAI_API_KEY="{SECRET}\n', 3, "OPENAI_API_KEY"),
        (f"export OPENAI_API_KEY='{SECRET}\n", 1, "OPENAI_API_KEY"),
        ("STAGES_SMALL=gpt-4o\nOPENAI_API_KEY\n", 2, "OPENAI_API_KEY"),
        (f"{SECRET}\n", 1, None),
        (f"{SECRET} my key\n", 1, None),
        (f"= {SECRET}\n", 1, None),
        (f"my key is {SECRET}\n", 1, None),
    ],
)
def test_a_broken_line_is_named_and_its_value_never_shown(
    checkout: Path, text: str, line: int, name: str | None
) -> None:
    file = env(checkout, text)
    with pytest.raises(BadSettings) as caught:
        load_settings(checkout)
    told = str(caught.value)
    assert f"{file} line {line} " in told
    assert "NAME=value" in told
    assert (f"({name})" in told) == (name is not None)
    assert "abcdefgh" not in told
    assert "my key" not in told


def test_a_file_that_is_not_utf8_is_named(checkout: Path) -> None:
    file = env(checkout, b"OPENAI_API_KEY=\xff\xfe\x00abc\n")
    with pytest.raises(BadSettings, match="not UTF-8") as caught:
        load_settings(checkout)
    assert str(file) in str(caught.value)
    utf16 = env(checkout, "OPENAI_API_KEY=abc\n".encode("utf-16"))
    with pytest.raises(BadSettings, match="not UTF-8"):
        load_settings(utf16.parent)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("STAGES_TIMEOUT_S", "soon", "number"),
        ("STAGES_TIMEOUT_S", "0", "greater than 0"),
        ("STAGES_TIMEOUT_S", "nan", "less than or equal to 3600"),
        ("STAGES_TIMEOUT_S", "86400", "less than or equal to 3600"),
        ("STAGES_BUDGET_USD", "-1", "greater than or equal to 0"),
        ("STAGES_BUDGET_USD", "ten", "number"),
        ("STAGES_ENGINE", "curl", "'http', 'aiohttp' or 'sdk'"),
        ("STAGES_CAPTURE_CONTENT", "perhaps", "boolean"),
        ("OPENAI_BASE_URL", "api.openai.com/v1", "http://"),
        ("OLLAMA_BASE_URL", "localhost:11434", "http://"),
        ("ANTHROPIC_BASE_URL", "https://", "http://"),
    ],
)
def test_a_wrong_value_is_a_sentence_about_that_variable(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadSettings, match=told) as caught:
        load_settings(checkout)
    assert str(caught.value).startswith(name)
    assert caught.value.exit_code == 2


def test_a_wrong_value_from_the_file_names_the_file(checkout: Path) -> None:
    file = env(checkout, "STAGES_TIMEOUT_S=soon\n")
    with pytest.raises(BadSettings) as caught:
        load_settings(checkout)
    assert str(file) in str(caught.value)


def test_no_key_in_any_form_that_is_printed(checkout: Path) -> None:
    lines = [f"{name}_API_KEY={SECRET}-{name}" for name in ("OPENAI", "ANTHROPIC", "GEMINI")]
    env(checkout, "\n".join(lines))
    settings = load_settings(checkout)
    assert len(settings.secrets()) == 3
    printed = [
        repr(settings),
        str(settings),
        settings.model_dump_json(),
        json.dumps(settings.model_dump(), default=str),
        repr(settings.model_dump()),
    ]
    assert not any("abcdefgh" in text for text in printed)


def test_a_missing_key_says_which_and_where_it_was_looked_for(checkout: Path) -> None:
    file = env(checkout, "STAGES_SMALL=gpt-4o\n")
    settings = load_settings(checkout)
    for model, name in (
        ("gpt-4o", "OPENAI_API_KEY"),
        ("claude-opus-5-5", "ANTHROPIC_API_KEY"),
        ("gemini-4-argon", "GEMINI_API_KEY"),
    ):
        with pytest.raises(MissingKey, match=name) as caught:
            open_provider(KNOWN[model], settings)
        assert str(file) in str(caught.value)
        assert "offline-small" in str(caught.value)


@pytest.mark.parametrize("key", ["sk-“curly”", "two words", "line\nend", "tab\tkey", "naïve-key"])
def test_a_key_that_no_header_can_hold_is_refused_without_showing_it(key: str) -> None:
    settings = Settings(_env_file=None, OPENAI_API_KEY=key)
    with pytest.raises(BadSettings, match="OPENAI_API_KEY") as caught:
        open_provider(KNOWN["gpt-4o"], settings)
    assert key not in str(caught.value)


def test_the_offline_model_without_an_address_says_what_to_do() -> None:
    settings = Settings(_env_file=None)
    with pytest.raises(BadSettings, match="OFFLINE_BASE_URL"):
        address(KNOWN["offline-small"], settings)
