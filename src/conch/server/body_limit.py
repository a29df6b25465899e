"""A bound on what a client may send. (FastAPI's own came too late for the versions that we allow.)"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BYTES = 8 * 1024 * 1024
UPLOADS = "/studio/gradio_api/upload"
"""Where the studio takes files, with a bound of its own."""


class BodyLimit:
    """Middleware that stops reading a body beyond `BYTES`, whatever its headers say."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        seen = 0

        async def receive_some() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > BYTES:
                raise HTTPException(413)
            return message

        bounded = scope["type"] == "http" and not scope["path"].endswith(UPLOADS)
        await self.app(scope, receive_some if bounded else receive, send)
