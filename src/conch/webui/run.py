"""`conch ui` from start to end: take the port, build the studio, answer until told to stop."""

from __future__ import annotations

import socket
from collections.abc import Callable

from fastapi import FastAPI

from conch.config.serve import ServeConfig
from conch.core import env
from conch.runs.notify.lost import watching
from conch.server.app import create_app
from conch.server.auth import with_key
from conch.server.run import Opened, Server, listening, network_url, own_url, signals_are_no_failure
from conch.server.service import Service, empty_service


def serve(config: ServeConfig, announce: Callable[[Opened], None]) -> None:
    """Serve the studio, and the API beside it, until SIGINT or SIGTERM. Raises ServeError for the port.

    The API has no model until one is opened.
    """
    env.set_up_gradio(env.home() / "tmp" / "uploads")
    keyed = with_key(config)
    with listening(config.host, config.port) as taken:
        from conch.webui.mount import mount  # Gradio takes seconds: after what can fail at once
        from conch.webui.page import Studio

        service = empty_service(keyed)
        app = create_app(service, keyed)
        server = StudioServer(app, service, mount(app, Studio(service)))
        server.settle()
        made = keyed.api_key if config.api_key is None else None
        announce(
            Opened(own_url(config.host, taken), (), keyed.api_key, made, network_url(config.host, taken))
        )
        with signals_are_no_failure(), watching():
            server.run(sockets=[taken])


class StudioServer(Server):
    """A server that lets go of the browsers' streams before it ends."""

    def __init__(self, app: FastAPI, service: Service, farewell: Callable[[], None]) -> None:
        super().__init__(app, service)
        self._farewell = farewell

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._farewell()
        await super().shutdown(sockets)
