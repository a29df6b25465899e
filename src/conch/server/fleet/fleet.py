"""All servers behind a gateway, looked at now and then, and what bounds the requests to them."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, Any

import httpx
from fastapi import Depends, Request

from conch.config.key_file import read_key
from conch.config.serve import ServeConfig
from conch.core import env
from conch.core.text import tr
from conch.server.answer import Limit
from conch.server.errors import RequestError
from conch.server.fleet.metrics import FleetMetrics
from conch.server.fleet.upstream import Upstream
from conch.server.service import RETRY_SECONDS

LOOK_SECONDS = 2.0
"""Between two looks at each server."""
PATIENCE_SECONDS = 5.0
"""How long a connection, or an answer to a look, may take."""
KEEP_SECONDS = 3.0
"""How long an idle connection is kept: less than servers keep theirs, so that none is used as it closes."""

Notify = Callable[[str], None]


class Fleet:
    """The servers in the order given. `start` must run before, and `close` after, requests are handed on."""

    def __init__(self, config: ServeConfig, notify: Notify) -> None:
        """Raises UsageError where the file with the key can't be read."""
        file = config.upstream_key_file
        key = read_key(file) if file else env.upstream_key()
        self.upstreams = tuple(Upstream(url, key) for url in config.upstream)
        self.metrics = FleetMetrics(self.upstreams)
        self.in_hand = 0
        self._most = config.max_concurrent_requests
        self._seconds = config.request_seconds
        self._notify = notify
        self._last_moment = math.inf
        self._told: dict[Upstream, str] = {}

    async def start(self) -> None:
        """Look at every server, and go on looking."""
        self.client = httpx.AsyncClient(
            timeout=httpx.Timeout(None, connect=PATIENCE_SECONDS),
            limits=httpx.Limits(max_connections=None, keepalive_expiry=KEEP_SECONDS),
            trust_env=False,
        )
        self._looker = httpx.AsyncClient(timeout=PATIENCE_SECONDS, trust_env=False)
        self._soon = asyncio.Event()
        await self._look()
        self._looking = asyncio.create_task(self._keep_looking())

    async def close(self) -> None:
        self.end_within(0)
        self._looking.cancel()
        with suppress(asyncio.CancelledError):
            await self._looking
        await self.client.aclose()
        await self._looker.aclose()

    def end_within(self, seconds: float) -> None:
        """Take no more requests; answers that are being made have `seconds` left."""
        self._last_moment = min(self._last_moment, time.monotonic() + seconds)

    @property
    def cards(self) -> dict[str, dict[str, Any]]:
        """The models of all servers that answer. Of one that several have, what the first says."""
        cards: dict[str, dict[str, Any]] = {}
        for upstream in self.upstreams:
            for name, card in upstream.models.items() if upstream.up else ():
                cards.setdefault(name, card)
        return cards

    @property
    def names(self) -> list[str]:
        return list(self.cards)

    def check_open(self) -> None:
        """Raises RequestError where requests are not taken: none is up, or the gateway ends."""
        if self._last_moment != math.inf:
            raise RequestError("serving.closing", status=503)
        if not any(upstream.up for upstream in self.upstreams):
            raise self.nobody()

    def holders(self, model: str | None) -> list[Upstream]:
        """The servers that have a model, also those that don't answer now. Raises RequestError for none.

        Where no model is named, it is the first of all.
        """
        if model is None:
            first = next((upstream.base for upstream in self.upstreams if upstream.up), None)
            return [upstream for upstream in self.upstreams if first and upstream.base == first]
        holders = [upstream for upstream in self.upstreams if model in upstream.models]
        if holders:
            return holders
        raise RequestError(
            "serving.no_model",
            status=404,
            param="model",
            code="model_not_found",
            name=model[:200],
            known=", ".join(self.names),
        )

    def nobody(self, model: str | None = None) -> RequestError:
        """What a client is told where none of the servers (with a model) answers."""
        retry = {"retry-after": str(RETRY_SECONDS)}
        if model is None:
            return RequestError("serving.no_upstreams", status=503, headers=retry, code="no_upstream")
        return RequestError("serving.no_upstream", status=503, headers=retry, name=model[:200])

    @contextmanager
    def entered(self) -> Iterator[None]:
        """One more request in hand. Raises RequestError beyond the bound."""
        if self.in_hand >= self._most:
            self.metrics.refused.inc()
            retry = {"retry-after": str(RETRY_SECONDS)}
            raise RequestError("serving.busy", status=429, headers=retry, count=self.in_hand)
        self.in_hand += 1
        try:
            yield
        finally:
            self.in_hand -= 1

    def limit(self) -> Limit:
        """When a request that comes now must have ended."""
        return Limit(self._seconds, lambda: self._last_moment)

    def lost(self, upstream: Upstream, reason: str) -> None:
        """A server failed a request. It is looked at again at once: it may be well."""
        upstream.lost(reason)
        self._soon.set()

    async def _keep_looking(self) -> None:
        while True:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._soon.wait(), LOOK_SECONDS)
            self._soon.clear()
            await self._look()

    async def _look(self) -> None:
        await asyncio.gather(*(upstream.look(self._looker) for upstream in self.upstreams))
        for upstream in self.upstreams:
            self._tell(upstream)

    def _tell(self, upstream: Upstream) -> None:
        """What has changed since it was last told."""
        if upstream.up:
            line = tr("serving.upstream_up", url=upstream.url, models=", ".join(upstream.models))
        else:
            line = tr("serving.upstream_down", url=upstream.url, reason=upstream.reason)
        if self._told.get(upstream) != line:
            self._told[upstream] = line
            self._notify(line)


async def fleet_of(request: Request) -> Fleet:
    """Not a plain function: FastAPI would send those to a thread."""
    fleet: Fleet = request.app.state.fleet
    return fleet


FleetOf = Annotated[Fleet, Depends(fleet_of)]
"""A route's parameter that holds the fleet."""
