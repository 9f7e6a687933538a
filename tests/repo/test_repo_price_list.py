"""The price list that a reader is shown is the locked one, with the day of its publication."""

import tomllib
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from shared.prices import PRICE_LIST_DATE, PRICE_LIST_VERSION

LOCK = Path(__file__).parents[2] / "uv.lock"


def test_the_version_and_date_are_those_of_the_lock_file() -> None:
    packages = tomllib.loads(LOCK.read_text(encoding="utf-8"))["package"]
    locked = next(package for package in packages if package["name"] == "genai-prices")
    assert locked["version"] == PRICE_LIST_VERSION == version("genai-prices")
    uploaded = locked["sdist"]["upload-time"]
    if isinstance(uploaded, str):
        uploaded = datetime.fromisoformat(uploaded)
    assert uploaded.date() == PRICE_LIST_DATE
