"""The studio inside of the API's application: its address, its words, its bounds."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from contextlib import nullcontext

import gradio as gr
import gradio.utils
from fastapi import FastAPI
from gradio.themes import Base, Color, Font, Size
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from conch.core import env
from conch.core.text import speaking
from conch.webui import frame
from conch.webui.page import Studio
from conch.webui.words import filled_document, language_of

PATH = "/studio"
LOOK_SECONDS = 0.02
UPLOAD_BYTES = 1024 * 1024 * 1024
QUICKLY = 4
"""How hard the document is packed: to an eighth, in a few milliseconds."""


def mount(app: FastAPI, studio: Studio) -> Callable[[], None]:
    """Put the studio below `PATH`, and send those who come to `/` there.

    Returns what to call when the server ends: browsers hold a stream open that would hold it up.
    """
    blocks = frame.build(studio)
    uploads = env.home() / "tmp" / "uploads"
    blocks.GRADIO_CACHE = str(uploads)
    gr.mount_gradio_app(
        app,
        blocks,
        PATH,
        footer_links=[],
        run_history=False,
        show_error=True,
        max_file_size=UPLOAD_BYTES,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        theme=theme(),
        app_kwargs={"docs_url": None, "redoc_url": None, "openapi_url": None},
    )
    # Gradio looks for work a thousand times a second, which trainings beside it would pay for
    blocks._queue.sleep_when_free = LOOK_SECONDS
    blocks._queue.progress_update_sleep_when_free = 0.5
    # and with the first event it loads matplotlib, where that is: a second, for plots that no page has
    gradio.utils.MatplotlibBackendMananger = nullcontext
    mounted = app.router.routes[-1]
    app.router.routes.insert(0, Route("/", _to_studio))
    app.add_middleware(Words)
    return lambda: mounted.app.stop_event.set()  # type: ignore[attr-defined]


async def _to_studio(request: Request) -> RedirectResponse:
    """Relative, so that it is right behind any prefix."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f".{PATH}/{query}", 307)


class Words:
    """Middleware that fills the studio's document in the reader's language and begins it with our script."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _is_document(scope):
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        language = language_of(request.headers.get, request.cookies)
        plain = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        start: Message = {}
        body = b""

        async def gather(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                changed = _in_words(body.decode(), language).encode()
                headers = [(name, value) for name, value in start["headers"] if name != b"content-length"]
                if "gzip" in request.headers.get("accept-encoding", ""):
                    changed = gzip.compress(changed, QUICKLY)
                    headers.append((b"content-encoding", b"gzip"))
                headers += [
                    (b"content-length", str(len(changed)).encode()),
                    (b"cache-control", b"no-store"),
                    (b"vary", b"cookie, accept-language, accept-encoding"),
                ]
                await send({**start, "headers": headers})
                await send({"type": "http.response.body", "body": changed})

        await self.app({**scope, "headers": plain}, receive, gather)


def _is_document(scope: Scope) -> bool:
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    return path in {f"{PATH}/", f"{PATH}/config"} and scope["method"] == "GET"


def _in_words(body: str, language: str) -> str:
    body = filled_document(body, language)
    with speaking(language):
        body = body.replace('<html\n\tlang="en"', f'<html\n\tlang="{frame.document_language()}"', 1)
        body = re.sub(r"<link[^>]*manifest[^>]*>", "", body)
        body = re.sub(r"<meta\s+(property|name)=\"(og|twitter):[^>]*/>", "", body)
        return body.replace("<head>", f"<head>{frame.head()}", 1)


def theme() -> Base:
    """Calm colours, and the fonts of the machine: nothing is fetched."""
    shell = Color("#f2f8f8", "#dff0f0", "#bfdfe0", "#93c7c9", "#5ba7ab", "#2f878c", "#216d72", "#1d585c",
                  "#1b484c", "#183d40", "#0a2426")  # fmt: skip
    grey = Color("#f8f9fa", "#f1f3f5", "#e6e9ec", "#d3d8dd", "#a3abb4", "#717b86", "#525c67", "#3d4650",
                 "#272e36", "#171c22", "#0d1115")  # fmt: skip
    sans = ["system-ui", "-apple-system", "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC"]
    mono = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "DejaVu Sans Mono"]
    radius = Size("2px", "4px", "6px", "8px", "10px", "12px", "16px", name="radius_conch")
    return Base(
        primary_hue=shell,
        secondary_hue=shell,
        neutral_hue=grey,
        radius_size=radius,
        font=[*map(Font, sans), Font("sans-serif")],
        font_mono=[*map(Font, mono), Font("monospace")],
    ).set(
        body_background_fill="*neutral_50",
        block_background_fill="transparent",
        block_border_width="0px",
        block_padding="0",
        input_border_width="1px",
        input_padding="8px 10px",
        input_radius="6px",
        block_label_padding="4px 8px",
        block_shadow="none",
        block_label_text_size="*text_sm",
        block_title_text_weight="500",
        input_background_fill="white",
        input_border_color="*neutral_300",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_text_color="white",
        button_secondary_background_fill="white",
        button_secondary_background_fill_hover="*neutral_100",
        button_secondary_border_color="*neutral_300",
        button_border_width="1px",
        button_large_text_size="*text_md",
        button_large_text_weight="500",
        button_large_padding="7px 14px",
        button_small_text_weight="450",
        button_small_padding="4px 12px",
        button_secondary_text_color="*neutral_800",
    )
