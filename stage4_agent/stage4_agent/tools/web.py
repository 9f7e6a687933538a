"""Web search: a full-text index over bundled pages by default, a real search API when a key is set.

The offline index is SQLite's FTS5 with BM25. Everything found is text from strangers and is marked
so. Left out: crawling, freshness, and ranking by anything but words.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.queries import load_queries
from stage4_agent.contract import Arguments, Tool, ToolFailure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Search = Callable[[str], Awaitable[list["Page"]]]

SQL = Path(__file__).parents[1] / "sql" / "pages.sql"
HITS, EXCERPT = 4, 700
_HEAD = re.compile(r"---\nurl: (?P<url>\S+)\ntitle: (?P<title>[^\n]+)\n---\n(?P<text>.*)", re.S)
_WORD = re.compile(r"\w+")
# Words that every question has; FTS5 has no list of its own.
_SMALL_WORDS = """
    a an and are at by can cost do does for from how i in is it many much of on or that the
    their there to was what when which who why with our we us you your me please tell find
"""
_SMALL = frozenset(_SMALL_WORDS.split())


@dataclass(frozen=True, slots=True)
class Page:
    url: str
    title: str
    text: str


class PageIndex:
    """Bundled pages: searched by words, read by address."""

    def __init__(self, folder: Path) -> None:
        self.pages = {page.url: page for page in _pages(folder)}
        self._ask = load_queries(SQL)
        self._db = sqlite3.connect(":memory:")
        self._db.execute(self._ask["create"])
        self._db.executemany(self._ask["add"], map(asdict, self.pages.values()))

    def find(self, query: str) -> list[Page]:
        words = [word for word in _WORD.findall(query.lower()) if word not in _SMALL]
        if not words:
            return []
        wanted = " OR ".join(f'"{word}"' for word in dict.fromkeys(words))
        rows = self._db.execute(self._ask["find"], {"wanted": wanted, "hits": HITS})
        pages = [self.pages[url] for (url,) in rows]
        return [Page(page.url, page.title, page.text[:EXCERPT]) for page in pages]


def web_search(search: Search, seen: set[str]) -> Tool:
    """`seen` gathers the addresses that were found: only those may be fetched."""

    async def run(given: Arguments, _key: str) -> dict[str, Any]:
        hits = await search(given["query"])
        seen.update(hit.url for hit in hits)
        return {"results": [{"url": h.url, "title": h.title, "text": h.text} for h in hits]}

    return Tool(
        name="web_search",
        description="Searches web pages, such as help, prices, rates, policies, taxes and company "
        "facts, and gives the beginning of the best ones.",
        parameters={
            "type": "object",
            "properties": {
                "query": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": 300,
                    "description": "words",
                }
            },
            "required": ["query"],
        },
        returns={
            "type": "object",
            "properties": {
                "results": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "url": {"type": "string"},
                            "title": {"type": "string"},
                            "text": {"type": "string"},
                        },
                        "required": ["url", "title", "text"],
                        "additionalProperties": False,
                    },
                }
            },
            "required": ["results"],
            "additionalProperties": False,
        },
        run=run,
        untrusted=True,
        deadline_s=15,
    )


def offline_search(index: PageIndex) -> Search:
    async def search(query: str) -> list[Page]:
        return index.find(query)

    return search


def brave_search(url: str, key: str) -> Search:
    """Brave's web search API; any server that answers in its form will do."""

    async def search(query: str) -> list[Page]:
        import httpx2

        headers = {"X-Subscription-Token": key, "Accept": "application/json"}
        try:
            async with httpx2.AsyncClient(timeout=10, follow_redirects=False) as client:
                answered = await client.get(
                    url, params={"q": query, "count": str(HITS)}, headers=headers
                )
            if answered.status_code != 200:
                raise ToolFailure(
                    f"the search API answered {answered.status_code}: try again later"
                )
            results = answered.json()["web"]["results"][:HITS]
            return [
                Page(str(r["url"]), str(r["title"]), str(r.get("description") or "")[:EXCERPT])
                for r in results
            ]
        except (httpx2.HTTPError, OSError) as error:
            raise ToolFailure(f"the search API cannot be reached: {type(error).__name__}") from None
        except (ValueError, KeyError, TypeError):
            raise ToolFailure("the search API answered in an unknown form") from None

    return search


def _pages(folder: Path) -> Iterator[Page]:
    for file in sorted(folder.glob("*.md")):
        head = _HEAD.match(file.read_text(encoding="utf-8"))
        if head is None:
            raise ToolFailure(f"{file} has no url and title between two lines of ---")
        yield Page(head["url"], head["title"], head["text"].strip())
