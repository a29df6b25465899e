"""One server."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from conch.config.types import Count, Node, Positive, Size, Str

ANSWERS_AT_ONCE = {"llamacpp": 8, "transformers": 32, "vllm": 64}
"""Slots of llama.cpp each hold memory for a whole context; transformers takes it as answers grow, and
vLLM decides by itself how many of those it is given it decodes at once."""


class ServeConfig(Node):
    model: Str = Field(default="", min_length=1, validate_default=False)
    """Empty for a gateway, which has the models of its upstreams."""
    adapters: dict[str, str] = Field(default_factory=dict)
    """Public name to adapter folder or run."""
    adapter_dir: Str | None = None
    """A folder whose folders may be put on while the server serves."""
    engine: Literal["auto", "llamacpp", "transformers", "vllm"] = "auto"
    """What computes the answers."""
    vllm_url: Str | None = None
    """A vLLM server that runs already, instead of one that is started; its key is in `CONCH_VLLM_KEY`."""
    vllm_key_file: Str | None = None
    vllm_args: Str = ""
    """Further words for `vllm serve`, such as `--tensor-parallel-size 2`."""
    upstream: tuple[Str, ...] = ()
    """Servers that this one stands before, by their addresses: a gateway, which computes nothing itself."""
    upstream_key_file: Str | None = None
    gguf_type: Literal["q8_0", "f16", "bf16", "f32"] = "f16"
    """How llama.cpp holds the weights. 8 bits are the fastest; 16 answer as the model does."""
    context_length: Count | None = None
    """Most tokens of prompt and answer together; as many as the model and the memory allow, unless given."""
    name: Str | None = None
    """What the model is called in the API; its own name unless given."""
    host: Str = "127.0.0.1"
    port: Annotated[Size, Field(le=65535)] = 8000
    api_key: Str | None = Field(default=None, repr=False)
    require_key: bool = False
    """Ask for a key on loopback, too: one of `conch keys`, if no other."""
    cors_origins: tuple[Str, ...] = ()
    """Origins whose pages may use the API from a browser, such as `https://chat.example.com`."""
    enable_thinking: bool | None = None
    template: Str | None = None
    trust_remote_code: bool = False
    max_new_tokens: Count = 512
    """The bound on an answer for requests that name none."""
    max_concurrent_requests: Count = 64
    """Requests beyond these are sent away."""
    max_parallel_answers: Count | None = None
    """Answers made at once, over all requests; the others wait. As many as suit the engine, unless given."""
    request_seconds: Positive = 600.0
    """The longest that a request may take, waiting included."""

    def answers_at_once(self, engine: str) -> int:
        return self.max_parallel_answers or ANSWERS_AT_ONCE[engine]
