"""What monitors ask. Needs no key."""

from __future__ import annotations

from fastapi import APIRouter

from conch.core.text import tr
from conch.server.errors import RequestError
from conch.server.schema import Alive, Health
from conch.server.service import ServiceOf


def router() -> APIRouter:
    routes = APIRouter()
    for path, endpoint, answer, text in (
        ("/health", health, Health, "health"),
        ("/health/live", live, Alive, "live"),
        ("/health/ready", ready, Alive, "ready"),
    ):
        routes.add_api_route(
            path,
            endpoint,
            response_model=answer,
            summary=tr(f"serving.route.{text}"),
            description=tr(f"serving.route.{text}.more"),
            operation_id=text,
        )
    return routes


async def health(service: ServiceOf) -> Health:
    return Health(models=service.names)


async def live() -> Alive:
    """The process answers."""
    return Alive()


async def ready(service: ServiceOf) -> Alive:
    """The models are there. 503 while the server ends."""
    if not service.is_open:
        raise RequestError("serving.closing", status=503)
    return Alive()
