"""A route for a JSON body, read at once, without the way through FastAPI's dependencies.

The documentation is FastAPI's, made of the endpoint's signature: `(asked: MODEL, request: Request)`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, get_type_hints

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

ModelT = TypeVar("ModelT", bound=BaseModel)


class BodyRoute(APIRoute):
    """Its endpoint must return a Response."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        endpoint = self.endpoint
        model: type[BaseModel] = get_type_hints(endpoint)["asked"]

        async def handle(request: Request) -> Response:
            response: Response = await endpoint(await _read(request, model), request)
            return response

        return handle


async def _read(request: Request, model: type[ModelT]) -> ModelT:
    """Raises HTTPException for what is no JSON, RequestValidationError for what the model refuses."""
    body = await request.body()
    if not _is_json(request.headers.get("content-type", "")):
        raise HTTPException(400)
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400) from error
    try:
        return model.model_validate(document)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in faults]) from error


def _is_json(media_type: str) -> bool:
    """Pages elsewhere can't send this without being asked for (unlike text)."""
    kind, _, subtype = media_type.partition(";")[0].strip().lower().partition("/")
    return kind == "application" and (subtype == "json" or subtype.endswith("+json"))
