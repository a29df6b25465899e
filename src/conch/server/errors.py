"""Every failure of the API, in one form: `{"error": {"message", "type", "param", "code"}}`.

Messages say what to do. They never carry a traceback or a path of this machine.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from conch.config.words import expected
from conch.core.errors import ConchError, DataError, ServeError
from conch.core.text import has, tr

_log = logging.getLogger(__name__)

KINDS = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
"""OpenAI's names; other statuses below 500 are `invalid_request_error`."""
CODES = {"serving.prompt_too_long": "context_length_exceeded"}
"""Codes that clients of OpenAI's API look for. Others are the key without its subject."""
UNAVAILABLE = dict.fromkeys(
    ("serving.closing", "serving.llamacpp_ended", "serving.vllm_ended", "serving.vllm_gone"), 503
)
"""Errors of engines that no request is to blame for."""
ROUTING = {
    400: "serving.bad_json",
    404: "serving.no_route",
    405: "serving.no_method",
    413: "serving.too_large",
}


class RequestError(ServeError):
    """A request that is refused, with the HTTP status and the field to blame."""

    def __init__(
        self,
        key: str,
        /,
        *,
        status: int = 400,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
        **values: Any,
    ) -> None:
        super().__init__(key, param=param, **values)
        self.status = status
        self.param = param
        self.code = code
        self.headers = dict(headers or {})


@dataclass(frozen=True)
class Failure:
    """What a client is told."""

    status: int
    message: str
    code: str
    param: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        default = "server_error" if self.status >= 500 else "invalid_request_error"
        kind = KINDS.get(self.status, default)
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}

    def response(self) -> JSONResponse:
        return JSONResponse(self.body(), self.status, dict(self.headers))


def failure_of(error: Exception) -> Failure:
    """What a client is told of `error`. What is no client's business becomes a plain 500."""
    match error:
        case RequestError():
            return Failure(
                error.status, _told(error), error.code or _code(error.key), error.param, error.headers
            )
        case ServeError():
            param = error.values.get("param")
            return Failure(UNAVAILABLE.get(error.key, 400), _told(error), _code(error.key), param)
        case DataError(key="data.template_refused"):
            return _refused_by_template(error)
        case RequestValidationError():
            return _invalid(error.errors())
        case HTTPException():
            return _routing(error)
        case _:
            return Failure(500, tr("serving.internal"), "internal_error")


async def answer_error(request: Request, error: Exception) -> JSONResponse:
    """FastAPI's exception handler for everything.

    The outermost layer answers unexpected errors outside of our middleware, so the request id is set here.
    """
    response = failure_of(error).response()
    request_id = getattr(request.state, "request_id", None)
    if response.status_code == 500 and isinstance(error, ConchError):  # uvicorn logs the others
        _log.error("request %s", request_id, exc_info=error)
    if request_id:
        response.headers["x-request-id"] = request_id
    return response


def _refused_by_template(error: DataError) -> Failure:
    """Templates want certain roles in a certain order. Other DataErrors speak of files, and stay a 500."""
    key = "serving.template_refused"
    return Failure(400, _with_fix(key, **error.values), _code(key), "messages")


def _told(error: ConchError) -> str:
    return _joined(error.message, error.hint)


def _code(key: str) -> str:
    return CODES.get(key, key.partition(".")[2])


def _routing(error: HTTPException) -> Failure:
    key = ROUTING.get(error.status_code, "serving.refused")
    message = tr(key, reason=error.detail) if key == "serving.refused" else _with_fix(key)
    return Failure(error.status_code, message, _code(key), headers=dict(error.headers or {}))


def _with_fix(key: str, **values: Any) -> str:
    fix = f"{key}.fix"
    return _joined(tr(key, **values), tr(fix, **values) if has(fix) else "")


def _joined(message: str, fix: str) -> str:
    return tr("serving.with_fix", message=message, fix=fix) if fix else message


def _invalid(details: Sequence[Any]) -> Failure:
    """The first thing wrong with a request, in our words."""
    detail = details[0]
    kind, context, place = detail["type"], detail.get("ctx", {}), list(detail["loc"][1:])
    if kind == "json_invalid" or (detail["loc"] == ("body",) and not kind.startswith("serving.")):
        return Failure(400, _with_fix("serving.bad_json"), "bad_json")
    last = place[-1:] if kind == "extra_forbidden" else _without_kinds(place[-1:])
    place = [*_without_kinds(place[:-1]), *last]
    if "field" in context:
        place.append(context["field"])
    param = _path(place)
    if kind.startswith("serving."):
        return Failure(400, _with_fix(kind, **{**context, "param": param}), _code(kind), param)
    if kind == "extra_forbidden":
        return Failure(400, _with_fix("serving.unknown_field", param=param), "unknown_field", param)
    message = tr("serving.invalid", param=param, expected=_expected(kind, context))
    return Failure(400, message, "missing" if kind == "missing" else "invalid_value", param)


def _path(place: Sequence[str | int]) -> str:
    """`messages`, 0, `content` → `messages[0].content`. Clients send names of any length and kind."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return text.removeprefix(".")[:200].encode("utf-8", "replace").decode()


def _without_kinds(place: Sequence[str | int]) -> list[str | int]:
    """A place without the names of types, which pydantic puts there where a field may be of several."""
    return [step for step in place if isinstance(step, int) or _FIELD.fullmatch(step)]


_FIELD = re.compile(r"(?!(str|int|list|dict|literal)$)[a-z][a-z0-9_]*")
_OURS = {"list_type": "serving.expect.list", "string_unicode": "serving.expect.unicode"}
_SIZES = {
    "too_long": ("serving.expect.at_most", "max_length"),
    "too_short": ("serving.expect.at_least", "min_length"),
}


def _expected(kind: str, context: Mapping[str, Any]) -> str:
    """What would have been right. Here a list is JSON's own, not names separated by commas."""
    if kind in _OURS:
        return tr(_OURS[kind])
    if kind in _SIZES:
        key, name = _SIZES[kind]
        return tr(key, bound=context[name])
    return expected(kind, context)
