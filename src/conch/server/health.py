"""What monitors ask. Whether the server is well needs no key; its counts do."""

from __future__ import annotations

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from conch.core.text import tr
from conch.server.documents import Alive, Health
from conch.server.service import ServiceOf


def add_to(routes: APIRouter) -> None:
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
    routes.add_api_route(
        "/metrics",
        metrics,
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
        summary=tr("serving.route.metrics"),
        description=tr("serving.route.metrics.more"),
        operation_id="metrics",
    )


async def health(service: ServiceOf) -> Health:
    service.check_open()
    return Health(models=service.names)


async def live() -> Alive:
    """The process answers."""
    return Alive()


async def ready(service: ServiceOf) -> Alive:
    """The models are there. 503 while they load, and while the server ends."""
    service.check_open()
    return Alive()


async def metrics(service: ServiceOf) -> Response:
    return Response(service.metrics.text(), media_type=CONTENT_TYPE_LATEST)
