"""`/docs`: one page without outside assets that lists every route and tries it.

FastAPI's own page loads its scripts from a CDN, which a machine behind a firewall can't reach.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse

from conch.core.text import has, language, tr

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HOME_WORDS = (
    "about",
    "adapter_of",
    "ask",
    "calls",
    "context",
    "copied",
    "copy",
    "docs",
    "failed",
    "greeting",
    "key",
    "loading",
    "model",
    "models",
    "name",
    "send",
    "stop",
    "thought",
    "title",
    "try",
)
WORDS = (
    "about",
    "answer",
    "copied",
    "copy",
    "default",
    "example",
    "failed",
    "field",
    "meaning",
    "key",
    "required",
    "send",
    "sending",
    "title",
    "type",
)


def add_to(routes: APIRouter) -> None:
    routes.add_api_route("/", home, response_class=HTMLResponse, include_in_schema=False)
    routes.add_api_route("/docs", page, response_class=HTMLResponse, include_in_schema=False)


async def home() -> HTMLResponse:
    """What is served, a box to try it in, and calls to copy."""
    return _page("home.html", {word: tr(f"serving.home.{word}") for word in HOME_WORDS})


async def page() -> HTMLResponse:
    return _page("docs.html", {word: tr(f"serving.docs.{word}") for word in WORDS})


def _page(file: str, words: dict[str, str]) -> HTMLResponse:
    """A page of ours with its words in the language in use."""
    text = files("conch.server").joinpath(file).read_text(encoding="utf-8")
    text = text.replace("{{language}}", {"zh": "zh-CN"}.get(language(), "en"))
    # "<" is written so that no text can end the script that holds it
    text = text.replace("{{words}}", json.dumps(words, ensure_ascii=False).replace("<", "\\u003c"))
    headers = {"content-security-policy": POLICY, "referrer-policy": "no-referrer"}
    return HTMLResponse(text, headers=headers)


def describe(app: FastAPI, names: Callable[[], list[str]]) -> None:
    """Complete the OpenAPI document: what every field means, and an example of every request."""
    make = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = make()
            for name, field in _fields(document):
                if has(f"serving.field.{name}"):
                    field["description"] = tr(f"serving.field.{name}")
            if not names():  # the examples name a model
                app.openapi_schema = None
                return document
            _examples(document, names())
        return make()

    app.openapi = openapi  # type: ignore[method-assign]


def _fields(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every parameter and every field of a body."""
    for schema in document["components"]["schemas"].values():
        yield from schema.get("properties", {}).items()
    for path in document["paths"].values():
        for operation in path.values():
            yield from ((parameter["name"], parameter) for parameter in operation.get("parameters", ()))


def _examples(document: dict[str, Any], models: list[str]) -> None:
    """Requests that answer as they stand: a body for POST, an address for GET.

    Those of adapters name what the server's owner has, which is not known here.
    """
    greeting, model = tr("serving.docs.greeting"), models[0]
    bodies = {
        "/generate": {"prompt": greeting, "max_new_tokens": 64},
        "/v1/chat/completions": {
            "model": model,
            "messages": [{"role": "user", "content": greeting}],
            "max_tokens": 64,
            "stream": True,
        },
        "/v1/completions": {"model": model, "prompt": tr("serving.docs.beginning"), "max_tokens": 32},
        "/tokenize": {"model": model, "prompt": greeting, "return_token_strs": True},
        "/detokenize": {"model": model, "tokens": [1, 2, 3]},
        "/v1/load_lora_adapter": {"lora_name": "mine", "lora_path": "RUN"},
        "/v1/unload_lora_adapter": {"lora_name": models[-1] if len(models) > 1 else "mine"},
    }
    addresses = {
        "/generate": f"/generate?prompt={quote(greeting)}&max_new_tokens=64",
        "/v1/models/{name}": f"/v1/models/{quote(model)}",
    }
    for path, operations in document["paths"].items():
        if "post" in operations:
            operations["post"]["requestBody"]["content"]["application/json"]["example"] = bodies[path]
        if "get" in operations:
            operations["get"]["x-example"] = addresses.get(path, path)
