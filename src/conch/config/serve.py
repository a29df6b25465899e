"""One server."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from conch.config.types import Count, Node, Positive, Size, Str


class ServeConfig(Node):
    model: Str = Field(min_length=1)
    adapters: dict[str, str] = Field(default_factory=dict)
    """Public name to adapter folder or run."""
    name: Str | None = None
    """What the model is called in the API; its own name unless given."""
    host: Str = "127.0.0.1"
    port: Annotated[Size, Field(le=65535)] = 8000
    api_key: Str | None = Field(default=None, repr=False)
    enable_thinking: bool | None = None
    template: Str | None = None
    trust_remote_code: bool = False
    max_new_tokens: Count = 512
    """The bound on an answer for requests that name none."""
    max_concurrent_requests: Count = 64
    """Requests beyond these are sent away."""
    max_parallel_answers: Count = 16
    """Answers made at once, over all requests; the others wait."""
    request_seconds: Positive = 600.0
    """The longest that a request may take, waiting included."""
