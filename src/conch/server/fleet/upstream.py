"""One server behind the gateway: what it has, whether it answers, and how much it is given to do.

It may be another `conch serve`, vLLM's server, llama.cpp's, or any other that speaks OpenAI's API.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx

from conch.core.errors import first_line

MISSES = 3
"""Looks in a row that may come to nothing where a server is merely slow. One that is gone is seen at once."""


class Upstream:
    """Out (`up` is False) until it has told its models. `key` is for it alone, and shown nowhere."""

    def __init__(self, url: str, key: str | None = None) -> None:
        self.url = url.rstrip("/").removesuffix("/v1")
        parts = urlsplit(self.url)
        self.name = parts.netloc + parts.path
        """What monitors call it."""
        self.models: dict[str, dict[str, Any]] = {}
        self.up = False
        self.reason = ""
        self.in_hand = 0
        self._misses = 0
        self._key = key

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._key}"} if self._key else {}

    @property
    def base(self) -> str | None:
        """The model that answers requests which name none."""
        return next(iter(self.models), None)

    def lost(self, reason: str) -> None:
        """No more requests until it has answered a look again."""
        self.up = False
        self.reason = reason

    async def look(self, client: httpx.AsyncClient) -> None:
        """Ask which models it has."""
        try:
            answer = await client.get(f"{self.url}/v1/models", headers=self.headers)
            answer.raise_for_status()
            models = {str(card["id"]): dict(card) for card in answer.json()["data"]}
        except httpx.TimeoutException as error:
            self._misses += 1
            if self._misses >= MISSES:
                self.lost(type(error).__name__)
        except httpx.HTTPStatusError as error:
            self.lost(f"HTTP {error.response.status_code}")
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
            self.lost(first_line(error))
        else:
            self.models, self.up, self.reason, self._misses = models, True, "", 0
