"""The gateway's routes: those of answers are handed on, the others are the gateway's own."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel

from conch.core.text import tr
from conch.server.auth import ADMIN
from conch.server.documents import Alive
from conch.server.errors import RequestError
from conch.server.fleet.fleet import FleetOf
from conch.server.fleet.forward import forward

HANDED_ON = (
    ("POST", "/v1/chat/completions", "chat"),
    ("POST", "/v1/completions", "completions"),
    ("POST", "/tokenize", "tokenize"),
    ("POST", "/detokenize", "detokenize"),
    ("POST", "/generate", "generate_post"),
    ("GET", "/generate", "generate_get"),
)
BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}}
"""What a body may hold is said by the server that gets it."""
QUERY = {
    "parameters": [
        {"name": "prompt", "in": "query", "required": True, "schema": {"type": "string"}},
        {"name": "model", "in": "query", "schema": {"type": "string"}},
        {"name": "max_new_tokens", "in": "query", "schema": {"type": "integer"}},
    ]
}


class Upstreams(BaseModel):
    up: int
    all: int


class FleetHealth(Alive):
    """How many servers answer, and what they have. Where they are is nobody's business."""

    models: list[str]
    upstreams: Upstreams


def add_to(routes: APIRouter) -> None:
    for method, path, text in HANDED_ON:
        routes.add_api_route(
            path,
            hand_on,
            methods=[method],
            response_model=None,
            summary=tr(f"serving.route.{text.partition('_')[0]}"),
            description=tr(f"serving.route.{text}" if "_" in text else f"serving.route.{text}.more"),
            operation_id=text,
            openapi_extra=BODY if method == "POST" else QUERY,
        )
    for path, endpoint, text in (
        ("/v1/models", list_models, "models"),
        ("/v1/models/{name:path}", show_model, "model"),
        ("/health", health, "health"),
        ("/health/live", live, "live"),
        ("/health/ready", ready, "ready"),
        ("/metrics", metrics, "metrics"),
    ):
        routes.add_api_route(
            path,
            endpoint,
            summary=tr(f"serving.route.{text}"),
            description=tr(f"serving.route.{text}.more"),
            operation_id=text,
        )
    for path in sorted(ADMIN):
        routes.add_api_route(path, refuse, methods=["POST"], include_in_schema=False)


async def hand_on(request: Request, fleet: FleetOf) -> Response:
    return await forward(request, fleet)


async def list_models(fleet: FleetOf) -> JSONResponse:
    fleet.check_open()
    return JSONResponse({"object": "list", "data": list(fleet.cards.values())})


async def show_model(name: str, fleet: FleetOf) -> dict[str, Any]:
    fleet.check_open()
    fleet.holders(name)
    if name not in fleet.cards:
        raise fleet.nobody(name)
    return fleet.cards[name]


async def health(fleet: FleetOf) -> FleetHealth:
    fleet.check_open()
    up = sum(upstream.up for upstream in fleet.upstreams)
    return FleetHealth(models=fleet.names, upstreams=Upstreams(up=up, all=len(fleet.upstreams)))


async def live() -> Alive:
    return Alive()


async def ready(fleet: FleetOf) -> Alive:
    fleet.check_open()
    return Alive()


async def metrics(fleet: FleetOf) -> Response:
    return Response(fleet.metrics.text(), media_type=CONTENT_TYPE_LATEST)


async def refuse() -> None:
    raise RequestError("serving.host_only", status=501)
