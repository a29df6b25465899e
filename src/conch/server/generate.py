"""`/generate`: the tutorial endpoint, done properly. The prompt is what a user says, not raw text."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from conch.core.conversation import Message
from conch.core.text import tr
from conch.inference.chat import Turns
from conch.server.answering import collect
from conch.server.documents import Generated
from conch.server.job import Job
from conch.server.schema import GenerateRequest
from conch.server.service import Service, ServiceOf


def add_to(routes: APIRouter) -> None:
    for method, endpoint in (("GET", get), ("POST", post)):
        routes.add_api_route(
            "/generate",
            endpoint,
            methods=[method],
            response_model=Generated,
            summary=tr("serving.route.generate"),
            description=tr(f"serving.route.generate_{method.lower()}"),
            operation_id=f"generate_{method.lower()}",
        )


async def get(asked: Annotated[GenerateRequest, Query()], request: Request, service: ServiceOf) -> Generated:
    return await _generate(asked, request, service)


async def post(asked: GenerateRequest, request: Request, service: ServiceOf) -> Generated:
    return await _generate(asked, request, service)


async def _generate(asked: GenerateRequest, request: Request, service: Service) -> Generated:
    served = service.model(asked.model)
    prompt = Turns((Message("user", asked.prompt),))
    job = Job(served.chat, (prompt,), asked.sampling(served.sampling), tuple(asked.stop))
    (whole,), usage = await collect(request, service, served, job)
    return Generated(generated_text=whole.said, model=served.name, usage=usage)
