"""A gateway from start to end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI

from conch.config.serve import ServeConfig
from conch.core.text import tr
from conch.server import docs
from conch.server.app import bare_app
from conch.server.fleet import routes
from conch.server.fleet.fleet import Fleet

Notify = Callable[[str], None]


def create_gateway(
    fleet: Fleet, config: ServeConfig, when_ready: Callable[[], None] = lambda: None
) -> FastAPI:
    """The API around `fleet`. Raises ServeError where `config` would open it to others without a key."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await fleet.start()
        when_ready()
        try:
            yield
        finally:
            await fleet.close()

    app = bare_app(config, lifespan)
    app.state.fleet = fleet
    for part in (routes, docs):
        part.add_to(app.router)
    docs.describe(app, lambda: fleet.names)
    return app


def open_gateway(
    config: ServeConfig, announce: Callable[[Fleet], None], notify: Notify
) -> tuple[FastAPI, Fleet]:
    """A gateway that says so when it has looked at its servers."""
    fleet = Fleet(config, notify)

    def ready() -> None:
        if not fleet.names:
            notify(tr("serving.gateway_waits"))
        announce(fleet)

    return create_gateway(fleet, config, ready), fleet
