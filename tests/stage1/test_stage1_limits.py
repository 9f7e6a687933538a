"""Rate limits as they were last seen, with their age, through a real ledger."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.messages import RateLimit
from stage1_cost_cli.ledger import Ledger, SeenLimits
from stage1_cost_cli.limits import NONE_SEEN, age, limits_json, render_limits

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
REQUESTS = RateLimit("requests", 1000, 999, "6m0s")
TOKENS = RateLimit("input-tokens", None, 39_500, "2026-11-21T12:00:30Z")


@pytest.fixture
def seen(tmp_path: Path) -> list[SeenLimits]:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.remember_limits("openai", "gpt-4o", [REQUESTS, TOKENS], NOW - timedelta(minutes=5))
        ledger.remember_limits("offline", "offline-small", [REQUESTS], NOW)
        return ledger.last_limits()


def test_every_limit_is_a_row_with_its_age(seen: list[SeenLimits]) -> None:
    lines = render_limits(seen, NOW, width=100, color=False).splitlines()
    assert lines[0].split() == ["provider", "model", "limit", "left", "of", "resets", "seen"]
    assert lines[1].split() == [
        "offline",
        "offline-small",
        "requests",
        "999",
        "1,000",
        "6m0s",
        "0",
        "s",
        "ago",
    ]
    assert lines[2].split() == [
        "openai",
        "gpt-4o",
        "requests",
        "999",
        "1,000",
        "6m0s",
        "5",
        "min",
        "ago",
    ]
    # a number that was not stated is unknown, not zero
    assert lines[3].split()[2:5] == ["input-tokens", "39,500", "?"]


def test_a_moment_of_reset_is_short_today_and_dated_on_another_day(seen: list[SeenLimits]) -> None:
    assert " 12:00:30Z " in render_limits(seen, NOW, width=80, color=False)
    later = render_limits(seen, NOW + timedelta(days=3), width=90, color=False)
    assert " 2026-11-21 12:00Z " in later


@pytest.mark.parametrize("width", [60, 80])
def test_it_stays_within_the_width(seen: list[SeenLimits], width: int) -> None:
    text = render_limits(seen, NOW, width=width, color=False)
    assert max(map(len, text.splitlines())) <= width


def test_nothing_seen_says_what_to_do() -> None:
    assert render_limits([], NOW) == NONE_SEEN


def test_json_keeps_the_providers_own_words(seen: list[SeenLimits]) -> None:
    data = json.loads(json.dumps(limits_json(seen, NOW)))
    openai = data["limits"][1]
    assert (openai["age_s"], openai["seen_at"]) == (300, "2026-11-21T11:55:00+00:00")
    assert openai["limits"][1] == {
        "name": "input-tokens",
        "limit": None,
        "remaining": 39_500,
        "reset": "2026-11-21T12:00:30Z",
    }


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 s ago"),
        (119, "119 s ago"),
        (120, "2 min ago"),
        (7199, "119 min ago"),
        (7200, "2 h ago"),
        (172_800, "2 days ago"),
    ],
)
def test_age(seconds: float, text: str) -> None:
    assert age(seconds) == text
