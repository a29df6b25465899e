"""`x-request-id` on every answer: the client's own where it gave a sound one."""

from __future__ import annotations

import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from conch.server.ids import new_id

NAME = b"x-request-id"
_SOUND = re.compile(r"[A-Za-z0-9._-]{1,100}")


class RequestId:
    """Middleware, outermost. Error answers made still further out find the id in the request's state."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = next((value.decode("latin-1") for key, value in scope["headers"] if key == NAME), "")
        name = given if _SOUND.fullmatch(given) else new_id()
        header = (NAME, name.encode())
        scope.setdefault("state", {})["request_id"] = name

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                others = (pair for pair in message.get("headers", ()) if pair[0].lower() != NAME)
                message = {**message, "headers": [*others, header]}
            await send(message)

        await self.app(scope, receive, send_named)
