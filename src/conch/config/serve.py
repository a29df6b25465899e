"""One server."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from conch.config.types import Count, Node, Positive, Size, Str


class ServeConfig(Node):
    model: Str
    adapters: dict[str, str] = Field(default_factory=dict)
    """Public name to adapter folder or run."""
    name: Str | None = None
    """What the model is called in the API; its own name unless given."""
    host: Str = "127.0.0.1"
    port: Annotated[Size, Field(le=65535)] = 8000
    api_key: Str | None = Field(default=None, repr=False)
    max_new_tokens: Count = 512
    """The bound on an answer for requests that name none."""
    queue_size: Count = 64
    request_seconds: Positive = 600.0
