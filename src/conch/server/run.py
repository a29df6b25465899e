"""A server from start to end: take the port, load the models, answer until told to stop."""

from __future__ import annotations

import errno
import gc
import platform
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import uvicorn
from fastapi import FastAPI

from conch.config.serve import ServeConfig
from conch.core.errors import ServeError
from conch.runs.notify.lost import watching
from conch.server.app import create_app
from conch.server.auth import is_loopback, with_key
from conch.server.fleet.fleet import Fleet
from conch.server.fleet.run import open_gateway
from conch.server.service import empty_service

GRACE_SECONDS = 8
"""How long answers that are being made may go on after the signal to stop."""
LEAVE_SECONDS = 2
"""How long a server that ends waits for models that are still being loaded."""
PATIENCE_SECONDS = GRACE_SECONDS + 7
"""When uvicorn cuts off what has not ended by itself: a very slow step of the engine."""


@dataclass(frozen=True)
class Opened:
    """A server that accepts requests. `made_key` is the key where the server made it itself."""

    url: str
    models: tuple[str, ...]
    key: str | None
    made_key: str | None
    network: str | None = None
    """Where other machines find it; None where it listens to this one only."""


def serve(config: ServeConfig, announce: Callable[[Opened], None], notify: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM. Raises ServeError where the port can't be had.

    The port is taken first: a port in use should not be found out after minutes of loading.
    Clients that come while the models are loaded are told so. Raises what ended the loading.
    """
    keyed = with_key(config)
    if config.upstream:
        _serve_gateway(config, keyed, announce, notify)
        return
    with listening(config.host, config.port) as taken:
        service = empty_service(keyed)
        app = create_app(service, keyed)
        made = keyed.api_key if config.api_key is None else None
        url, network = own_url(config.host, taken), network_url(config.host, taken)
        server = Server(app, service)

        def load() -> None:
            from conch.server.loading import fill  # heavy: after what can fail at once

            app.state.shelf = fill(service, keyed, notify)
            server.settle()
            announce(Opened(url, tuple(service.names), keyed.api_key, made, network))

        loader = Loader(load, server)
        with signals_are_no_failure(), watching():
            loader.start()
            server.run(sockets=[taken])
        loader.finish()


def _serve_gateway(
    config: ServeConfig, keyed: ServeConfig, announce: Callable[[Opened], None], notify: Callable[[str], None]
) -> None:
    with listening(config.host, config.port) as taken:
        made = keyed.api_key if config.api_key is None else None
        url, network = own_url(config.host, taken), network_url(config.host, taken)

        def ready(fleet: Fleet) -> None:
            announce(Opened(url, tuple(fleet.names), keyed.api_key, made, network))

        app, fleet = open_gateway(keyed, ready, notify)
        with signals_are_no_failure():
            Server(app, fleet).run(sockets=[taken])


class Loader(threading.Thread):
    """Loads models while the server already listens. Where that fails, the server ends."""

    def __init__(self, load: Callable[[], None], server: Server) -> None:
        super().__init__(name="loading", daemon=True)
        self._load = load
        self._server = server
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._load()
        except BaseException as error:
            self._error = error
            self._server.should_exit = True

    def finish(self) -> None:
        """Raises what ended the loading. One that still goes on when the server ends is left."""
        self.join(LEAVE_SECONDS)
        if self._error is not None:
            raise self._error


class Ending(Protocol):
    """What is told when the server has to end."""

    def end_within(self, seconds: float) -> None: ...


class Server(uvicorn.Server):
    """uvicorn as we run it: silent unless something fails, and fair to answers in hand when it ends.

    The access log is off, which keeps the key in `/docs?key=` out of it.
    """

    def __init__(self, app: FastAPI, service: Ending) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=PATIENCE_SECONDS,
            )
        )
        self._service = service

    def settle(self) -> None:
        """What was loaded stays: the garbage collector need not look through it again and again.

        With torch and transformers that are 400,000 objects, and a third of a second for which all wait.
        """
        gc.collect()
        gc.freeze()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._service.end_within(GRACE_SECONDS)
        await super().shutdown(sockets)
        gc.unfreeze()


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens; port 0 takes a free one. Raises ServeError with the reason."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise ServeError("serving.bad_host", host=host, reason=error.strerror or error) from error
    with socket.socket(family, kind, protocol) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(address)
            taken.listen(2048)
        except OSError as error:
            raise _no_port(error, host, port) from error
        yield taken


def _no_port(error: OSError, host: str, port: int) -> ServeError:
    known = {errno.EADDRINUSE: "serving.port_in_use", errno.EACCES: "serving.port_forbidden"}
    key = known.get(error.errno or 0, "serving.bad_host")
    return ServeError(key, host=host, port=port, reason=error.strerror or error)


def own_url(host: str, taken: socket.socket) -> str:
    """Where this machine's own browser finds the server."""
    port = taken.getsockname()[1]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}"


def network_url(host: str, taken: socket.socket) -> str | None:
    """Where other machines find the server, if they do."""
    if is_loopback(host):
        return None
    port = taken.getsockname()[1]
    if host not in {"0.0.0.0", "::"}:
        return own_url(host, taken)
    return f"http://{_own_address() or platform.node()}:{port}"


def _own_address() -> str | None:
    """This machine's address in its network: the one it would send from. Nothing is sent to find it."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))  # an address that nobody has (RFC 5737)
            return str(probe.getsockname()[0])
    except OSError:
        return None


@contextmanager
def signals_are_no_failure() -> Iterator[None]:
    """uvicorn ends on SIGINT and SIGTERM, then raises them again; being told to stop is a success here."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
