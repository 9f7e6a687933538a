"""A target behind an address: one POST a case. Left out: streaming, other methods, sign-in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from stage5_evals.cases import Case
from stage5_evals.targets import Ask, TargetFailed, request

SHOWN = 200  # characters of an error page


@asynccontextmanager
async def open_http(url: str, options: Mapping[str, Any]) -> AsyncIterator[Ask]:
    import httpx2

    async with httpx2.AsyncClient(timeout=None) as client:  # the runner holds the time limit

        async def ask(case: Case) -> Any:
            try:
                response = await client.post(url, json=request(case, options))
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                reason = f"{type(error).__name__}: {error}"
                raise TargetFailed("error", f"{url}: {reason}") from None
            if response.status_code != 200:
                said = " ".join(response.text.split())[:SHOWN]
                raise TargetFailed("error", f"{url} answered {response.status_code}: {said}")
            try:
                return response.json()
            except ValueError:
                raise TargetFailed("malformed", f"{url} answered no JSON") from None

        yield ask
