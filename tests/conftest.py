"""What holds for every test: no key, no network but loopback, no file of the user's."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

KEYS = ("ANTHROPIC", "OPENAI", "GEMINI", "OLLAMA", "OFFLINE", "STAGES", "OTEL", "DATABASE_URL")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="a skipped test fails the run")


def pytest_configure() -> None:
    """A shell that starts us in the background has SIGINT ignored, which children inherit."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if session.config.getoption("--no-skips") and skipped and exitstatus == 0:
        print(f"\n{len(skipped)} skipped: nothing may be skipped here")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Takes provider settings out of the environment; the user's `.env` and files stay out too."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(KEYS):
            monkeypatch.delenv(name)
    monkeypatch.setenv("STAGES_HOME", str(tmp_path / "stages"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
