"""`/v1`: what OpenAI's own client expects, as far as a local model can do it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from conch.core.text import tr
from conch.server.answering import collect, stream
from conch.server.body_route import BodyRoute
from conch.server.chat_answer import ChatForm, chat_job
from conch.server.documents import ChatCompletion, Completion, ModelCard, ModelList
from conch.server.job import Job
from conch.server.schema import ChatRequest, CompletionRequest
from conch.server.service import Served, Service, ServiceOf, service_of
from conch.server.text_answer import TextForm


def add_to(routes: APIRouter) -> None:
    table: tuple[tuple[str, str, Callable[..., Any], Any, str], ...] = (
        ("POST", "/v1/chat/completions", chat_completions, ChatCompletion, "chat"),
        ("POST", "/v1/completions", completions, Completion, "completions"),
        ("GET", "/v1/models", list_models, ModelList, "models"),
        ("GET", "/v1/models/{name:path}", show_model, ModelCard, "model"),
    )
    for method, path, endpoint, answer, text in table:
        routes.add_api_route(
            path,
            endpoint,
            methods=[method],
            route_class_override=BodyRoute if method == "POST" else None,
            response_model=answer,
            summary=tr(f"serving.route.{text}"),
            description=tr(f"serving.route.{text}.more"),
            operation_id=text,
        )


async def chat_completions(asked: ChatRequest, request: Request) -> Response:
    service = service_of(request)
    served = service.model(asked.model)
    job, form = chat_job(asked, served), ChatForm(asked, served)
    if asked.stream:
        return await stream(request, service, served, job, form)
    wholes, usage = await collect(request, service, served, job)
    return as_json(form.document(wholes, usage))


async def completions(asked: CompletionRequest, request: Request) -> Response:
    service = service_of(request)
    served = service.model(asked.model)
    job, form = _text_job(asked, served), TextForm(asked, served)
    if asked.stream:
        return await stream(request, service, served, job, form)
    wholes, usage = await collect(request, service, served, job)
    return as_json(form.document(wholes, usage))


def as_json(document: BaseModel) -> Response:
    """`document` as it is: FastAPI would check it once more, which takes longer than writing it."""
    return Response(document.model_dump_json(), media_type="application/json")


def _text_job(asked: CompletionRequest, served: Served) -> Job:
    return Job(
        served.chat,
        asked.prompts(),
        served.sampling_for(asked),
        tuple(asked.stop),
        asked.n,
        top=asked.logprobs,
        echo=asked.echo,
    )


async def list_models(service: ServiceOf) -> ModelList:
    service.check_open()
    return ModelList(data=[card_of(served, service) for served in service.models])


async def show_model(name: str, service: ServiceOf) -> ModelCard:
    return card_of(service.model(name), service)


def card_of(served: Served, service: Service) -> ModelCard:
    return ModelCard(
        id=served.name,
        created=service.started,
        parent=served.parent,
        context_length=served.chat.engine.context_length,
    )
