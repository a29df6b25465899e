"""The API as one FastAPI application. Nothing it serves needs the internet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from conch import __version__
from conch.config.serve import ServeConfig
from conch.core.errors import ConchError
from conch.core.text import tr
from conch.server import adapters, docs, generate, health, openai, tokens
from conch.server.adapters import Shelf
from conch.server.auth import Access, Gate
from conch.server.body_limit import BodyLimit
from conch.server.documents import ErrorBody
from conch.server.errors import answer_error
from conch.server.request_id import RequestId
from conch.server.service import Service

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_app(service: Service, config: ServeConfig, shelf: Shelf | None = None) -> FastAPI:
    """The API around `service`. Raises ServeError where `config` would open it to others without a key."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        service.close()

    app = bare_app(config, lifespan)
    app.state.service = service
    app.state.shelf = shelf
    app.state.shelf_turn = asyncio.Lock()
    for part in (openai, generate, tokens, adapters, health, docs):
        part.add_to(app.router)  # not a router of its own: each request would look it through twice
    docs.describe(app, lambda: service.names)
    return app


def bare_app(config: ServeConfig, lifespan: Lifespan) -> FastAPI:
    """What every server of ours has before its routes: keys, bounds, errors and request ids."""
    access = Access.of(config)
    app = FastAPI(
        title="Conch",
        version=__version__,
        description=tr("serving.docs.about"),
        docs_url=None,
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # /metrics is ours
        lifespan=lifespan,
        responses={"4XX": {"model": ErrorBody, "description": tr("serving.docs.failure")}},
    )
    for kind in (HTTPException, RequestValidationError, ConchError, Exception):
        app.add_exception_handler(kind, answer_error)
    app.add_middleware(BodyLimit)
    app.add_middleware(Gate, access=access)
    if config.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(config.cors_origins),
            allow_methods=["GET", "POST"],
            allow_headers=["authorization", "content-type", "x-api-key"],
            expose_headers=["x-request-id", "retry-after"],
        )
    app.add_middleware(RequestId)
    return app
