"""Which model, and how its files are read."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from conch.config.types import Dtype, Names, Node, Str
from conch.core import hubs

MODEL_SOURCES = ("auto", *hubs.NAMES)
"""The names that `model_source` knows. It also takes the URL of a mirror, or several with commas."""


class ModelConfig(Node):
    model_name_or_path: Str = Field(min_length=1)
    adapter_name_or_path: Names = ()
    model_revision: Str = "main"
    model_source: Str | None = None
    cache_dir: Str | None = None
    trust_remote_code: bool = False
    flash_attn: Literal["auto", "disabled", "sdpa", "fa2", "fa3"] = "auto"
    rope_scaling: Literal["linear", "dynamic", "yarn"] | None = None
    resize_vocab: bool = False
    add_tokens: Names = ()
    add_special_tokens: Names = ()
    hf_hub_token: Str | None = Field(default=None, repr=False)
    ms_hub_token: Str | None = Field(default=None, repr=False)
    infer_dtype: Dtype = "auto"
    train_from_scratch: bool = False

    def tokens(self) -> hubs.Tokens:
        return hubs.Tokens(self.hf_hub_token, self.ms_hub_token)

    def secrets(self) -> dict[str, str]:
        """The tokens that are given, by the environment variables that the hubs' client libraries read."""
        tokens = {"HF_TOKEN": self.hf_hub_token, "MODELSCOPE_API_TOKEN": self.ms_hub_token}
        return {variable: token for variable, token in tokens.items() if token}


SECRETS = frozenset(
    (
        *("hf_hub_token", "ms_hub_token", "om_hub_token", "hub_token", "api_key"),
        *("swanlab_api_key", "swanlab_lark_secret", "swanlab_lark_webhook_url"),
    )
)
"""Keys whose values are never written to a run, a log, a page or an error."""
