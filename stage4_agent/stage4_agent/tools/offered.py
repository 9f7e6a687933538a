"""The set of tools that an agent of this stage is offered, and what each of them works on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stage4_agent.contract import Tool
from stage4_agent.tools.calculator import calculator
from stage4_agent.tools.fetch import addresses, fetch_page, live_fetch, offline_fetch
from stage4_agent.tools.notes import note_tools
from stage4_agent.tools.orders import place_order
from stage4_agent.tools.sql import sql_tools
from stage4_agent.tools.web import PageIndex, brave_search, offline_search, web_search

if TYPE_CHECKING:
    from shared.settings import Settings

DATA = Path(__file__).parents[2] / "data"  # beside the package, in a checkout


@dataclass(frozen=True, slots=True)
class Places:
    """`shop` is only read; `orders` and `notes` are written."""

    orders: Path
    notes: Path
    shop: Path = DATA / "shop.db"
    pages: Path = DATA / "pages"


def own_names() -> set[str]:
    """Names that no foreign tool may take."""
    nowhere = Path("never-written")
    own = tools("", Places(nowhere, nowhere), notes=True)
    return {tool.name for tool in own} | {"read_more"}


def tools(
    task: str, places: Places, settings: Settings | None = None, *, notes: bool = False
) -> Sequence[Tool]:
    """Fresh tools for one run; those of another run know other addresses."""
    seen = addresses(task)
    index = PageIndex(places.pages)
    key = settings.search_api_key if settings else None
    if settings and key:
        allowed = settings.fetch_hosts.split()
        search = brave_search(settings.search_api_url, key.get_secret_value())
        fetch = live_fetch(allowed)
    else:
        allowed = sorted({url.split("/")[2] for url in index.pages})
        search, fetch = offline_search(index), offline_fetch(index)
    return (
        web_search(search, seen),
        fetch_page(fetch, seen, allowed),
        *sql_tools(places.shop),
        calculator(),
        place_order(places.orders, places.shop),
        *(note_tools(places.notes) if notes else ()),
    )
