"""Which model, and how its files are read."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from conch.config.types import Names, Node, Str


class ModelConfig(Node):
    model_name_or_path: Str = Field(min_length=1)
    adapter_name_or_path: Names = ()
    model_revision: Str = "main"
    cache_dir: Str | None = None
    trust_remote_code: bool = False
    flash_attn: Literal["auto", "disabled", "sdpa", "fa2", "fa3"] = "auto"
    rope_scaling: Literal["linear", "dynamic", "yarn"] | None = None
    resize_vocab: bool = False
    add_tokens: Names = ()
    add_special_tokens: Names = ()
    hf_hub_token: Str | None = Field(default=None, repr=False)
    infer_dtype: Literal["auto", "float16", "bfloat16", "float32"] = "auto"
    train_from_scratch: bool = False


SECRETS = frozenset(
    {"hf_hub_token", "ms_hub_token", "om_hub_token", "hub_token", "swanlab_api_key", "swanlab_lark_secret"}
)
"""Keys whose values are never written to a run, a log, a page or an error."""
