"""`/v1`: what OpenAI's own client expects, as far as a local model can do it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request

from conch.core.text import tr
from conch.inference.engine import FinishReason
from conch.server.answering import Chunk, EventStream, UsageChunk, collect, stream
from conch.server.job import Job
from conch.server.schema import (
    AssistantMessage,
    ChatChoice,
    ChatCompletion,
    ChatRequest,
    Completion,
    CompletionChoice,
    CompletionRequest,
    ModelCard,
    ModelList,
    OpenAIBody,
    Usage,
)
from conch.server.service import Served, Service, ServiceOf


def router() -> APIRouter:
    routes = APIRouter(prefix="/v1")
    table: tuple[tuple[str, str, Callable[..., Any], Any, str], ...] = (
        ("POST", "/chat/completions", chat_completions, ChatCompletion, "chat"),
        ("POST", "/completions", completions, Completion, "completions"),
        ("GET", "/models", list_models, ModelList, "models"),
        ("GET", "/models/{name:path}", show_model, ModelCard, "model"),
    )
    for method, path, endpoint, answer, text in table:
        routes.add_api_route(
            path,
            endpoint,
            methods=[method],
            response_model=answer,
            summary=tr(f"serving.route.{text}"),
            description=tr(f"serving.route.{text}.more"),
            operation_id=text,
        )
    return routes


async def chat_completions(
    asked: ChatRequest, request: Request, service: ServiceOf
) -> ChatCompletion | EventStream:
    served = service.model(asked.model)
    messages = tuple(message.message() for message in asked.messages)
    job = Job(served.chat, (messages,), asked.sampling(served.sampling), tuple(asked.stop), asked.n)
    head = _head("chatcmpl", served)
    if asked.stream:
        return await stream(
            request,
            service,
            job,
            _chat_chunk(head, asked),
            _usage_chunk(head, asked, "chat.completion.chunk"),
        )
    wholes, usage = await collect(request, service, job)
    choices = [
        ChatChoice(index=index, message=AssistantMessage(content=whole.text), finish_reason=whole.finish)
        for index, whole in enumerate(wholes)
    ]
    return ChatCompletion(choices=choices, usage=usage, **head)


async def completions(
    asked: CompletionRequest, request: Request, service: ServiceOf
) -> Completion | EventStream:
    served = service.model(asked.model)
    job = Job(served.chat, tuple(asked.prompt), asked.sampling(served.sampling), tuple(asked.stop), asked.n)
    head = _head("cmpl", served)
    if asked.stream:
        return await stream(
            request, service, job, _text_chunk(head, asked), _usage_chunk(head, asked, "text_completion")
        )
    wholes, usage = await collect(request, service, job)
    choices = [
        CompletionChoice(index=index, text=whole.text, finish_reason=whole.finish)
        for index, whole in enumerate(wholes)
    ]
    return Completion(choices=choices, usage=usage, **head)


async def list_models(service: ServiceOf) -> ModelList:
    return ModelList(data=[_card(served, service) for served in service.models])


async def show_model(name: str, service: ServiceOf) -> ModelCard:
    return _card(service.model(name), service)


def _card(served: Served, service: Service) -> ModelCard:
    return ModelCard(
        id=served.name,
        created=service.started,
        parent=served.parent,
        context_length=served.chat.engine.context_length,
    )


def _head(kind: str, served: Served) -> dict[str, Any]:
    """What all documents of one answer begin with."""
    return {"id": f"{kind}-{uuid.uuid4().hex}", "created": int(time.time()), "model": served.name}


def _chat_chunk(head: dict[str, Any], asked: OpenAIBody) -> Chunk:
    def chunk(index: int, text: str, finish: FinishReason | None, first: bool) -> dict[str, Any]:
        delta = {"role": "assistant", "content": text} if first else {"content": text} if text else {}
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        return {**head, "object": "chat.completion.chunk", "choices": [choice], **_no_usage(asked)}

    return chunk


def _text_chunk(head: dict[str, Any], asked: OpenAIBody) -> Chunk:
    def chunk(index: int, text: str, finish: FinishReason | None, first: bool) -> dict[str, Any]:
        choice = {"index": index, "text": text, "logprobs": None, "finish_reason": finish}
        return {**head, "object": "text_completion", "choices": [choice], **_no_usage(asked)}

    return chunk


def _no_usage(asked: OpenAIBody) -> dict[str, None]:
    """Where usage was asked for, every chunk has the field, and all but the last leave it empty."""
    return {"usage": None} if asked.wants_usage() else {}


def _usage_chunk(head: dict[str, Any], asked: OpenAIBody, kind: str) -> UsageChunk | None:
    """The chunk that ends a stream with the counts, if it was asked for."""
    if not asked.wants_usage():
        return None

    def chunk(usage: Usage) -> dict[str, Any]:
        return {**head, "object": kind, "choices": [], "usage": usage.model_dump()}

    return chunk
